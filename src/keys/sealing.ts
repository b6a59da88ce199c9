import { decrypt, encrypt } from './aes-gcm';
import { openText, sealText } from './chacha';
import { UnsealError } from './errors';

/** What values are sealed with. Everything that was sealed with either opens. */
export const sealingCiphers = ['chacha20-poly1305', 'aes-256-gcm'] as const;
export type SealingCipher = (typeof sealingCiphers)[number];

let cipher: SealingCipher = 'chacha20-poly1305';

/** Seals with this cipher from now on (REMIT_SEALING). */
export function sealWith(chosen: SealingCipher): void {
  cipher = chosen;
}

export const sealingCipher = (): SealingCipher => cipher;

/**
 * Seals a value under a key: the content of a sealed column (docs/design.md; G1).
 *
 * @param key the subject's own key, 32 bytes
 * @param value anything that JSON can hold
 * @param aad where the value belongs (client, subject, table): sealed bytes that were moved do not open
 * @returns version byte | 12-byte iv | ciphertext | 16-byte tag. The version says the cipher
 * @throws TypeError for a value that JSON cannot hold (undefined, a function)
 */
export function seal(key: Buffer, value: unknown, aad: string): Buffer {
  const json = JSON.stringify(value);
  if (json === undefined) throw new TypeError('Only a JSON value can be sealed.');
  return cipher === 'aes-256-gcm' ? encrypt(key, Buffer.from(json, 'utf8'), aad) : sealText(key, json, aad);
}

/**
 * Opens what {@link seal} made.
 *
 * @throws UnsealError for another key or aad, or altered bytes. It says nothing about the content
 */
export function unseal(key: Buffer, sealed: Buffer, aad: string): unknown {
  return parsed(unsealText(key, sealed, aad));
}

/** As {@link unseal}: the value's JSON, as `JSON.stringify` wrote it. */
export const unsealText = (key: Buffer, sealed: Buffer, aad: string): string =>
  sealed[0] === 2 ? openText(key, sealed, aad) : decrypt(key, sealed, aad).toString('utf8');

/** @throws UnsealError for what is no JSON */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The parser's own error would quote the content.
    throw new UnsealError();
  }
}
