import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { readCsvHeader, readCsvRows } from './csv-rows';
import { ImportUsageError } from './errors';
import { missingNdjsonColumns, readNdjsonRows } from './ndjson-rows';
import type { SourceRow } from './source-row';

/** A file of rows, read as a stream as often as it is asked for. */
export interface SourceFile {
  /** Bytes. */
  readonly size: number;
  /** Those of the columns that the file does not have, and those that it has. */
  missing(
    columns: readonly string[],
  ): Promise<{ readonly missing: readonly string[]; readonly present: readonly string[] }>;
  rows(): AsyncGenerator<SourceRow>;
}

const HEAD_BYTES = 64 * 1024;
const formats: Readonly<Record<string, 'csv' | 'ndjson'>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
};

/**
 * Finds out what a file is, by its extension or else by how it begins.
 * @throws {ImportUsageError} for a file that is missing, empty, or neither CSV nor NDJSON in UTF-8
 */
export async function openSourceFile(path: string): Promise<SourceFile> {
  const { head, size } = await readHead(path);
  if (isUtf16(head)) throw new ImportUsageError(`${path} is in UTF-16; save it as UTF-8`);
  const text = head.toString('utf8').replace(/^\uFEFF/, '');
  const start = text.trimStart();
  if (start === '') throw new ImportUsageError(`${path} is empty; a header row or a JSON object a line is needed`);
  const format = formats[extname(path).toLowerCase()] ?? (start.startsWith('{') ? 'ndjson' : 'csv');
  if (format === 'ndjson') {
    if (start.startsWith('[')) throw new ImportUsageError(`${path} is a JSON array; write one object a line (NDJSON)`);
    return { size, missing: (columns) => missingNdjsonColumns(path, columns), rows: () => readNdjsonRows(path) };
  }
  const delimiter = delimiterOf(text);
  const header = await readCsvHeader(path, delimiter);
  return {
    size,
    missing: async (columns) => missingFrom(path, header, columns),
    rows: () => readCsvRows(path, delimiter),
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

function isUtf16(head: Buffer): boolean {
  const mark = head.subarray(0, 2).toString('hex');
  return mark === 'fffe' || mark === 'feff';
}

/** The delimiter that the header row has most of: Excel writes semicolons where commas are decimal. */
function delimiterOf(text: string): string {
  const [header = ''] = text
    .trimStart()
    .replace(/"[^"]*"/g, '')
    .split(/[\r\n]/);
  const count = (delimiter: string) => header.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, each) => (count(each) > count(best) ? each : best));
}

function missingFrom(path: string, header: readonly string[], columns: readonly string[]) {
  const twice = columns.find((column) => header.filter((name) => name === column).length > 1);
  if (twice !== undefined) throw new ImportUsageError(`${path} has the column "${twice}" twice; rename one of them`);
  return { missing: columns.filter((column) => !header.includes(column)), present: header };
}
