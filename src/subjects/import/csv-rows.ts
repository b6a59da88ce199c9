import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type CsvError, type Info, parse } from 'csv-parse';
import { type Fault, ImportUsageError } from './errors';
import { MAX_ROW_BYTES, type SourceRow, tooLong } from './source-row';

interface CsvRecord {
  readonly line: number;
  readonly end: number;
  readonly content: { readonly cells: readonly string[] } | { readonly fault: Fault };
}

const faults: Readonly<Record<string, Fault>> = {
  CSV_INVALID_CLOSING_QUOTE: { reason: 'a quote closes in the middle of a value; write it twice' },
  INVALID_OPENING_QUOTE: { reason: 'a quote opens in the middle of a value; quote the whole value' },
  CSV_QUOTE_NOT_CLOSED: { reason: 'a quote is opened and never closed' },
  CSV_MAX_RECORD_SIZE: tooLong,
};

/** The names in the header row. @throws {ImportUsageError} where there is no header that can be read */
export async function readCsvHeader(path: string, delimiter: string): Promise<readonly string[]> {
  for await (const { content } of readRecords(path, delimiter)) {
    if ('fault' in content) throw new ImportUsageError(`${path}: the header row is broken: ${content.fault.reason}`);
    return content.cells.map((cell) => cell.trim());
  }
  throw new ImportUsageError(`${path} is empty; a header row is needed`);
}

/** The rows below the header. A broken row is reported and costs no other one. */
export async function* readCsvRows(path: string, delimiter: string): AsyncGenerator<SourceRow> {
  const header = await readCsvHeader(path, delimiter);
  const places = new Map(header.map((name, place) => [name, place]));
  let isHeader = true;
  for await (const { line, end, content } of readRecords(path, delimiter)) {
    if (isHeader) isHeader = false;
    else if ('fault' in content) yield { line, end, content };
    else yield { line, end, content: rowContent(content.cells, places, header.length) };
  }
}

function rowContent(cells: readonly string[], places: ReadonlyMap<string, number>, width: number) {
  if (cells.length === width) return { value: (column: string) => cells[places.get(column) ?? -1] };
  return { fault: { reason: `has ${cells.length} columns where the header has ${width}` } };
}

/** Records with their lines; blank lines are none. After a broken record, reading goes on in the line below its first. */
async function* readRecords(path: string, delimiter: string): AsyncGenerator<CsvRecord> {
  let start: number | undefined = 0;
  let line = 1;
  while (start !== undefined) {
    let end: number = start;
    let broken: Fault | undefined;
    for await (const record of parseFrom(path, delimiter, start)) {
      if ('fault' in record) {
        broken = record.fault;
        break;
      }
      const content = { cells: record.cells };
      end = start + record.bytes;
      if (record.cells.length > 1 || record.cells[0]?.trim()) yield { line, end, content };
      line += record.lines;
    }
    if (!broken) return;
    yield { line, end, content: { fault: broken } };
    start = await nextLine(path, end);
    line += 1;
  }
}

type Parsed = { readonly cells: string[]; readonly bytes: number; readonly lines: number } | { readonly fault: Fault };

/** The records from an offset on, up to the first broken one, which is the last. */
async function* parseFrom(path: string, delimiter: string, start: number): AsyncGenerator<Parsed> {
  const input = createReadStream(path, { start });
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    bom: start === 0,
    info: true,
    relax_column_count: true,
    // An error of the stream would take the records with it that wait to be read; and after the broken one the parser
    // is lost within a quote, so what comes after it does not count.
    skip_records_with_error: true,
    max_record_size: MAX_ROW_BYTES,
  });
  let broken: { readonly after: number; readonly fault: Fault } | undefined;
  parser.on('skip', (error: CsvError & { records: number }) => {
    if (broken) return;
    broken = { after: error.records, fault: faults[error.code] ?? { reason: 'is not well-formed CSV' } };
    input.destroy();
    parser.end();
  });
  input.on('error', (error) => parser.destroy(error));
  input.pipe(parser);
  let lines = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      if (broken && info.records > broken.after) break;
      yield { cells: record, bytes: info.bytes, lines: info.lines - lines };
      lines = info.lines;
    }
  } finally {
    input.destroy();
  }
  if (broken) yield { fault: broken.fault };
}

/** The offset of the line after the one that an offset is in; undefined at the file's end. */
async function nextLine(path: string, from: number): Promise<number | undefined> {
  const file = await open(path);
  const chunk = Buffer.alloc(64 * 1024);
  try {
    for (let position = from; ; ) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
      if (bytesRead === 0) return undefined;
      const newline = chunk.subarray(0, bytesRead).indexOf(0x0a);
      if (newline >= 0) return position + newline + 1;
      position += bytesRead;
    }
  } finally {
    await file.close();
  }
}
