import type { DataSource, EntityManager } from 'typeorm';
import { countriesIn } from '../identifiers/forms';
import { attributeKeyIndex, blindIndex } from '../keys/blind-index';
import type { KeyStore } from '../keys/key-store';
import { type EntityClass, snakeCase } from '../storage/entity-class';
import { failureOf } from '../storage/failures';
import { chunksOf } from '../storage/sql';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { joined, limitOf, name, nothing, own, type Sql, sql, tenantSql } from '../tenancy/tenant-sql';
import { type TenantTable, tableOf } from '../tenancy/tenant-table';
import { rankIn } from '../tenancy/unique-indexes';

/** Rows that are looked at together. */
const CHUNK = 500;
/** Rows that one statement changes. */
const ROWS_PER_UPDATE = 100;

/** Blind indexes of one row that are not what they would be with the key. */
interface Stale {
  readonly key: readonly string[];
  readonly columns: ReadonlyArray<{
    readonly column: string;
    readonly old: string | null;
    readonly index: string | null;
  }>;
}

/** A row with an identifier that another row has too, though one only may have it. */
export interface DoubledRow {
  readonly table: string;
  /** Its key behind the client's id. */
  readonly key: readonly string[];
  /** Whether the row keeps its older index. Otherwise both rows share the identifier, as people may. */
  readonly isLeft: boolean;
}

/** Some rows of a table in the order of its key. */
export interface IndexedRows {
  readonly stale: readonly Stale[];
  /** The key of the last one behind the client's id; undefined where nothing comes after. */
  readonly last: readonly string[] | undefined;
}

/** The properties of a table's key behind the client's id. */
const keyOf = (table: TenantTable): string[] => table.key.filter((property) => property !== 'clientId');

/**
 * Finds blind indexes that were not made with a key, by the values that they are of. A value that does not open keeps
 * its index.
 * @param after the key of the row to begin behind
 * @param options whether rows without any index are looked at too: those of placeholders under older rules
 */
export async function findStale(
  { source, keys, client }: { readonly source: DataSource; readonly keys: KeyStore; readonly client: string },
  entity: EntityClass,
  indexKey: Buffer,
  after: readonly string[],
  { emptyToo = false }: { readonly emptyToo?: boolean } = {},
): Promise<IndexedRows> {
  const table = tableOf(entity);
  const stored = await storedRows(source, table, client, after);
  const wanted = stored.filter((row) => emptyToo || columnsOf(table).some((column) => row[column] !== null));
  const values = await valuesOf(source, keys, entity, client, wanted);
  const stale = wanted.flatMap((row) => staleIn(table, indexKey, row, values.get(nameOf(table, row)) ?? {}));
  const last = stored.length < CHUNK ? undefined : stored.at(-1);
  return { stale, last: last && keyOf(table).map((property) => String(last[property])) };
}

/**
 * Writes the indexes anew. A concurrent write sets a row's indexes itself, and keeps them.
 * @returns the rows whose identifier another row has too: so it is where one was written while the other was found by
 *   nobody. They are no hindrance to all others
 */
export async function refresh(
  manager: EntityManager,
  entity: EntityClass,
  client: string,
  stale: readonly Stale[],
): Promise<DoubledRow[]> {
  const table = tableOf(entity);
  const doubled: DoubledRow[] = [];
  for (const rows of chunksOf(stale, ROWS_PER_UPDATE)) {
    if (await isTaken(() => refreshTogether(manager, table, client, rows)))
      for (const row of rows) doubled.push(...(await refreshAlone(manager, table, client, row)));
  }
  return doubled;
}

/** Whether a statement failed since another row has the identifier. Every engine undoes that statement alone. */
async function isTaken(change: () => Promise<unknown>): Promise<boolean> {
  try {
    await change();
    return false;
  } catch (error) {
    if (failureOf(error) === 'DUPLICATE') return true;
    throw error;
  }
}

/** Index by index. What is taken gets a place beside, where people may share it, or stays as it is. */
async function refreshAlone(
  manager: EntityManager,
  table: TenantTable,
  client: string,
  { key, columns }: Stale,
): Promise<DoubledRow[]> {
  const doubled: DoubledRow[] = [];
  for (const column of columns) {
    if (!(await isTaken(() => refreshTogether(manager, table, client, [{ key, columns: [column] }])))) continue;
    const isShared = await shareIndex(manager, table, client, key, column);
    doubled.push({ table: table.name, key, isLeft: !isShared });
  }
  return doubled;
}

/** Gives a row the place behind all that have its identifier. @returns whether there was one */
async function shareIndex(
  manager: EntityManager,
  table: TenantTable,
  client: string,
  key: readonly string[],
  { column, old, index }: Stale['columns'][number],
): Promise<boolean> {
  const fields = [...table.indexes].flatMap(([field, each]) => (each.column === column ? [field] : []));
  const [rank] = rankIn(table, fields).map((property) => name(snakeCase(property)));
  if (!rank) return false;
  const rows = tenantSql(manager, client);
  const [last] = await rows.select<{ place: number }>`
    SELECT ${rank} AS place FROM ${name(table.name)} WHERE ${own} AND ${name(column)} = ${index}
    ORDER BY ${rank} DESC LIMIT 1${rows.forUpdate}`;
  const next = Number(last?.place ?? -1) + 1;
  return !(await isTaken(
    () => rows.change`UPDATE ${name(table.name)} SET ${name(column)} = ${index}, ${rank} = ${next}
      WHERE ${own} AND ${isRow(table, key)} AND ${isStill(column, old)}`,
  ));
}

async function refreshTogether(manager: EntityManager, table: TenantTable, client: string, rows: readonly Stale[]) {
  const columns = columnsOf(table).filter((column) => rows.some((row) => row.columns.some((c) => c.column === column)));
  const assignments = columns.map((column) => {
    const cases = rows.flatMap((row) =>
      row.columns
        .filter((each) => each.column === column)
        .map(({ old, index }) => sql`WHEN ${isRow(table, row.key)} AND ${isStill(column, old)} THEN ${index}`),
    );
    return sql`${name(column)} = CASE ${joined(cases, ' ')} ELSE ${name(column)} END`;
  });
  await tenantSql(manager, client).change`UPDATE ${name(table.name)} SET ${joined(assignments, ', ')}
      WHERE ${own} AND (${joined(
        rows.map(({ key }) => sql`(${isRow(table, key)})`),
        ' OR ',
      )})`;
}

const isStill = (column: string, old: string | null): Sql =>
  old === null ? sql`${name(column)} IS NULL` : sql`${name(column)} = ${old}`;

const columnsOf = (table: TenantTable): string[] => [...table.indexes.values()].map(({ column }) => column);

const isRow = (table: TenantTable, key: readonly string[]): Sql =>
  joined(
    keyOf(table).map((property, place) => sql`${name(snakeCase(property))} = ${key[place] ?? ''}`),
    ' AND ',
  );

const nameOf = (table: TenantTable, row: Row): string =>
  keyOf(table)
    .map((property) => String(row[property]))
    .join();

/** The next rows with their keys and indexes. */
function storedRows(source: DataSource, table: TenantTable, client: string, after: readonly string[]): Promise<Row[]> {
  const key = keyOf(table).map((property) => name(snakeCase(property)));
  const selected = keyOf(table).map((property) => sql`${name(snakeCase(property))} AS ${name(property)}`);
  const indexes = columnsOf(table).map(name);
  // (a > ? OR (a = ? AND b > ?)): engines read it as ranges of the primary key.
  const behind = key.map((column, place) => {
    const equal = key.slice(0, place).map((before, nth) => sql`${before} = ${after[nth] ?? ''}`);
    return sql`(${joined([...equal, sql`${column} > ${after[place] ?? ''}`], ' AND ')})`;
  });
  return tenantSql(source, client).select<Row>`
    SELECT ${joined([...selected, ...indexes], ', ')} FROM ${name(table.name)}
    WHERE ${own} ${after.length === 0 ? nothing : sql`AND (${joined(behind, ' OR ')})`}
    ORDER BY ${joined(key, ', ')} LIMIT ${limitOf(CHUNK)}`;
}

/** The opened values of rows, by their keys. */
async function valuesOf(
  source: DataSource,
  keys: KeyStore,
  entity: EntityClass,
  client: string,
  rows: readonly Row[],
): Promise<Map<string, Row>> {
  const table = tableOf(entity);
  if (rows.length === 0) return new Map();
  const found = await new TenantReader(source, keys).select(entity, {
    client,
    fields: new Set([...table.indexes].flatMap(([field, { countries }]) => [field, ...countries])),
    where: keyOf(table).map((field) => {
      return { field, is: 'in', value: [...new Set(rows.map((row) => String(row[field])))] } as const;
    }),
  });
  return new Map(found.map((row) => [nameOf(table, row), row]));
}

function staleIn(table: TenantTable, indexKey: Buffer, stored: Row, values: Row): Stale[] {
  const subject = String(table.subject ? stored[table.subject.id] : '');
  const columns = [...table.indexes].flatMap(([field, { column, kind, countries }]) => {
    const value = values[field];
    if (typeof value !== 'string') return [];
    const named = countriesIn(countries.map((country) => values[country]));
    const index =
      kind === 'attributeKey'
        ? attributeKeyIndex(indexKey, subject, value)
        : blindIndex(indexKey, { kind, value, countries: named });
    const old = (stored[column] ?? null) as string | null;
    return old === index ? [] : [{ column, old, index }];
  });
  if (columns.length === 0) return [];
  return [{ key: keyOf(table).map((property) => String(stored[property])), columns }];
}
