import { randomUUID } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import type { DataCategory } from '../../governance/vocabulary';
import { snakeCase } from '../../storage/entity-class';
import {
  joined,
  limitOf,
  name,
  nothing,
  type OwnWrites,
  own,
  type Sql,
  sql,
  tenantSql,
} from '../../tenancy/tenant-sql';
import { type TenantTable } from '../../tenancy/tenant-table';
import { dataStore, erasedColumns, type StepAction } from './plan';

type Value = string | number;

/** Rows of a client: of one person, or of all people after a position in key order. */
export interface Range {
  readonly client: string;
  readonly subject?: string;
  /** People of the client whose rows stay because of a hold. */
  readonly except?: readonly string[];
  /** Where the last chunk ended: values of the key behind the client's id, exclusive. */
  readonly after?: readonly Value[];
}

export interface Chunk {
  readonly rows: number;
  /** Where to continue; absent when nothing is left. */
  readonly next?: readonly Value[];
}

/**
 * Erases at most `limit` rows of a table, or all rows in the range without a limit. A second run finds nothing left,
 * because it selects what it removes.
 */
export async function eraseChunk(
  manager: EntityManager,
  table: TenantTable,
  action: StepAction,
  categories: ReadonlySet<DataCategory>,
  range: Range,
  limit: number | undefined,
): Promise<Chunk> {
  const rows = new Rows(manager, table, range, limit);
  if (action === 'DELETE') return rows.delete();
  if (action === 'ERASE_FIELDS') return rows.empty(erasedColumns(table, categories));
  if (action === 'DEIDENTIFY' && table.erasure === 'KEEP') return rows.empty(dissociatedColumns(table, categories));
  if (action === 'DEIDENTIFY') return rows.generalise();
  throw new Error(`${action} is not done to a table`);
}

/** Counts a person's rows in several tables by one statement, so that small erasures need no chunks. */
export async function rowsOf(
  manager: DataSource | EntityManager,
  tables: readonly TenantTable[],
  range: Range,
): Promise<number[]> {
  if (tables.length === 0) return [];
  const counts = tables.map((table, index) => {
    const count = sql`SELECT COUNT(*) FROM ${name(table.name)} WHERE ${predicateOf(table, range)}`;
    return sql`(${count}) AS ${name(`n${index}`)}`;
  });
  const [row] = await tenantSql(manager, range.client).select<Record<string, number>>`SELECT ${joined(counts, ', ')}`;
  return tables.map((_, index) => Number(row?.[`n${index}`] ?? 0));
}

/** Stores of the tables that have rows in a range. */
export async function storesWithRows(
  manager: DataSource | EntityManager,
  tables: readonly TenantTable[],
  range: Range,
): Promise<string[]> {
  const counts = await rowsOf(manager, tables, range);
  return tables.filter((_, index) => (counts[index] ?? 0) > 0).map(dataStore);
}

/** The rows of a table in a range. Each method changes the first `limit` of them in key order. */
class Rows {
  readonly #sql: OwnWrites;
  readonly #table: TenantTable;
  readonly #range: Range;
  readonly #limit: number | undefined;

  constructor(manager: EntityManager, table: TenantTable, range: Range, limit: number | undefined) {
    this.#sql = tenantSql(manager, range.client);
    this.#table = table;
    this.#range = range;
    this.#limit = limit;
  }

  delete(): Promise<Chunk> {
    return this.#bounded(nothing, (where) => this.#sql.change`DELETE FROM ${name(this.#table.name)} WHERE ${where}`);
  }

  /** Sets columns to NULL; the rows stay. */
  async empty(columns: readonly string[]): Promise<Chunk> {
    if (columns.length === 0) return { rows: 0 };
    const isSet = columns.map((column) => sql`${name(column)} IS NOT NULL`);
    const emptied = columns.map((column) => sql`${name(column)} = NULL`);
    return this.#bounded(
      sql`AND (${joined(isSet, ' OR ')})`,
      (where) => this.#sql.change`UPDATE ${name(this.#table.name)} SET ${joined(emptied, ', ')} WHERE ${where}`,
    );
  }

  /**
   * Keeps facts without the person (statement D4). Each row gets a random id of its own, so that rows of the same
   * person cannot be linked. Times become years. Everything sealed or indexed is removed.
   */
  async generalise(): Promise<Chunk> {
    const [table, limit] = [this.#table, this.#limit ?? Number.MAX_SAFE_INTEGER];
    const key = table.key.slice(1);
    const times = factsOf(table).filter((property) => plainOf(table, property) === 'instant');
    const read = [...key, ...times].map((property) => name(snakeCase(property)));
    const rows = await this.#sql.select<Record<string, Value | null>>`
      SELECT ${joined(read, ', ')} FROM ${name(table.name)} WHERE ${predicateOf(table, this.#range)}
      LIMIT ${limitOf(limit)}`;
    const gone = goneColumns(table);
    for (const row of rows) {
      const changed = new Map<string, Value | null>(gone.map((column) => [column, null]));
      for (const property of key) if (plainKeyIsId(table, property)) changed.set(snakeCase(property), randomUUID());
      for (const time of times) changed.set(snakeCase(time), startOfYear(row[snakeCase(time)]));
      const set = [...changed].map(([column, value]) => sql`${name(column)} = ${value}`);
      const is = key.map(snakeCase).map((column) => sql`${name(column)} = ${row[column] as Value}`);
      await this.#sql.change`
        UPDATE ${name(table.name)} SET ${joined(set, ', ')} WHERE ${own} AND ${joined(is, ' AND ')}`;
    }
    return rows.length < limit ? { rows: rows.length } : { rows: rows.length, next: [] };
  }

  async #bounded(extra: Sql, change: (where: Sql) => Promise<number>): Promise<Chunk> {
    const [table, limit] = [this.#table, this.#limit];
    const order = orderOf(table, this.#range);
    const where = sql`${predicateOf(table, this.#range)} ${extra}`;
    if (order.length === 0 || limit === undefined) return { rows: await change(where) };
    const columns = joined(order.map(name), ', ');
    const [boundary] = await this.#sql.select<Record<string, Value>>`
      SELECT ${columns} FROM ${name(table.name)} WHERE ${where} ORDER BY ${columns}
      LIMIT 1 OFFSET ${limitOf(limit - 1)}`;
    if (!boundary) return { rows: await change(where) };
    const upTo = order.map((column) => boundary[column] as Value);
    return { rows: await change(sql`${where} AND ${compare(order, upTo, '<=')}`), next: upTo };
  }
}

/**
 * Columns that rows lose that law requires to keep: personal values, and the person's id unless it is part of the key.
 */
function dissociatedColumns(table: TenantTable, categories: ReadonlySet<DataCategory>): string[] {
  const subject = table.subject?.id;
  const id = subject !== undefined && !table.key.includes(subject) ? [snakeCase(subject)] : [];
  return [...erasedColumns(table, categories), ...id];
}

/** Columns that a de-identified row keeps, by the declaration of its fields. */
const factsOf = (table: TenantTable): string[] =>
  [...table.fields.values()]
    .filter(({ property, personal, stored }) => {
      return 'plain' in stored && !table.key.includes(property) && personal?.erasure !== 'DELETE';
    })
    .map(({ property }) => property);

function goneColumns(table: TenantTable): string[] {
  const facts = new Set(factsOf(table));
  const plain = [...table.fields.values()].filter(
    ({ property, stored }) => 'plain' in stored && !table.key.includes(property) && !facts.has(property),
  );
  return [
    ...plain.map(({ property }) => snakeCase(property)),
    ...[...table.sealed.values()].map(({ column }) => column),
    ...[...table.indexes.values()].map(({ column }) => column),
  ];
}

function plainOf(table: TenantTable, property: string): unknown {
  const stored = table.fields.get(property)?.stored;
  return stored && 'plain' in stored ? stored.plain : undefined;
}

/** Parts of the key are ids unless a field says otherwise, such as the key of an attribute. */
const plainKeyIsId = (table: TenantTable, property: string): boolean => {
  const kind = plainOf(table, property);
  return kind === undefined || kind === 'id';
};

function startOfYear(value: Value | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  return Date.UTC(new Date(Number(value)).getUTCFullYear(), 0, 1);
}

/**
 * Key columns that order the rows of a range: those behind the client's id, and behind the subject's when it is given.
 */
function orderOf(table: TenantTable, { subject }: Range): string[] {
  const fixed = subject === undefined ? undefined : table.subject?.id;
  return table.key
    .slice(1)
    .filter((property) => property !== fixed)
    .map(snakeCase);
}

function predicateOf(table: TenantTable, range: Range): Sql {
  const { client, subject, except = [], after = [] } = range;
  if (client === '' || subject === '') throw new Error('an erasure names whose rows it means');
  const parts = [own];
  const id = table.subject && name(snakeCase(table.subject.id));
  if (subject !== undefined) {
    if (!id) throw new Error(`${table.name} is about no person`);
    parts.push(sql`${id} = ${subject}`);
  }
  if (id && except.length > 0 && table.subject?.kind === 'CUSTOMER') {
    parts.push(sql`(${id} IS NULL OR ${id} NOT IN (${except}))`);
  }
  if (after.length > 0) parts.push(compare(orderOf(table, range), after, '>'));
  return joined(parts, ' AND ');
}

const compared = {
  '=': (column: Sql, value: Value) => sql`${column} = ${value}`,
  '>': (column: Sql, value: Value) => sql`${column} > ${value}`,
  '>=': (column: Sql, value: Value) => sql`${column} >= ${value}`,
  '<': (column: Sql, value: Value) => sql`${column} < ${value}`,
  '<=': (column: Sql, value: Value) => sql`${column} <= ${value}`,
};

/**
 * Compares a composite key in its order. The first column is compared once more by itself: some engines use only that
 * comparison as an index range, and otherwise would scan from the client's first row.
 */
function compare(columns: readonly string[], values: readonly Value[], operator: '>' | '<='): Sql {
  const strict = operator === '>' ? '>' : '<';
  const is = (how: keyof typeof compared, at: number) => compared[how](name(columns[at] ?? ''), values[at] ?? '');
  const terms = columns.map((_, index) => {
    const equal = columns.slice(0, index).map((_column, at) => is('=', at));
    const last = is(index === columns.length - 1 ? operator : strict, index);
    return sql`(${joined([...equal, last], ' AND ')})`;
  });
  const inOrder = sql`(${joined(terms, ' OR ')})`;
  return columns.length > 1 ? sql`${is(operator === '>' ? '>=' : '<=', 0)} AND ${inOrder}` : inOrder;
}
