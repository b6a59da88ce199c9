import { decrypt, encrypt } from './aes-gcm';
import { UnsealError } from './errors';

/**
 * Seals a value under a key: what a sealed column holds (blueprint §5, statement G1).
 *
 * @param key the subject's own key, 32 bytes
 * @param value anything that JSON can say
 * @param aad where the value belongs (client, subject, table), so that sealed bytes moved elsewhere do not open
 * @returns version byte 1 | 12-byte iv | ciphertext | 16-byte tag
 * @throws TypeError for a value that JSON cannot say (undefined, a function)
 */
export function seal(key: Buffer, value: unknown, aad: string): Buffer {
  const json = JSON.stringify(value);
  if (json === undefined) throw new TypeError('Only a JSON value can be sealed.');
  return encrypt(key, Buffer.from(json, 'utf8'), aad);
}

/**
 * Opens what {@link seal} made.
 *
 * @throws UnsealError, which says nothing of the content, on another key or aad or on altered bytes
 */
export function unseal(key: Buffer, sealed: Buffer, aad: string): unknown {
  const json = decrypt(key, sealed, aad).toString('utf8');
  try {
    return JSON.parse(json);
  } catch {
    // The parser's own error quotes the text.
    throw new UnsealError();
  }
}
