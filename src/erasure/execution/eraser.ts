import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { DataCategory } from '../../governance/vocabulary';
import { snakeCase } from '../../storage/entity-class';
import { affectedRows, placesFor } from '../../storage/sql';
import { type TenantTable } from '../../tenancy/tenant-table';
import { dataStore, erasedColumns, type StepAction } from './plan';

type Value = string | number;

/** Which rows: a client's, of one person, or of all of them from after a position in the key's order. */
export interface Range {
  readonly client: string;
  readonly subject?: string;
  /** Persons whose rows stay, of a client's: somebody holds them. */
  readonly except?: readonly string[];
  /** Values of the key after the client's id, exclusive; where the last chunk ended. */
  readonly after?: readonly Value[];
}

export interface Chunk {
  readonly rows: number;
  /** Where to go on; absent when nothing is left. */
  readonly next?: readonly Value[];
}

interface Predicate {
  readonly text: string;
  readonly parameters: Value[];
}

/**
 * Changes at most `limit` rows of a table, or all that are in the range where none is given, in the transaction of whoever
 * counts them. Run again it finds nothing left to do: what it looks for is what it removes.
 */
export async function eraseChunk(
  manager: EntityManager,
  table: TenantTable,
  action: StepAction,
  categories: ReadonlySet<DataCategory>,
  range: Range,
  limit: number | undefined,
): Promise<Chunk> {
  if (action === 'DELETE')
    return bounded(manager, table, range, limit, undefined, (where) => remove(manager, table, where));
  if (action === 'ERASE_FIELDS') {
    const columns = erasedColumns(table, categories);
    if (columns.length === 0) return { rows: 0 };
    return bounded(manager, table, range, limit, anySet(columns), (where) => empty(manager, table, columns, where));
  }
  if (action === 'DEIDENTIFY' && table.erasure === 'KEEP') return dissociate(manager, table, categories, range, limit);
  if (action === 'DEIDENTIFY') return generalise(manager, table, range, limit);
  throw new Error(`${action} is not done to a table`);
}

/** How many rows of tables are a person's, in one statement; so that small erasures need no chunks. */
export async function rowsOf(
  manager: Pick<EntityManager, 'query'>,
  tables: readonly TenantTable[],
  range: Range,
): Promise<number[]> {
  if (tables.length === 0) return [];
  const counts = tables.map((table, index) => {
    const where = predicateOf(table, range);
    return { sql: `(SELECT COUNT(*) FROM \`${table.name}\` WHERE ${where.text}) AS n${index}`, ...where };
  });
  const [row] = await manager.query<Array<Record<string, number>>>(
    `SELECT ${counts.map(({ sql }) => sql).join(', ')}`,
    counts.flatMap(({ parameters }) => parameters),
  );
  return tables.map((_, index) => Number(row?.[`n${index}`] ?? 0));
}

/** The stores of the tables that have rows in a range. */
export async function storesWithRows(
  manager: Pick<EntityManager, 'query'>,
  tables: readonly TenantTable[],
  range: Range,
): Promise<string[]> {
  const counts = await rowsOf(manager, tables, range);
  return tables.filter((_, index) => (counts[index] ?? 0) > 0).map(dataStore);
}

/** Runs a change over the range's first rows: as many as the limit, found by the key's order. */
async function bounded(
  manager: EntityManager,
  table: TenantTable,
  range: Range,
  limit: number | undefined,
  extra: string | undefined,
  change: (where: Predicate) => Promise<number>,
): Promise<Chunk> {
  const order = orderOf(table, range);
  const base = withExtra(predicateOf(table, range), extra);
  if (order.length === 0 || limit === undefined) return { rows: await change(base) };
  const columns = order.map((column) => `\`${column}\``).join(', ');
  const [boundary] = await manager.query<Array<Record<string, Value>>>(
    `SELECT ${columns} FROM \`${table.name}\` WHERE ${base.text} ORDER BY ${columns} LIMIT 1 OFFSET ${limit - 1}`,
    base.parameters,
  );
  if (!boundary) return { rows: await change(base) };
  const upTo = order.map((column) => boundary[column] as Value);
  const bound = compare(order, upTo, '<=');
  const rows = await change({
    text: `${base.text} AND ${bound.text}`,
    parameters: [...base.parameters, ...bound.parameters],
  });
  return { rows, next: upTo };
}

const remove = (manager: EntityManager, table: TenantTable, where: Predicate): Promise<number> =>
  affectedRows(manager, `DELETE FROM \`${table.name}\` WHERE ${where.text}`, where.parameters);

function empty(manager: EntityManager, table: TenantTable, columns: readonly string[], where: Predicate) {
  const assignments = columns.map((column) => `\`${column}\` = NULL`).join(', ');
  return affectedRows(manager, `UPDATE \`${table.name}\` SET ${assignments} WHERE ${where.text}`, where.parameters);
}

/** Rows that law keeps lose what they say of the person, and the person's id where it is not their own key. */
async function dissociate(
  manager: EntityManager,
  table: TenantTable,
  categories: ReadonlySet<DataCategory>,
  range: Range,
  limit: number | undefined,
): Promise<Chunk> {
  const subject = table.subject?.id;
  const own = subject !== undefined && !table.key.includes(subject) ? [snakeCase(subject)] : [];
  const columns = [...erasedColumns(table, categories), ...own];
  if (columns.length === 0) return { rows: 0 };
  return bounded(manager, table, range, limit, anySet(columns), (where) => empty(manager, table, columns, where));
}

/**
 * Facts stay without anybody to whom they belong (statement D4): every id becomes a fresh random one, a row each, so that
 * not even the rows of one person belong together; times become years; everything sealed or indexed goes.
 */
async function generalise(
  manager: EntityManager,
  table: TenantTable,
  range: Range,
  limit = Number.MAX_SAFE_INTEGER,
): Promise<Chunk> {
  const where = predicateOf(table, range);
  const own = table.key.slice(1);
  const times = factsOf(table).filter((name) => plainOf(table, name) === 'instant');
  const read = [...own, ...times].map(snakeCase).map((column) => `\`${column}\``);
  const rows = await manager.query<Array<Record<string, Value | null>>>(
    `SELECT ${read.join(', ')} FROM \`${table.name}\` WHERE ${where.text} LIMIT ${limit}`,
    where.parameters,
  );
  const gone = goneColumns(table);
  for (const row of rows) {
    const changed = new Map<string, Value | null>(gone.map((column) => [column, null]));
    for (const property of own) if (plainKeyIsId(table, property)) changed.set(snakeCase(property), randomUUID());
    for (const time of times) changed.set(snakeCase(time), startOfYear(row[snakeCase(time)]));
    const key = own.map((property) => `\`${snakeCase(property)}\` = ?`).join(' AND ');
    await manager.query(
      `UPDATE \`${table.name}\` SET ${[...changed.keys()].map((column) => `\`${column}\` = ?`).join(', ')}
       WHERE client_id = ? AND ${key}`,
      [...changed.values(), range.client, ...own.map((property) => row[snakeCase(property)] as Value)],
    );
  }
  return rows.length < limit ? { rows: rows.length } : { rows: rows.length, next: [] };
}

/** Columns that a de-identified row keeps: what its fields declare so. */
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

const anySet = (columns: readonly string[]): string =>
  `(${columns.map((column) => `\`${column}\` IS NOT NULL`).join(' OR ')})`;

const withExtra = ({ text, parameters }: Predicate, extra: string | undefined): Predicate =>
  extra === undefined ? { text, parameters } : { text: `${text} AND ${extra}`, parameters };

/** Key columns by which the range's rows are in order: those after the client's id, and the subject's where one is named. */
function orderOf(table: TenantTable, { subject }: Range): string[] {
  const fixed = subject === undefined ? undefined : table.subject?.id;
  return table.key
    .slice(1)
    .filter((property) => property !== fixed)
    .map(snakeCase);
}

function predicateOf(table: TenantTable, range: Range): Predicate {
  const parts = ['client_id = ?'];
  const parameters: Value[] = [nonEmpty(range.client)];
  if (range.subject !== undefined) {
    if (!table.subject) throw new Error(`${table.name} is about no person`);
    parts.push(`\`${snakeCase(table.subject.id)}\` = ?`);
    parameters.push(nonEmpty(range.subject));
  }
  if (range.except && range.except.length > 0 && table.subject?.kind === 'CUSTOMER') {
    const column = `\`${snakeCase(table.subject.id)}\``;
    parts.push(`(${column} IS NULL OR ${column} NOT IN (${placesFor(range.except)}))`);
    parameters.push(...range.except);
  }
  if (range.after && range.after.length > 0) {
    const bound = compare(orderOf(table, range), range.after, '>');
    parts.push(bound.text);
    parameters.push(...bound.parameters);
  }
  return { text: parts.join(' AND '), parameters };
}

/** Pitfall 23: a predicate never reaches SQL without its client. */
function nonEmpty(value: string): string {
  if (value === '') throw new Error('an erasure names whose rows it means');
  return value;
}

/**
 * Compares a composite key by its order. Its first column is compared once more by itself: engines that do not see the
 * range in the rest of it see that one, and start where the last chunk ended instead of where the client begins.
 */
function compare(columns: readonly string[], values: readonly Value[], operator: '>' | '<='): Predicate {
  const strict = operator === '>' ? '>' : '<';
  const terms = columns.map((column, index) => {
    const equal = columns.slice(0, index).map((before) => `\`${before}\` = ?`);
    const last = index === columns.length - 1 ? operator : strict;
    return {
      text: [...equal, `\`${column}\` ${last} ?`].join(' AND '),
      parameters: values.slice(0, index + 1),
    };
  });
  const [first] = columns;
  const hint = columns.length > 1 ? `\`${first}\` ${operator === '>' ? '>=' : '<='} ? AND ` : '';
  return {
    text: `${hint}(${terms.map(({ text }) => `(${text})`).join(' OR ')})`,
    parameters: [...(columns.length > 1 ? [values[0] as Value] : []), ...terms.flatMap(({ parameters }) => parameters)],
  };
}
