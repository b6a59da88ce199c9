import { randomFillSync } from 'node:crypto';

/** An envelope: one byte for its version | vector | ciphertext | tag. */
const IV_BYTES = 12;
export const TAG_BYTES = 16;
export const IV_AT = 1;
export const CONTENT_AT = IV_AT + IV_BYTES;

/** How much longer sealed bytes are than their content. */
export const SEAL_OVERHEAD_BYTES = CONTENT_AT + TAG_BYTES;

/** Random bytes for many vectors at once. Asking for each one costs a third of the sealing. */
const vectors = Buffer.alloc(IV_BYTES * 1024);
let used = vectors.length;

/** A random vector, valid until the next is asked for. */
export function freshIv(): Buffer {
  if (used === vectors.length) {
    randomFillSync(vectors);
    used = 0;
  }
  used += IV_BYTES;
  return vectors.subarray(used - IV_BYTES, used);
}
