import { parse } from 'lossless-json';
import type { Encoding } from './encoding';
import { readLines } from './lines';
import { type SourceRow, tooLong } from './source-row';

type JsonObject = Readonly<Record<string, unknown>>;

/** One JSON object a line. Blank lines are none. */
export async function* readNdjsonRows(path: string, encoding: Encoding): AsyncGenerator<SourceRow> {
  for await (const { number: line, end, text } of readLines(path, encoding)) {
    if (text === undefined) yield { line, end, content: { fault: tooLong } };
    else if (text.trim() !== '') yield { line, end, content: contentOf(text) };
  }
}

/** Columns that no row has. Reading stops as soon as each was seen once, as a rule in the first row. */
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
 * Numbers stay the text that they are: an id beyond 2^53 would become its neighbour's, and two people one. A name that
 * stands twice with two values is refused.
 */
function objectOf(text: string): JsonObject | undefined {
  try {
    const value = parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

/** A key of that name, or the value inside nested objects that its dots lead to. */
function valueAt(row: JsonObject, column: string): unknown {
  if (Object.hasOwn(row, column)) return row[column];
  return column.split('.').reduce<unknown>((value, name) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    return (value as JsonObject)[name];
  }, row);
}
