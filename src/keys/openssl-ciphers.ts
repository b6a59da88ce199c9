import { createCipheriv, createDecipheriv } from 'node:crypto';
import { CONTENT_AT, freshIv, IV_AT, SEAL_OVERHEAD_BYTES, TAG_BYTES } from './envelope';
import { UnsealError } from './errors';
import { quickest } from './key-form';

/** The cipher of each version of envelopes. */
const ciphers = { 1: 'aes-256-gcm', 2: 'chacha20-poly1305' } as const;
export type Version = keyof typeof ciphers;

/** Seals by OpenSSL. */
export function opensslEncrypt(version: Version, key: Buffer, content: Buffer, aad: string): Buffer {
  const iv = freshIv();
  // Both ciphers take the same options; the types know them by their names.
  const name = ciphers[version] as 'aes-256-gcm';
  const cipher = createCipheriv(name, quickest(key), iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(aad, 'utf8'));
  return Buffer.concat([Buffer.of(version), iv, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Opens what {@link opensslEncrypt} made.
 *
 * @throws UnsealError on any other key, associated data, version or byte
 */
export function opensslDecrypt(version: Version, key: Buffer, sealed: Buffer, aad: string): Buffer {
  if (sealed.length < SEAL_OVERHEAD_BYTES || sealed[0] !== version) throw new UnsealError();
  const tagStart = sealed.length - TAG_BYTES;
  const name = ciphers[version] as 'aes-256-gcm';
  const iv = sealed.subarray(IV_AT, CONTENT_AT);
  const decipher = createDecipheriv(name, quickest(key), iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(aad, 'utf8'));
  decipher.setAuthTag(sealed.subarray(tagStart));
  const content = decipher.update(sealed.subarray(CONTENT_AT, tagStart));
  try {
    // Neither has a final block: this only checks the tag.
    decipher.final();
  } catch {
    throw new UnsealError();
  }
  return content;
}
