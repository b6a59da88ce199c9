import { CONTENT_AT, IV_AT, SEAL_OVERHEAD_BYTES, TAG_BYTES } from './envelope';
import { UnsealError } from './errors';
import type { Sodium } from './sodium';

/** OpenSSL is faster with longer ones. Bytes. */
const LONGEST_CONTENT = 2_048;
const LONGEST_AAD = 512;
/** The most bytes that UTF-8 takes for one unit of a text. */
const WIDEST = 3;
const KEY_BYTES = 32;

/**
 * ChaCha20-Poly1305 (RFC 8439) of short texts by libsodium: the same bytes as OpenSSL's, without a native object for
 * each. libsodium has a memory of its own, where each part has its place. Key and content are zeroed there before a
 * call ends.
 */
export class ShortBoxes {
  readonly #sodium: Sodium;
  readonly #key: number;
  readonly #aad: number;
  readonly #sealed: number;
  readonly #content: number;
  #array: Uint8Array;
  #memory: Buffer;

  /** @param sodium ready */
  constructor(sodium: Sodium) {
    this.#sodium = sodium;
    this.#key = sodium._malloc(KEY_BYTES);
    this.#aad = sodium._malloc(LONGEST_AAD);
    this.#sealed = sodium._malloc(LONGEST_CONTENT + SEAL_OVERHEAD_BYTES);
    this.#content = sodium._malloc(LONGEST_CONTENT);
    this.#array = sodium.HEAPU8;
    this.#memory = bufferOf(this.#array);
  }

  /** An envelope of the text; undefined where it is too long. */
  seal(version: number, key: Buffer, iv: Buffer, text: string, aad: string): Buffer | undefined {
    if (text.length * WIDEST > LONGEST_CONTENT || aad.length * WIDEST > LONGEST_AAD) return undefined;
    const memory = this.#bytes();
    const contentBytes = memory.write(text, this.#content, 'utf8');
    const aadBytes = memory.write(aad, this.#aad, 'utf8');
    const [box, nonce] = [this.#sealed + CONTENT_AT, this.#sealed + IV_AT];
    memory[this.#sealed] = version;
    memory.set(iv, nonce);
    const seal = this.#sodium._crypto_aead_chacha20poly1305_ietf_encrypt;
    try {
      memory.set(whole(key), this.#key);
      const failed = seal(box, 0, this.#content, contentBytes, 0, this.#aad, aadBytes, 0, 0, nonce, this.#key);
      if (failed !== 0) throw new Error('libsodium did not seal.');
    } finally {
      memory.fill(0, this.#key, this.#key + KEY_BYTES);
      memory.fill(0, this.#content, this.#content + contentBytes);
    }
    return Buffer.from(memory.subarray(this.#sealed, this.#sealed + contentBytes + SEAL_OVERHEAD_BYTES));
  }

  /**
   * The text of an envelope; undefined where it is too long.
   *
   * @throws UnsealError on any other key, associated data or byte
   */
  open(key: Buffer, sealed: Buffer, aad: string): string | undefined {
    const contentBytes = sealed.length - SEAL_OVERHEAD_BYTES;
    if (contentBytes > LONGEST_CONTENT || aad.length * WIDEST > LONGEST_AAD) return undefined;
    if (contentBytes < 0) throw new UnsealError();
    const memory = this.#bytes();
    memory.set(sealed, this.#sealed);
    const aadBytes = memory.write(aad, this.#aad, 'utf8');
    const [box, nonce] = [this.#sealed + CONTENT_AT, this.#sealed + IV_AT];
    const boxBytes = contentBytes + TAG_BYTES;
    const open = this.#sodium._crypto_aead_chacha20poly1305_ietf_decrypt;
    try {
      memory.set(whole(key), this.#key);
      const failed = open(this.#content, 0, 0, box, boxBytes, 0, this.#aad, aadBytes, 0, nonce, this.#key);
      if (failed !== 0) throw new UnsealError();
      return memory.toString('utf8', this.#content, this.#content + contentBytes);
    } finally {
      memory.fill(0, this.#key, this.#key + KEY_BYTES);
      memory.fill(0, this.#content, this.#content + contentBytes);
    }
  }

  /** libsodium's memory, which is another one after it has grown. */
  #bytes(): Buffer {
    if (this.#array !== this.#sodium.HEAPU8) {
      this.#array = this.#sodium.HEAPU8;
      this.#memory = bufferOf(this.#array);
    }
    return this.#memory;
  }
}

/** libsodium reads as many bytes as a key has, whatever was given. */
function whole(key: Buffer): Buffer {
  if (key.length !== KEY_BYTES) throw new TypeError(`A key has ${KEY_BYTES} bytes.`);
  return key;
}

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
