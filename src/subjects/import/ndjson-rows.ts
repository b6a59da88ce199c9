import { parse } from 'lossless-json';
import type { Encoding } from './encoding';
import { readLines } from './lines';
import { type SourceRow, tooLong } from './source-row';

type JsonObject = Readonly<Record<string, unknown>>;

/** One JSON object on each line. Blank lines are ignored. */
export async function* readNdjsonRows(path: string, encoding: Encoding): AsyncGenerator<SourceRow> {
  for await (const { number: line, end, text } of readLines(path, encoding)) {
    if (text === undefined) yield { line, end, content: { fault: tooLong } };
    else if (text.trim() !== '') yield { line, end, content: contentOf(text) };
  }
}

/** Columns that no row has. Stops reading once each was seen, usually in the first row. */
export async function missingNdjsonColumns(path: string, encoding: Encoding, columns: readonly string[]) {
  const missing = new Set(columns);
  const present = new Set<string>();
  for await (const { text } of readLines(path, encoding)) {
    const row = text === undefined ? undefined : objectOf(text);
    if (!row) continue;
    for (const column of missing) if (valueAt(row, column) !== undefined) missing.delete(column);
    if (present.size < 100) for (const name of Object.keys(row)) present.add(name);
    if (missing.size === 0) break;
  }
  return { missing: [...missing], present: [...present] };
}

function contentOf(text: string): SourceRow['content'] {
  const row = objectOf(text);
  return row ? { value: (column) => valueAt(row, column) } : { fault: { reason: 'is not a JSON object' } };
}

/**
 * Numbers keep their text: as a JavaScript number, an id beyond 2^53 could become another person's. A name with two
 * different values is refused.
 */
function objectOf(text: string): JsonObject | undefined {
  try {
    const value = parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

/** The value of a key, or of a path through nested objects by dots. */
function valueAt(row: JsonObject, column: string): unknown {
  if (Object.hasOwn(row, column)) return row[column];
  return column.split('.').reduce<unknown>((value, name) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    return (value as JsonObject)[name];
  }, row);
}
