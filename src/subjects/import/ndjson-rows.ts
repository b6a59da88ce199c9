import { createReadStream } from 'node:fs';
import { MAX_ROW_BYTES, type SourceRow, tooLong } from './source-row';

type JsonObject = Readonly<Record<string, unknown>>;

/** One JSON object a line. Blank lines are none. */
export async function* readNdjsonRows(path: string): AsyncGenerator<SourceRow> {
  for await (const { line, end, text } of readLines(path)) {
    if (text === undefined) yield { line, end, content: { fault: tooLong } };
    else if (text.trim() !== '') yield { line, end, content: contentOf(text) };
  }
}

/** Columns that no row has. Reading stops as soon as each was seen once, as a rule in the first row. */
export async function missingNdjsonColumns(path: string, columns: readonly string[]) {
  const missing = new Set(columns);
  const present = new Set<string>();
  for await (const { text } of readLines(path)) {
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

function objectOf(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
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

/** Lines split at line feeds alone: readline would split at U+2028 too, which a JSON string may hold. */
async function* readLines(path: string): AsyncGenerator<{ line: number; end: number; text: string | undefined }> {
  let line = 0;
  let end = 0;
  let parts: Buffer[] = [];
  let length = 0;
  const take = () => {
    line += 1;
    const text = length > MAX_ROW_BYTES ? undefined : Buffer.concat(parts).toString('utf8');
    parts = [];
    length = 0;
    return { line, end, text: line === 1 ? text?.replace(/^\uFEFF/, '') : text };
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let start = 0; start < chunk.length; ) {
      const newline = chunk.indexOf(0x0a, start);
      const stop = newline < 0 ? chunk.length : newline;
      length += stop - start;
      if (length <= MAX_ROW_BYTES) parts.push(chunk.subarray(start, stop));
      end += stop - start + (newline < 0 ? 0 : 1);
      if (newline >= 0) yield take();
      start = stop + 1;
    }
  }
  if (length > 0) yield take();
}
