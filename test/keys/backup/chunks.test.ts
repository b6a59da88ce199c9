import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { openChunks, sealChunks } from '../../../src/keys/backup/chunks';

const CHUNK = 64 * 1024;
const SEALED = CHUNK + 16;
const key = randomBytes(32);

/** In pieces of some size, as a file or a socket gives them. */
const inPieces = (bytes: Buffer, size = 10_007): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })(),
  );
const sealed = (content: Buffer) => buffer(Readable.from(sealChunks(inPieces(content), key)));
const opened = (bytes: Buffer, by = key) => buffer(Readable.from(openChunks(inPieces(bytes, 4_099), by)));

test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])(
  '%d bytes are opened as they were',
  async (n) => {
    const content = randomBytes(n);
    const file = await sealed(content);
    expect(file.length).toBe(n + 16 * Math.max(1, Math.ceil(n / CHUNK)));
    expect((await opened(file)).equals(content)).toBe(true);
  },
);

test('equal chunks are not equal when sealed', async () => {
  const file = await sealed(Buffer.alloc(2 * CHUNK));
  expect(file.subarray(0, SEALED).equals(file.subarray(SEALED))).toBe(false);
});

describe('what was changed is refused, with what is wrong', () => {
  const whole = sealed(Buffer.concat([1, 2, 3].map((byte) => Buffer.alloc(CHUNK, byte))));
  const chunk = (file: Buffer, n: number) => file.subarray(n * SEALED, (n + 1) * SEALED);

  test.each<[string, (file: Buffer) => Buffer, string]>([
    ['one bit', (file) => flipped(file, SEALED + 7), `altered, or its parts were moved, at byte ${SEALED}`],
    ['one bit of the first chunk', (file) => flipped(file, 3), 'header or beginning was altered'],
    ['one bit of a tag', (file) => flipped(file, file.length - 1), 'end of the backup is cut off, altered or moved'],
    ['the last chunk is missing', (file) => file.subarray(0, 2 * SEALED), 'cut off: its end is missing'],
    ['half a chunk is missing', (file) => file.subarray(0, 2 * SEALED + 500), 'end of the backup is cut off'],
    ['nothing is left', () => Buffer.alloc(0), 'cut off'],
    ['a byte is added', (file) => Buffer.concat([file, Buffer.of(0)]), 'something was appended'],
    ['a chunk is added', (file) => Buffer.concat([file, chunk(file, 2)]), 'something was appended'],
    ['two chunks change places', (file) => Buffer.concat([chunk(file, 1), chunk(file, 0), chunk(file, 2)]), 'altered'],
    ['a chunk is left out', (file) => Buffer.concat([chunk(file, 0), chunk(file, 2)]), 'cut off, altered or moved'],
    ['a chunk is there twice', (file) => Buffer.concat([chunk(file, 0), file]), 'altered, or its parts were moved'],
  ])('%s', async (_, change, says) => {
    await expect(opened(change(Buffer.from(await whole)))).rejects.toMatchObject({
      name: 'KeyBackupError',
      message: expect.stringContaining(says),
    });
  });

  test('another key', async () => {
    await expect(opened(await whole, randomBytes(32))).rejects.toThrow('header or beginning was altered');
  });
});

function flipped(file: Buffer, at: number): Buffer {
  file[at] = (file[at] ?? 0) ^ 1;
  return file;
}
