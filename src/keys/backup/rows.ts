import type { DataSource, EntityManager, EntityMetadata } from 'typeorm';

/** Rows of one page. A page is in memory at once. */
const PAGE = 2_000;

/** A value of a row. Bytes stand in the text as a list of one text in base64. */
type Value = string | number | null | Buffer;
type Row = Readonly<Record<string, Value>>;

/** The rows of one table, or a part of them. */
export interface TableRows {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/** The tables of a keys' store, each by its entity; a table without one is a gap that `remit census` names. */
export const tablesOf = (source: DataSource): readonly EntityMetadata[] =>
  [...source.entityMetadatas].sort((one, other) => (one.tableName < other.tableName ? -1 : 1));

export async function countRows(manager: EntityManager, source: DataSource): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { tableName } of tablesOf(source)) {
    const [row] = await manager.query<Array<{ n: number }>>(`SELECT COUNT(*) AS n FROM \`${tableName}\``);
    counts[tableName] = Number(row?.n ?? 0);
  }
  return counts;
}

/** Every row of every table as lines of JSON, page by page. @param onRows told how many rows each page has */
export async function* readLines(
  manager: EntityManager,
  source: DataSource,
  onRows: (rows: number) => void = () => undefined,
): AsyncGenerator<Buffer> {
  for (const table of tablesOf(source)) {
    const columns = table.columns.map(({ databaseName }) => databaseName);
    for await (const rows of pagesOf(manager, table, columns)) {
      const lines = rows.map((row) => `${JSON.stringify(columns.map((column) => written(row[column] ?? null)))}\n`);
      onRows(rows.length);
      yield Buffer.from(`${JSON.stringify({ table: table.tableName, columns })}\n${lines.join('')}`, 'utf8');
    }
  }
}

async function* pagesOf(
  manager: EntityManager,
  table: EntityMetadata,
  columns: readonly string[],
): AsyncGenerator<readonly Row[]> {
  const key = table.primaryColumns.map(({ databaseName }) => databaseName);
  const quoted = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');
  // (a > ? OR (a = ? AND b > ?)): engines read it as ranges of the primary key.
  const behind = key.map((column, place) => {
    const equal = key.slice(0, place).map((before) => `\`${before}\` = ?`);
    return `(${[...equal, `\`${column}\` > ?`].join(' AND ')})`;
  });
  const select = `SELECT ${quoted(columns)} FROM \`${table.tableName}\``;
  const order = `ORDER BY ${quoted(key)} LIMIT ${PAGE}`;
  for (let last: Row | undefined; ; ) {
    const after = last ? key.flatMap((_, place) => key.slice(0, place + 1).map((column) => last?.[column])) : [];
    const where = last ? `WHERE ${behind.join(' OR ')} ` : '';
    const rows: readonly Row[] = await manager.query<Row[]>(`${select} ${where}${order}`, after);
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
    last = rows.at(-1);
  }
}

const written = (value: Value): unknown => (Buffer.isBuffer(value) ? [value.toString('base64')] : value);

function read(value: unknown): Value {
  if (Array.isArray(value)) return Buffer.from(String(value[0]), 'base64');
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  throw new Error('a value of a backup is neither text, number nor bytes');
}

/** Reads what {@link readLines} wrote. */
export async function* parseLines(content: AsyncIterable<Buffer>): AsyncGenerator<TableRows> {
  let place: { table: string; columns: string[] } | undefined;
  let rows: Value[][] = [];
  for await (const line of linesOf(content)) {
    const parsed = JSON.parse(line) as unknown[] | { table: string; columns: string[] };
    if (place && rows.length > 0 && (rows.length >= PAGE || !Array.isArray(parsed))) {
      yield { ...place, rows };
      rows = [];
    }
    if (Array.isArray(parsed)) rows.push(parsed.map(read));
    else place = parsed;
  }
  if (place && rows.length > 0) yield { ...place, rows };
}

async function* linesOf(content: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of content) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = rest.indexOf(10, start); end !== -1; end = rest.indexOf(10, start)) {
      yield rest.toString('utf8', start, end);
      start = end + 1;
    }
    rest = rest.subarray(start);
  }
}
