import type { DataSource, EntityManager } from 'typeorm';
import type { DataCategory } from '../governance/vocabulary';
import type { KeyStore } from './key-store';
import { snakeCase, type TenantTable, tableOf } from './tables';
import { committed } from './transaction';
import { unseal } from './vault';

type Scalar = string | number;

/** One condition of a select; several are joined by AND. */
export type Condition =
  | { readonly field: string; readonly is: '=' | '<' | '<=' | '>' | '>='; readonly value: Scalar }
  | { readonly field: string; readonly is: 'in'; readonly value: readonly Scalar[] }
  /** The field's blind index equals the digest, or one of them. */
  | { readonly index: string; readonly is: '='; readonly value: string }
  | { readonly index: string; readonly is: 'in'; readonly value: readonly string[] };

export interface Selection {
  /** The client whose rows they are: part of every select. */
  readonly client: string;
  /** Fields to read; what is not a column is left out. The key and the subject's id always come. */
  readonly fields: Iterable<string>;
  readonly where?: readonly Condition[];
  readonly orderBy?: ReadonlyArray<{ readonly field: string; readonly descending?: boolean }>;
  readonly limit?: number;
}

/** Values of one IN list, below SQLite's 32,766 parameters of a statement; longer lists are read in parts. */
const VALUES_PER_SELECT = 10_000;
/** Parents of one statement: SQLite joins 500 selects at most. */
const PARENTS_PER_SELECT = 250;

type Prepared = Selection & { readonly fields: ReadonlySet<string> };

/** A row as resolvers get it: plain values, times as Dates, amounts as decimals; sealed fields opened. */
export type Row = Record<string, unknown>;

type Entity = abstract new (...args: never[]) => object;

/** What a row is sealed for: sealed bytes that were moved to another row, table or category do not open there. */
export function sealingContext(table: TenantTable, row: Row, category: DataCategory): string {
  return [table.name, category, ...table.key.map((property) => String(row[property]))].join('|');
}

/**
 * The only way in which a client's rows are read. Every select carries the client, columns come by permission, and an
 * undefined value never reaches SQL, where it would match everything or nothing (pitfall 23).
 */
export class TenantReader {
  readonly #source: DataSource | EntityManager;
  readonly #keys: KeyStore;

  constructor(source: DataSource | EntityManager, keys: KeyStore) {
    this.#source = source;
    this.#keys = keys;
  }

  async select(entity: Entity, asked: Selection): Promise<Row[]> {
    const table = tableOf(entity);
    const selection = { ...asked, fields: new Set(asked.fields) };
    const parts = inParts(selection.where ?? []).map((where) => statement(table, { ...selection, where }));
    const [only, another] = parts;
    if (only && !another) return this.#open(table, selection, await this.#query<Row>(only));
    const rows: Row[] = [];
    for (const part of parts) rows.push(...(await this.#query<Row>(part)));
    return this.#open(table, selection, inOrder(table, selection, rows).slice(0, selection.limit));
  }

  /**
   * For each parent its own first rows: one index range each, joined by UNION ALL, since not every engine has window
   * functions. A parent that is named twice is read once; the order holds within a parent.
   */
  async selectEach(entity: Entity, asked: Selection, parents: ReadonlyArray<readonly Condition[]>): Promise<Row[]> {
    const table = tableOf(entity);
    const selection = { ...asked, fields: new Set(asked.fields) };
    const once = [...new Map(parents.map((conditions) => [JSON.stringify(conditions), conditions])).values()];
    const rows: Row[] = [];
    for (let start = 0; start < once.length; start += PARENTS_PER_SELECT) {
      const parts = once
        .slice(start, start + PARENTS_PER_SELECT)
        .map((conditions) => statement(table, { ...selection, where: [...conditions, ...(selection.where ?? [])] }));
      const sql = parts.map((part, index) => `SELECT * FROM (${part.sql}) AS p${index}`).join(' UNION ALL ');
      rows.push(...(await this.#query<Row>({ sql, parameters: parts.flatMap(({ parameters }) => parameters) })));
    }
    // No engine owes the order of a derived table's rows.
    return this.#open(table, selection, inOrder(table, selection, rows));
  }

  async count(entity: Entity, client: string, where: readonly Condition[] = []): Promise<number> {
    const table = tableOf(entity);
    let total = 0;
    for (const part of inParts(where)) {
      const { text, parameters } = predicate(table, client, part);
      const sql = `SELECT COUNT(*) AS n FROM \`${table.name}\` WHERE ${text}`;
      const [row] = await this.#query<{ n: number }>({ sql, parameters });
      total += Number(row?.n ?? 0);
    }
    return total;
  }

  #query<T>({ sql, parameters }: Statement): Promise<T[]> {
    return committed(this.#source, () => this.#source.query<T[]>(sql, parameters));
  }

  async #open(table: TenantTable, selection: Prepared, rows: Row[]): Promise<Row[]> {
    const wanted = selection.fields;
    const categories = sealedCategories(table, wanted);
    const times = [...wanted].filter((field) => plainKind(table, field) === 'instant');
    const amounts = [...wanted].filter((field) => plainKind(table, field) === 'amount');
    for (const row of rows) {
      for (const field of times) if (typeof row[field] === 'number') row[field] = new Date(row[field]);
      for (const field of amounts) if (typeof row[field] === 'number') row[field] = row[field] / 10_000;
    }
    if (categories.size === 0 || rows.length === 0 || !table.subject) return rows;
    const subject = table.subject.id;
    const keys = await this.#keys.subjectKeys(selection.client, [...new Set(rows.map((row) => String(row[subject])))]);
    for (const row of rows) {
      const key = keys.get(String(row[subject]));
      for (const [category, fields] of categories) {
        const property = `sealed${category}`;
        const sealed = row[property];
        delete row[property];
        const opened = key && Buffer.isBuffer(sealed) ? openSealed(table, row, category, key, sealed) : {};
        for (const field of fields) row[field] = opened instanceof Error ? opened : (opened[field] ?? null);
      }
    }
    for (const key of keys.values()) key.fill(0);
    return rows;
  }
}

/**
 * What sealed bytes hold, or an error in their place where they were altered or moved. GraphQL's executors report an
 * error that stands for a value as that field's own: it is null, it is logged, and the rest of the page is given.
 */
function openSealed(table: TenantTable, row: Row, category: DataCategory, key: Buffer, sealed: Buffer): Row | Error {
  try {
    return unseal(key, sealed, sealingContext(table, row, category)) as Row;
  } catch (cause) {
    return new Error(`${table.name}: what is sealed of ${category} in a row does not open there`, { cause });
  }
}

/** The same conditions, with a list of values that is too long for one statement cut into several. */
function inParts(where: readonly Condition[]): Array<readonly Condition[]> {
  const at = where.findIndex(({ is, value }) => is === 'in' && value.length > VALUES_PER_SELECT);
  const long = where[at];
  if (long?.is !== 'in') return [where];
  const values = [...new Set<Scalar>(long.value)];
  const parts: Array<readonly Condition[]> = [];
  for (let start = 0; start < values.length; start += VALUES_PER_SELECT) {
    const value = values.slice(start, start + VALUES_PER_SELECT);
    parts.push(where.map((condition, index) => (index === at ? ({ ...long, value } as Condition) : condition)));
  }
  return parts;
}

/** Rows of several selects in the order that was asked for; by columns that every select brings, those of the key. */
function inOrder(table: TenantTable, { orderBy = [] }: Prepared, rows: Row[]): Row[] {
  const foreign = orderBy.find(({ field }) => !table.key.includes(field));
  if (foreign) throw new Error(`${table.name}: rows of several selects are ordered by the key, not ${foreign.field}`);
  return rows.sort((a, b) => {
    for (const { field, descending } of orderBy) {
      const [left, right] = [String(a[field]), String(b[field])];
      if (left !== right) return left < right === Boolean(descending) ? 1 : -1;
    }
    return 0;
  });
}

function sealedCategories(table: TenantTable, wanted: ReadonlySet<string>): Map<DataCategory, string[]> {
  const categories = new Map<DataCategory, string[]>();
  for (const name of wanted) {
    const field = table.fields.get(name);
    if (!field?.personal || !('sealed' in field.stored)) continue;
    const { category } = field.personal;
    categories.set(category, [...(categories.get(category) ?? []), name]);
  }
  return categories;
}

function plainKind(table: TenantTable, name: string): unknown {
  const stored = table.fields.get(name)?.stored;
  return stored && 'plain' in stored ? stored.plain : undefined;
}

interface Statement {
  readonly sql: string;
  readonly parameters: Scalar[];
}

const comparisons: ReadonlySet<string> = new Set(['=', '<', '<=', '>', '>=']);

function statement(table: TenantTable, selection: Prepared): Statement {
  const wanted = selection.fields;
  const columns = new Set<string>(table.key);
  if (table.subject) columns.add(table.subject.id);
  for (const name of wanted) {
    const stored = table.fields.get(name)?.stored;
    if (stored && 'plain' in stored) columns.add(name);
  }
  const list = [...columns].map((property) => `\`${snakeCase(property)}\` AS \`${property}\``);
  for (const category of sealedCategories(table, wanted).keys()) {
    const sealed = table.sealed.get(category);
    if (sealed) list.push(`\`${sealed.column}\` AS \`sealed${category}\``);
  }
  const { text, parameters } = predicate(table, selection.client, selection.where ?? []);
  const order = (selection.orderBy ?? []).map(
    ({ field, descending }) => `\`${columnOf(table, field)}\`${descending ? ' DESC' : ''}`,
  );
  const sql = [
    `SELECT ${list.join(', ')} FROM \`${table.name}\` WHERE ${text}`,
    order.length > 0 ? `ORDER BY ${order.join(', ')}` : '',
    selection.limit === undefined ? '' : `LIMIT ${wholeNumber(selection.limit)}`,
  ];
  return { sql: sql.filter(Boolean).join(' '), parameters };
}

function predicate(
  table: TenantTable,
  client: string,
  where: readonly Condition[],
): { text: string; parameters: Scalar[] } {
  const parts = ['`client_id` = ?'];
  const parameters: Scalar[] = [defined(table, 'clientId', client)];
  for (const condition of where) {
    const column = 'index' in condition ? table.indexes.get(condition.index)?.column : columnOf(table, condition.field);
    if (!column)
      throw new Error(
        `${table.name} has no blind index of ${'index' in condition ? condition.index : condition.field}`,
      );
    // The only word of a condition that becomes SQL as it is.
    if (condition.is !== 'in' && !comparisons.has(condition.is))
      throw new Error(`${table.name}.${column} is compared by no known operator`);
    const asked = condition.is === 'in' ? condition.value : [condition.value];
    const possible = (value: Scalar) =>
      'index' in condition ? isAscii(value) : mayHold(table, condition.field, value);
    const values = asked.map((value) => defined(table, column, value)).filter(possible);
    if (values.length === 0) parts.push('1 = 0');
    else if (condition.is === 'in') parts.push(`\`${column}\` IN (${values.map(() => '?').join(', ')})`);
    else parts.push(`\`${column}\` ${condition.is} ?`);
    parameters.push(...values);
  }
  return { text: parts.join(' AND '), parameters };
}

function columnOf(table: TenantTable, property: string): string {
  const stored = table.fields.get(property)?.stored;
  if (table.key.includes(property) || (stored && 'plain' in stored)) return snakeCase(property);
  throw new Error(`${table.name}.${property} is not a column that can be compared or ordered by`);
}

const isAscii = (value: Scalar): boolean => !/[^\x20-\x7e]/.test(String(value));

/**
 * Whether a column can hold a value at all: ids are ASCII. MySQL refuses to compare them with anything else, where SQLite
 * finds no row.
 */
export function mayHold(table: TenantTable, property: string, value: Scalar): boolean {
  const stored = table.fields.get(property)?.stored;
  return !(stored === undefined || ('plain' in stored && stored.plain === 'id')) || isAscii(value);
}

function defined(table: TenantTable, column: string, value: Scalar | undefined | null): Scalar {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Error(`${table.name}.${column} is compared with nothing: a select would reach beyond what was meant`);
}

function wholeNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error('a limit must be a whole number');
  return value;
}
