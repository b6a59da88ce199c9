import { CsvRecord, closersIn, type Fed, Reading } from './csv-record';
import type { Encoding } from './encoding';
import { type Fault, ImportUsageError } from './errors';
import { LineQueue } from './line-queue';
import { type Line, readLines } from './lines';
import { MAX_ROW_LENGTH, type SourceRow, tooLong } from './source-row';

/** A file of delimited values, and how to read it. */
export interface CsvFile {
  readonly path: string;
  readonly encoding: Encoding;
  readonly delimiter: string;
}

interface Found {
  readonly line: number;
  readonly end: number;
  readonly content: { readonly cells: readonly string[] } | { readonly fault: Fault };
}

const faults: Readonly<Record<Exclude<Fed, 'whole' | 'open'>, string>> = {
  'bad close': 'a quote closes in the middle of a value; write it twice',
  'bad open': 'a quote opens in the middle of a value; quote the whole value, and write the quote twice',
};
const neverClosed: Fault = { reason: 'a quote is opened and never closed' };

/** The names in the header row. @throws {ImportUsageError} where there is no header that can be read */
export async function readCsvHeader(file: CsvFile): Promise<readonly string[]> {
  for await (const { content } of new CsvReader(file).records()) {
    if ('fault' in content) {
      throw new ImportUsageError(`${file.path}: the header row is broken: ${content.fault.reason}`);
    }
    return content.cells.map((cell) => cell.trim());
  }
  throw new ImportUsageError(`${file.path} is empty; a header row is needed`);
}

/** The rows below the header. A broken row is reported and costs no other one. */
export async function* readCsvRows(file: CsvFile): AsyncGenerator<SourceRow> {
  let places: ReadonlyMap<string, number> | undefined;
  let width = 0;
  for await (const { line, end, content } of new CsvReader(file).records()) {
    if (!places) {
      const header = 'cells' in content ? content.cells : [];
      places = new Map(header.map((name, place) => [name.trim(), place]));
      width = header.length;
    } else if ('fault' in content) yield { line, end, content };
    else yield { line, end, content: rowContent(content.cells, places, width) };
  }
}

/** Missing cells at a row's end count as empty. Empty cells beyond the header are ignored. */
function rowContent(cells: readonly string[], places: ReadonlyMap<string, number>, width: number) {
  if (cells.length > width && cells.slice(width).some((cell) => cell.trim() !== '')) {
    return { fault: { reason: `has ${cells.length} columns where the header has ${width}` } };
  }
  return { value: (column: string) => cells[places.get(column) ?? -1] };
}

/** Reads records, and resumes after broken quotes. */
class CsvReader {
  readonly #delimiter: string;
  readonly #lines: LineQueue;
  /** The last line that was searched for closing quotes, and the last lines that had some. */
  #looked = 0;
  #closing = { one: 0, any: 0 };

  constructor({ path, encoding, delimiter }: CsvFile) {
    this.#delimiter = delimiter;
    this.#lines = new LineQueue(readLines(path, encoding));
  }

  /** Records with their lines, without blank ones. */
  async *records(): AsyncGenerator<Found> {
    for (let first = await this.#lines.peek(0); first; first = await this.#lines.peek(0)) {
      const { number: line, text, end } = first;
      // Excel may name its delimiter in a line before the header.
      const isRow = line > 1 || !text?.startsWith('sep=');
      const record = new CsvRecord(this.#delimiter);
      const fed = text === undefined ? undefined : record.feed(text, '');
      if (fed === undefined || fed === 'whole') {
        this.#lines.drop(1);
        if (fed === undefined) yield { line, end, content: { fault: tooLong } };
        else if (isRow && !isBlank(record)) yield { line, end, content: { cells: record.cells } };
      } else {
        const found = await this.#goOn(first, record, fed);
        if ('fault' in found.content || !isBlank(record)) yield found;
      }
    }
  }

  /** Reads a record that its first line did not end. */
  async #goOn(first: Line, record: CsvRecord, began: Fed): Promise<Found> {
    const { number: line } = first;
    let last = first;
    let fed = began;
    let length = first.text?.length ?? 0;
    let lines = 1;
    for (; fed === 'open'; lines++) {
      const next = await this.#lines.peek(lines);
      length += next?.text?.length ?? MAX_ROW_LENGTH;
      if (next?.text === undefined || length > MAX_ROW_LENGTH) {
        // It is never closed: the lines below are rows of their own.
        this.#lines.drop(1);
        return { line, end: first.end, content: { fault: next ? tooLong : neverClosed } };
      }
      fed = record.feed(next.text, last.ending);
      last = next;
    }
    if (fed === 'whole') {
      this.#lines.drop(lines);
      return { line, end: last.end, content: { cells: record.cells } };
    }
    const reason = faults[fed as keyof typeof faults];
    const through = await this.#recover(last);
    return { line, end: first.end, content: { fault: through === line ? { reason } : { reason, through } } };
  }

  /**
   * Skips what may be inside of a broken value. The value may end with its first line, or go on to the next quote that
   * can close it. Rows are certain again where every reading is outside of quotes, so that no text of a value becomes a
   * row.
   * @param broken the line with the broken quote
   * @returns the last skipped line
   */
  async #recover(broken: Line): Promise<number> {
    const first = (await this.#lines.peek(0)) as Line;
    const known = broken.number - first.number + 1;
    const onward = [false, true].map((closesAtTwo) => new Reading(this.#delimiter, closesAtTwo));
    const ended = new Reading(this.#delimiter, false);
    for (let place = 0; place < known; place++) {
      const text = (await this.#lines.peek(place))?.text ?? '';
      for (const reading of onward) reading.follow(text);
      if (place > 0) ended.follow(text);
    }
    await this.#lookForClosers(known);
    const possible = onward.filter((reading) => {
      const last = reading.closesAtTwo ? this.#closing.any : this.#closing.one;
      return !reading.isQuoted || last > broken.number;
    });
    if (possible.length === 0) {
      this.#lines.drop(1);
      return first.number;
    }
    this.#lines.drop(known);
    let readings = [...possible, ended];
    let through = broken.number;
    while (readings.some(({ isQuoted }) => isQuoted)) {
      const line = await this.#lines.peek(0);
      if (!line) break;
      this.#lines.drop(1);
      through = line.number;
      for (const reading of readings) reading.follow(line.text ?? '');
      const longest = line.text === undefined ? 0 : MAX_ROW_LENGTH;
      readings = readings.filter(({ isQuoted, length }) => !isQuoted || length <= longest);
    }
    return through;
  }

  /**
   * Searches as far ahead as a row may reach, each line once.
   * @param from the least number of lines ahead to start at
   */
  async #lookForClosers(from: number): Promise<void> {
    await this.#lines.fill(MAX_ROW_LENGTH);
    const next = (await this.#lines.peek(0))?.number ?? 0;
    for (let place = Math.max(from, this.#looked + 1 - next); ; place++) {
      const line = this.#lines.waiting(place);
      if (!line) return;
      this.#looked = line.number;
      const closers = closersIn(line.text ?? '', this.#delimiter);
      if (closers !== 'none') this.#closing.any = line.number;
      if (closers === 'one') this.#closing.one = line.number;
    }
  }
}

const isBlank = ({ cells }: CsvRecord): boolean => cells.every((cell) => cell.trim() === '');
