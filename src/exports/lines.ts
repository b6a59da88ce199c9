import { listText } from '../storage/lists';
import type { Row } from '../tenancy/tenant-reader';
import { isList, type StoredField, type TenantTable } from '../tenancy/tenant-table';
import type { ExportState } from './export-state';
import { exportedFields, omittedFields, omittedTables } from './omitted';
import { type Progress, rowsIn, type TableCount } from './progress';

/** The version of the format. It changes when lines change. */
const FORMAT = 'remit-export/1';
/** The most bytes of a piece. A longer line is a piece of its own. */
const PIECE_BYTES = 1024 * 1024;

const line = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

/** The first line: what the file is, and what it contains. */
export function manifestLine({ id, client }: ExportState, begunAt: number, tables: readonly TenantTable[]): Buffer {
  const fields = Object.fromEntries(tables.map((table) => [table.name, exportedFields(table)]));
  return line({
    export: {
      format: FORMAT,
      id,
      client,
      begunAt: new Date(begunAt).toISOString(),
      tables: fields,
      omitted: { tables: Object.fromEntries(omittedTables), fields: Object.fromEntries(omittedFields) },
      end: 'The last line counts the rows of each table. A file without it is not whole.',
    },
  });
}

/** The last line. A truncated download has none. */
export const trailerLine = (progress: Progress): Buffer =>
  line({ end: { rows: rowsIn(progress), tables: progress.tables } });

/** A row as a line. Values that cannot be decrypted are null, and counted. */
export function rowLine(table: TenantTable, fields: readonly string[], row: Row, counted: TableCount): Buffer {
  let isDamaged = false;
  const values = fields.map((field) => {
    const value = row[field] ?? null;
    if (!(value instanceof Error)) return [field, exported(table.fields.get(field), value)];
    isDamaged = true;
    return [field, null];
  });
  if (isDamaged) counted.damaged++;
  return line({ table: table.name, row: Object.fromEntries(values) });
}

/** Lists are text in a line, as in the database. */
const exported = (field: StoredField | undefined, value: unknown): unknown =>
  field && isList(field) ? listText(value as string[] | null) : value;

/** The beginning of lines of a table. */
export const linePrefix = (table: string): string => `{"table":${JSON.stringify(table)},`;

/** Joins lines to pieces of a size that every engine accepts. */
export function piecesOf(lines: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const each of lines) {
    if (length + each.length > PIECE_BYTES) {
      pieces.push([]);
      length = 0;
    }
    pieces.at(-1)?.push(each);
    length += each.length;
  }
  return pieces.map((piece) => Buffer.concat(piece));
}
