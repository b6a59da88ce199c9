import { createReadStream } from 'node:fs';
import { decoderOf, type Encoding } from './encoding';
import { MAX_ROW_LENGTH } from './source-row';

/** One line of a file. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Undefined where it is longer than a row may be. */
  readonly text: string | undefined;
  /** What ended it: a line feed, a carriage return, both, or nothing at the file's end. */
  readonly ending: string;
  /** Bytes of the file that were read by then, roughly: how far the reading is. */
  readonly end: number;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * The lines of a file, whatever ends them: LF, CR LF, or the CR alone of old Macintosh programs. U+2028 ends none,
 * which a JSON string may hold.
 */
export async function* readLines(path: string, encoding: Encoding): AsyncGenerator<Line> {
  const decoder = decoderOf(encoding);
  let number = 0;
  let end = 0;
  let rest = '';
  let isTooLong = false;
  const lineOf = (text: string, ending: string): Line => {
    number += 1;
    const line = { number, text: isTooLong || text.length > MAX_ROW_LENGTH ? undefined : text, ending, end };
    isTooLong = false;
    return line;
  };
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    end += chunk.length;
    const text = rest + decoder.decode(chunk);
    let start = 0;
    for (const match of text.matchAll(/\r\n?|\n/g)) {
      const [ending] = match;
      // A carriage return that comes last may have its line feed in the next chunk.
      if (ending === '\r' && match.index === text.length - 1) break;
      yield lineOf(text.slice(start, match.index), ending);
      start = match.index + ending.length;
    }
    rest = text.slice(start);
    if (rest.length > MAX_ROW_LENGTH) {
      isTooLong = true;
      rest = rest.endsWith('\r') ? '\r' : '';
    }
  }
  rest += decoder.end();
  if (rest.endsWith('\r')) yield lineOf(rest.slice(0, -1), '\r');
  else if (rest !== '' || isTooLong) yield lineOf(rest, '');
}
