import { isAscii } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { analyse } from 'chardet';
import { ImportUsageError } from './errors';

/** A file's text encoding. */
export interface Encoding {
  /** Its name in the WHATWG Encoding Standard, such as `utf-8` or `windows-1252`. */
  readonly name: string;
  /** How it is known: by the first bytes, by all bytes, by likeness, or by the importer's word. */
  readonly by: 'mark' | 'content' | 'guess' | 'option';
}

/** What reading the whole file finds out before the import. */
export interface Inspection {
  /** SHA-256 of its bytes, hex. */
  readonly digest: string;
  readonly encoding: Encoding;
}

const SAMPLE_BYTES = 64 * 1024;
const PIECE_BYTES = 4 * 1024;
/** Latin text in UTF-16 has a zero in every other byte. Other text has none. */
const ZEROS = 0.3;

/**
 * Reads a whole file and finds its encoding. Text without a byte order mark that is valid UTF-8 is UTF-8. Otherwise the
 * encoding is guessed by likeness.
 * @throws {ImportUsageError} for an encoding that cannot be read
 */
export async function inspect(path: string, wanted: string | undefined): Promise<Inspection> {
  const hash = createHash('sha256');
  const strict = new TextDecoder('utf-8', { fatal: true });
  const pieces: Buffer[] = [];
  let sampled = 0;
  let head: Buffer | undefined;
  let isUtf8 = true;
  const stillUtf8 = (decode: () => string) => {
    try {
      decode();
    } catch {
      isUtf8 = false;
    }
  };
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    head ??= chunk.subarray(0, PIECE_BYTES);
    if (isUtf8) stillUtf8(() => strict.decode(chunk, { stream: true }));
    if (sampled >= SAMPLE_BYTES || isAscii(chunk)) continue;
    const first = chunk.findIndex((byte) => byte > 0x7f);
    const piece = Buffer.from(chunk.subarray(Math.max(0, first - 64), first + PIECE_BYTES));
    pieces.push(piece);
    sampled += piece.length;
  }
  if (isUtf8) stillUtf8(() => strict.decode());
  const encoding = wanted === undefined ? detect(head ?? Buffer.alloc(0), isUtf8, pieces) : chosen(wanted);
  return { digest: hash.digest('hex'), encoding };
}

/** Decodes a file's bytes as they come. */
export interface Decoder {
  decode(chunk: Buffer): string;
  end(): string;
}

export function decoderOf({ name }: Encoding): Decoder {
  if (name === 'windows-1252') return { decode: windows1252, end: () => '' };
  const decoder = new TextDecoder(name);
  return { decode: (chunk) => decoder.decode(chunk, { stream: true }), end: () => decoder.decode() };
}

/** Node 20 decodes it as ISO 8859-1, so that quotes and the euro sign become control characters. */
const windows1252 = (chunk: Buffer): string =>
  chunk.toString('latin1').replace(/[\x80-\x9f]/g, (character) => HIGH[character.charCodeAt(0) - 0x80] ?? character);
const HIGH = [...'€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'];

function chosen(wanted: string): Encoding {
  try {
    return { name: new TextDecoder(wanted.trim()).encoding, by: 'option' };
  } catch {
    const right = 'utf-8, utf-16le, windows-1252, iso-8859-15, macintosh, shift_jis, gb18030 and their like';
    throw new ImportUsageError(`there is no encoding ${wanted}; name one of ${right}`);
  }
}

function detect(head: Buffer, isUtf8: boolean, pieces: readonly Buffer[]): Encoding {
  const mark = head.subarray(0, 4).toString('hex');
  if (mark === 'fffe0000' || mark === '0000feff') {
    throw new ImportUsageError('the file is in UTF-32, which nothing reads; save it as UTF-8');
  }
  if (mark.startsWith('efbbbf')) return { name: 'utf-8', by: 'mark' };
  if (mark.startsWith('fffe')) return { name: 'utf-16le', by: 'mark' };
  if (mark.startsWith('feff')) return { name: 'utf-16be', by: 'mark' };
  const zeros = (from: 0 | 1) => {
    const every = head.filter((_, place) => place % 2 === from);
    return every.filter((byte) => byte === 0).length / Math.max(1, every.length);
  };
  if (zeros(1) > ZEROS && zeros(0) < ZEROS) return { name: 'utf-16le', by: 'content' };
  if (zeros(0) > ZEROS && zeros(1) < ZEROS) return { name: 'utf-16be', by: 'content' };
  const sample = Buffer.concat(pieces);
  if (isUtf8 || isDamagedUtf8(sample)) return { name: 'utf-8', by: 'content' };
  return { name: likeliest(sample), by: 'guess' };
}

/** Whether it has far more valid than invalid UTF-8. No other encoding looks so. */
function isDamagedUtf8(sample: Buffer): boolean {
  const letters = sample.toString('utf8').replace(/[\0-\x7f]/g, '');
  const broken = letters.split('\uFFFD').length - 1;
  return letters.length - broken > 2 * broken;
}

/** The fallback where no likeness stands out: what spreadsheets write unless UTF-8 is chosen. */
function likeliest(sample: Buffer): string {
  const [first, second] = analyse(sample);
  if (!first || first.confidence === (second?.confidence ?? 0)) return 'windows-1252';
  try {
    return new TextDecoder(first.name).encoding;
  } catch {
    return 'windows-1252';
  }
}
