import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { UnsealError } from './errors';
import { quickest } from './key-form';

const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const OVERHEAD = 1 + IV_BYTES + TAG_BYTES;

/** How much longer sealed bytes are than their content: version, initialisation vector and tag. */
export const SEAL_OVERHEAD_BYTES = OVERHEAD;

/** Random bytes for many vectors at once. Asking for each one costs a third of the sealing. */
const vectors = Buffer.alloc(IV_BYTES * 1024);
let used = vectors.length;

function freshIv(): Buffer {
  if (used === vectors.length) {
    randomFillSync(vectors);
    used = 0;
  }
  used += IV_BYTES;
  return vectors.subarray(used - IV_BYTES, used);
}

/**
 * AES-256-GCM (NIST SP 800-38D) under a random 96-bit initialisation vector.
 *
 * @param key 32 bytes
 * @param aad associated data: says what the bytes belong to. Opening needs the same
 * @returns version byte 1 | 12-byte iv | ciphertext | 16-byte tag
 */
export function encrypt(key: Buffer, content: Buffer, aad: string): Buffer {
  const iv = freshIv();
  const cipher = createCipheriv('aes-256-gcm', quickest(key), iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(aad, 'utf8'));
  return Buffer.concat([Buffer.of(VERSION), iv, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Opens what {@link encrypt} made.
 *
 * @throws UnsealError on any other key, associated data, version or byte
 */
export function decrypt(key: Buffer, sealed: Buffer, aad: string): Buffer {
  if (sealed.length < OVERHEAD || sealed[0] !== VERSION) throw new UnsealError();
  const tagStart = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', quickest(key), sealed.subarray(1, 1 + IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(aad, 'utf8'));
  decipher.setAuthTag(sealed.subarray(tagStart));
  const content = decipher.update(sealed.subarray(1 + IV_BYTES, tagStart));
  try {
    // GCM has no final block: this only checks the tag.
    decipher.final();
  } catch {
    throw new UnsealError();
  }
  return content;
}
