import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { type CsvFile, readCsvHeader, readCsvRows } from './csv-rows';
import { decoderOf, type Encoding, inspect } from './encoding';
import { ImportUsageError } from './errors';
import { missingNdjsonColumns, readNdjsonRows } from './ndjson-rows';
import type { SourceRow } from './source-row';

/** A file of rows. It can be streamed several times. */
export interface SourceFile {
  /** Bytes. */
  readonly size: number;
  /** SHA-256, hex. */
  readonly digest: string;
  readonly encoding: Encoding;
  /** Which of the columns the file lacks, and which columns it has. */
  missing(
    columns: readonly string[],
  ): Promise<{ readonly missing: readonly string[]; readonly present: readonly string[] }>;
  rows(): AsyncGenerator<SourceRow>;
}

export interface ReadingOptions {
  /** The text's encoding. Detected unless given. */
  readonly encoding?: string | undefined;
  /** The delimiter of a CSV file. Detected unless given. */
  readonly delimiter?: string | undefined;
}

const HEAD_BYTES = 64 * 1024;
const ZIP = '504b0304';
const formats: Readonly<Record<string, 'csv' | 'ndjson'>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
};
const delimiters = [',', ';', '\t', '|'];

/**
 * Detects a file's format, by its extension or else by its first characters.
 * @throws {ImportUsageError} for a file that is missing, empty, or neither CSV nor NDJSON
 */
export async function openSourceFile(path: string, options: ReadingOptions = {}): Promise<SourceFile> {
  const { head, size } = await readHead(path);
  if (head.subarray(0, 4).toString('hex') === ZIP) {
    throw new ImportUsageError(`${path} is a spreadsheet or an archive; save its sheet as CSV in UTF-8`);
  }
  const { digest, encoding } = await inspect(path, options.encoding);
  const text = decoderOf(encoding).decode(head);
  const start = text.trimStart();
  if (start === '') throw new ImportUsageError(`${path} is empty; a header row or a JSON object a line is needed`);
  const format = formats[extname(path).toLowerCase()] ?? (start.startsWith('{') ? 'ndjson' : 'csv');
  if (format === 'ndjson') {
    if (start.startsWith('[')) throw new ImportUsageError(`${path} is a JSON array; write one object a line (NDJSON)`);
    return {
      size,
      digest,
      encoding,
      missing: (columns) => missingNdjsonColumns(path, encoding, columns),
      rows: () => readNdjsonRows(path, encoding),
    };
  }
  const file: CsvFile = { path, encoding, delimiter: options.delimiter ?? delimiterOf(text) };
  const header = await readCsvHeader(file);
  return {
    size,
    digest,
    encoding,
    missing: async (columns) => missingFrom(path, header, columns),
    rows: () => readCsvRows(file),
  };
}

async function readHead(path: string): Promise<{ head: Buffer; size: number }> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new ImportUsageError(`${path} cannot be read (${error.code}); name a file that can`);
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new ImportUsageError(`${path} is not a file; name one`);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return { head: buffer.subarray(0, bytesRead), size: stats.size };
  } finally {
    await file.close();
  }
}

/**
 * The delimiter that Excel's first line names, or else the most frequent one in the header row. Excel writes semicolons
 * where the comma is the decimal sign.
 */
function delimiterOf(text: string): string {
  const start = text.trimStart();
  if (start.startsWith('sep=') && start[4] !== undefined) return start[4];
  const [header = ''] = start.replace(/"[^"]*"/g, '').split(/[\r\n]/);
  const count = (delimiter: string) => header.split(delimiter).length;
  return delimiters.reduce((best, each) => (count(each) > count(best) ? each : best));
}

function missingFrom(path: string, header: readonly string[], columns: readonly string[]) {
  const twice = columns.find((column) => header.filter((name) => name === column).length > 1);
  if (twice !== undefined) throw new ImportUsageError(`${path} has the column "${twice}" twice; rename one of them`);
  return { missing: columns.filter((column) => !header.includes(column)), present: header };
}
