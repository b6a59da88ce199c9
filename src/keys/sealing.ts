import { decrypt, encrypt } from './aes-gcm';
import { UnsealError } from './errors';

/**
 * Seals a value under a key: the content of a sealed column (docs/design.md; G1).
 *
 * @param key the subject's own key, 32 bytes
 * @param value anything that JSON can hold
 * @param aad where the value belongs (client, subject, table): sealed bytes that were moved do not open
 * @returns version byte 1 | 12-byte iv | ciphertext | 16-byte tag
 * @throws TypeError for a value that JSON cannot hold (undefined, a function)
 */
export function seal(key: Buffer, value: unknown, aad: string): Buffer {
  const json = JSON.stringify(value);
  if (json === undefined) throw new TypeError('Only a JSON value can be sealed.');
  return encrypt(key, Buffer.from(json, 'utf8'), aad);
}

/**
 * Opens what {@link seal} made.
 *
 * @throws UnsealError for another key or aad, or altered bytes. It says nothing about the content
 */
export function unseal(key: Buffer, sealed: Buffer, aad: string): unknown {
  const json = decrypt(key, sealed, aad).toString('utf8');
  try {
    return JSON.parse(json);
  } catch {
    // The parser's own error would quote the content.
    throw new UnsealError();
  }
}
