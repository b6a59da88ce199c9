import { createCipheriv, createDecipheriv } from 'node:crypto';
import { KeyBackupError } from './errors';

/** Plain bytes of every chunk but the last one, which may be shorter. */
const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES;

/**
 * Seals a stream in chunks: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, 2015) with AES-256-GCM, as
 * age has it. A chunk's nonce is its number in 11 bytes, and a byte that is 1 for the last one. So no chunk can be
 * altered, left out, moved or added.
 *
 * @param key 32 bytes, used for this one stream
 */
export async function* sealChunks(content: AsyncIterable<Buffer>, key: Buffer): AsyncGenerator<Buffer> {
  const pieces = new Pieces(content);
  for (let number = 0; ; number++) {
    const { bytes, isLast } = await pieces.next(CHUNK_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number, isLast), { authTagLength: TAG_BYTES });
    yield Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    if (isLast) return;
  }
}

/**
 * Opens what {@link sealChunks} made. What it yields is authentic; that it is whole is known at the end only.
 *
 * @throws {KeyBackupError} for an altered, moved, missing or added chunk
 */
export async function* openChunks(sealed: AsyncIterable<Buffer>, key: Buffer): AsyncGenerator<Buffer> {
  const pieces = new Pieces(sealed);
  for (let number = 0; ; number++) {
    const { bytes, isLast } = await pieces.next(SEALED_BYTES);
    const content = opened(bytes, key, nonceOf(number, isLast));
    if (!content) throw new KeyBackupError(whatIsWrong(bytes, key, number, isLast));
    yield content;
    if (isLast) return;
  }
}

function whatIsWrong(bytes: Buffer, key: Buffer, number: number, isLast: boolean): string {
  const opensOtherwise = opened(bytes, key, nonceOf(number, !isLast)) !== undefined;
  if (opensOtherwise && isLast) return 'the backup is cut off: its end is missing';
  if (opensOtherwise) return 'something was appended to the backup';
  if (isLast) return 'the end of the backup is cut off, altered or moved';
  return number === 0
    ? "the backup's header or beginning was altered"
    : `the backup was altered, or its parts were moved, at byte ${number * SEALED_BYTES} of its content`;
}

function opened(bytes: Buffer, key: Buffer, nonce: Buffer): Buffer | undefined {
  if (bytes.length < TAG_BYTES) return undefined;
  const end = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(bytes.subarray(end));
  const content = decipher.update(bytes.subarray(0, end));
  try {
    // GCM has no final block: this only checks the tag.
    decipher.final();
    return content;
  } catch {
    return undefined;
  }
}

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** Cuts a stream into pieces of one size. */
class Pieces {
  readonly #stream: AsyncIterator<Buffer>;
  readonly #waiting: Buffer[] = [];
  #length = 0;

  constructor(stream: AsyncIterable<Buffer>) {
    this.#stream = stream[Symbol.asyncIterator]();
  }

  /** The next `size` bytes, or what is left. Whether it is the last piece shows by what comes after it. */
  async next(size: number): Promise<{ bytes: Buffer; isLast: boolean }> {
    let isLast = false;
    while (this.#length <= size && !isLast) {
      const { value, done } = await this.#stream.next();
      isLast = done === true;
      if (isLast) break;
      this.#waiting.push(value);
      this.#length += value.length;
    }
    const all = Buffer.concat(this.#waiting.splice(0));
    const bytes = all.subarray(0, size);
    const rest = all.subarray(size);
    if (rest.length > 0) this.#waiting.push(rest);
    this.#length = rest.length;
    return { bytes, isLast };
  }
}
