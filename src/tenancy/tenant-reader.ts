import type { DataSource, EntityManager } from 'typeorm';
import type { DataCategory } from '../governance/vocabulary';
import type { KeyHandle } from '../keys/held-key';
import type { KeyStore } from '../keys/key-store';
import { type EntityClass, snakeCase } from '../storage/entity-class';
import { listIn } from '../storage/lists';
import { runStatement } from '../storage/statements';
import { type Condition, columnOf, predicate, type Scalar, wholeNumber } from './conditions';
import { isList, type TenantTable, tableOf } from './tenant-table';

export interface Selection {
  /** The client whose rows to read; every select contains it. */
  readonly client: string;
  /** Fields to read. Fields without a column are skipped. The key and the subject's id are always read. */
  readonly fields: Iterable<string>;
  readonly where?: readonly Condition[];
  readonly orderBy?: ReadonlyArray<{ readonly field: string; readonly descending?: boolean }>;
  readonly limit?: number;
}

/** The most values of one IN list, below SQLite's limit of 32,766 parameters. Longer lists are read in parts. */
const VALUES_PER_SELECT = 10_000;
/** The most parents of one statement. SQLite unites 500 selects at most. */
const PARENTS_PER_SELECT = 250;
/**
 * How many rows of several parents are read at once and cut here: a multiple of what is wanted, and a maximum. With the
 * row that tells of more, it stays within the 10,000 rows that Vitess gives for one statement by default.
 */
const SURPLUS = 4;
const MOST_ROWS_TOGETHER = 9_999;

/** A row as resolvers get it: times as Dates, amounts as decimals, lists as arrays, sealed fields opened. */
export type Row = Record<string, unknown>;

/**
 * The associated data of a sealed value. Sealed bytes that were moved to another row, table or category do not open.
 */
export function sealingContext(table: TenantTable, row: Row, category: DataCategory): string {
  let context = `${table.name}|${category}`;
  for (const property of table.key) context += `|${row[property]}`;
  return context;
}

/** The values that tie rows to one parent. */
export type Parent = readonly string[];

/**
 * Reads a client's rows by fields. Every select contains the client, reads permitted columns only, and refuses
 * undefined values, which would match everything or nothing (docs/pitfalls.md, 23). Other SQL on tenants' tables goes
 * through tenant-sql.ts. test/house/tenant-sql.test.ts checks that there is no third way.
 */
export class TenantReader {
  readonly #source: DataSource | EntityManager;
  readonly #keys: KeyStore;

  constructor(source: DataSource | EntityManager, keys: KeyStore) {
    this.#source = source;
    this.#keys = keys;
  }

  async select(entity: EntityClass, selection: Selection): Promise<Row[]> {
    const table = tableOf(entity);
    const columns = columnsFor(table, selection.fields);
    const parts = inParts(selection.where ?? []).map((where) => statement(table, columns, { ...selection, where }));
    const [only, another] = parts;
    if (only && !another) return this.#open(table, columns, selection.client, await this.#query<Row>(only));
    const rows: Row[] = [];
    for (const part of parts) rows.push(...(await this.#query<Row>(part)));
    const ordered = inOrder(table, selection, rows).slice(0, selection.limit);
    return this.#open(table, columns, selection.client, ordered);
  }

  /**
   * The first rows of each parent, in the order of the parents. A parent that is named twice is read once.
   * @param by the fields that tie a row to its parent
   */
  async selectEach(
    entity: EntityClass,
    selection: Selection,
    by: readonly string[],
    parents: readonly Parent[],
  ): Promise<Row[][]> {
    const table = tableOf(entity);
    const columns = columnsFor(table, selection.fields);
    const groups = new Map<string, Row[]>();
    const once = new Map(parents.map((parent) => [parent.join(), parent]));
    const distinct = [...once.values()];
    for (let start = 0; start < distinct.length; start += PARENTS_PER_SELECT) {
      const some = distinct.slice(start, start + PARENTS_PER_SELECT);
      const rows =
        (await this.#together(table, columns, selection, by, some)) ??
        (await this.#eachByItself(table, columns, selection, by, some));
      for (const row of rows) {
        const key = tieOf(row, by);
        const group = groups.get(key);
        if (group) group.push(row);
        else if (once.has(key)) groups.set(key, [row]);
      }
    }
    // No engine promises an order of rows of several parents.
    for (const [key, group] of groups) groups.set(key, inOrder(table, selection, group).slice(0, selection.limit));
    await this.#open(table, columns, selection.client, [...groups.values()].flat());
    return parents.map((parent) => groups.get(parent.join()) ?? []);
  }

  /**
   * Reads the rows of all parents at once: the fastest way where no parent has many more rows than are wanted.
   * @returns undefined where there are too many rows
   */
  async #together(
    table: TenantTable,
    columns: Columns,
    selection: Selection,
    by: readonly string[],
    parents: readonly Parent[],
  ): Promise<Row[] | undefined> {
    const wanted = selection.limit === undefined ? MOST_ROWS_TOGETHER : wholeNumber(selection.limit) * parents.length;
    const limit = Math.min(wanted * SURPLUS, MOST_ROWS_TOGETHER) + 1;
    const ties = by.map((field, index): Condition => {
      return { field, is: 'in', value: [...new Set(parents.map((parent) => parent[index] ?? ''))] };
    });
    const where = [...ties, ...(selection.where ?? [])];
    const rows = await this.#query<Row>(statement(table, columns, { client: selection.client, where, limit }));
    return rows.length < limit ? rows : undefined;
  }

  /** Reads one index range for each parent, joined by UNION ALL. Not every engine has window functions. */
  #eachByItself(
    table: TenantTable,
    columns: Columns,
    selection: Selection,
    by: readonly string[],
    parents: readonly Parent[],
  ): Promise<Row[]> {
    const parts = parents.map((parent) => {
      const ties = by.map((field, index): Condition => ({ field, is: '=', value: parent[index] ?? '' }));
      return statement(table, columns, { ...selection, where: [...ties, ...(selection.where ?? [])] });
    });
    const sql = parts.map((part, index) => `SELECT * FROM (${part.sql}) AS p${index}`).join(' UNION ALL ');
    return this.#query<Row>({ sql, parameters: parts.flatMap(({ parameters }) => parameters) });
  }

  async count(entity: EntityClass, client: string, where: readonly Condition[] = []): Promise<number> {
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
    return runStatement<T[]>(this.#source, sql, parameters);
  }

  async #open(table: TenantTable, columns: Columns, client: string, rows: Row[]): Promise<Row[]> {
    const { instants, amounts, lists, sealed, among } = columns;
    for (const row of rows) {
      for (const field of instants) {
        const value = row[field];
        if (typeof value === 'number') row[field] = new Date(value);
      }
      for (const field of amounts) {
        const value = row[field];
        if (typeof value === 'number') row[field] = value / 10_000;
      }
      for (const field of lists) row[field] = listIn(row[field]);
    }
    if (sealed.length === 0 || rows.length === 0 || !table.subject) return rows;
    const subject = table.subject.id;
    const subjects = new Set(rows.map((row) => String(row[subject])));
    await this.#keys.withSubjectKeys(client, subjects, (handles) => {
      for (const row of rows) {
        const key = handles.get(String(row[subject]));
        const id = among.length === 0 ? '' : tieOf(row, among);
        for (const column of sealed) {
          const content = row[column.property];
          const opened = key && Buffer.isBuffer(content) ? openSealed(table, row, column, id, key, content) : nothing;
          // Not `delete`: an object that loses a property becomes slow.
          row[column.property] = undefined;
          for (const field of column.fields) row[field] = opened instanceof Error ? opened : ownValue(opened[field]);
        }
      }
    });
    return rows;
  }
}

const nothing: Row = {};

/**
 * The content of sealed bytes, or an error in its place where they were altered or moved. A GraphQL executor reports an
 * error value as an error of that field: the field is null, the error is logged, and the rest of the page is returned.
 */
function openSealed(
  table: TenantTable,
  row: Row,
  { category, place }: SealedColumn,
  id: string,
  key: KeyHandle,
  sealed: Buffer,
): Row | Error {
  try {
    const known = key.recall(place, id, sealed) ?? key.open(place, id, sealed, sealingContext(table, row, category));
    return known as Row;
  } catch (cause) {
    return new Error(`${table.name}: the sealed ${category} of a row does not open`, { cause });
  }
}

/** Requests share opened content, but mark a row's objects with the state of its person. */
const ownValue = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? structuredClone(value) : (value ?? null);

interface SealedColumn {
  readonly category: DataCategory;
  readonly property: string;
  readonly fields: readonly string[];
  /** The same object for every selection. */
  readonly place: object;
}

/** What a select reads of a table for some fields, and how to convert it. */
interface Columns {
  readonly list: string;
  readonly instants: readonly string[];
  readonly amounts: readonly string[];
  readonly lists: readonly string[];
  readonly sealed: readonly SealedColumn[];
  /** The properties that tell one subject's rows apart. */
  readonly among: readonly string[];
}

const columnsOfFields = new WeakMap<object, Map<TenantTable, Columns>>();

/** Decisions return the same set of fields again and again, so its columns are cached. */
function columnsFor(table: TenantTable, fields: Iterable<string>): Columns {
  if (!(fields instanceof Set)) return makeColumns(table, new Set(fields));
  const byTable = columnsOfFields.get(fields) ?? new Map<TenantTable, Columns>();
  columnsOfFields.set(fields, byTable);
  const columns = byTable.get(table) ?? makeColumns(table, fields);
  byTable.set(table, columns);
  return columns;
}

function makeColumns(table: TenantTable, wanted: ReadonlySet<string>): Columns {
  const names = new Set<string>(table.key);
  if (table.subject) names.add(table.subject.id);
  const categories = new Map<DataCategory, string[]>();
  const ofKind = (kind: string) =>
    [...wanted].filter((name) => {
      const stored = table.fields.get(name)?.stored;
      return stored !== undefined && 'plain' in stored && stored.plain === kind;
    });
  for (const name of wanted) {
    const field = table.fields.get(name);
    if (!field) continue;
    if ('plain' in field.stored) names.add(name);
    if (!field.personal || !('sealed' in field.stored)) continue;
    const { category } = field.personal;
    categories.set(category, [...(categories.get(category) ?? []), name]);
  }
  const list = [...names].map((property) => `\`${snakeCase(property)}\` AS \`${property}\``);
  const sealed: SealedColumn[] = [];
  for (const [category, fields] of categories) {
    const place = table.sealed.get(category);
    if (!place) continue;
    sealed.push({ category, fields, property: place.property, place });
    list.push(`\`${place.column}\` AS \`${place.property}\``);
  }
  const among = table.key.filter((property) => property !== 'clientId' && property !== table.subject?.id);
  const lists = [...wanted].filter((name) => {
    const field = table.fields.get(name);
    return field !== undefined && isList(field);
  });
  return { list: list.join(', '), instants: ofKind('instant'), amounts: ofKind('amount'), lists, sealed, among };
}

/** Splits conditions with too long a list of values into several statements' conditions. */
function inParts(where: readonly Condition[]): Array<readonly Condition[]> {
  const at = where.findIndex(
    (condition) => 'is' in condition && condition.is === 'in' && condition.value.length > VALUES_PER_SELECT,
  );
  const long = where[at];
  if (!long || !('is' in long) || long.is !== 'in') return [where];
  const values = [...new Set<Scalar>(long.value)];
  const parts: Array<readonly Condition[]> = [];
  for (let start = 0; start < values.length; start += VALUES_PER_SELECT) {
    const value = values.slice(start, start + VALUES_PER_SELECT);
    parts.push(where.map((condition, index) => (index === at ? ({ ...long, value } as Condition) : condition)));
  }
  return parts;
}

function tieOf(row: Row, [first = '', ...more]: readonly string[]): string {
  let tie = String(row[first]);
  for (const field of more) tie += `,${row[field]}`;
  return tie;
}

/** Sorts the rows of several selects. It can sort by the key only, which every select reads. */
function inOrder(table: TenantTable, { orderBy = [] }: Pick<Selection, 'orderBy'>, rows: Row[]): Row[] {
  const foreign = orderBy.find(({ field }) => !table.key.includes(field));
  if (foreign)
    throw new Error(`${table.name}: rows of several selects can be ordered by the key only, not by ${foreign.field}`);
  const compare = (a: Row, b: Row): number => {
    for (const { field, descending } of orderBy) {
      const left = String(a[field]);
      const right = String(b[field]);
      if (left !== right) return left < right === Boolean(descending) ? 1 : -1;
    }
    return 0;
  };
  // An index returns them forwards or backwards, and a page has many parents with few rows.
  const isOrdered = () => rows.every((row, index) => index === 0 || compare(rows[index - 1] as Row, row) <= 0);
  if (isOrdered()) return rows;
  rows.reverse();
  return isOrdered() ? rows : rows.sort(compare);
}

interface Statement {
  readonly sql: string;
  readonly parameters: Scalar[];
}

function statement(table: TenantTable, columns: Columns, selection: Omit<Selection, 'fields'>): Statement {
  const { text, parameters } = predicate(table, selection.client, selection.where ?? []);
  const order = (selection.orderBy ?? []).map(
    ({ field, descending }) => `\`${columnOf(table, field)}\`${descending ? ' DESC' : ''}`,
  );
  let sql = `SELECT ${columns.list} FROM \`${table.name}\` WHERE ${text}`;
  if (order.length > 0) sql += ` ORDER BY ${order.join(', ')}`;
  if (selection.limit !== undefined) sql += ` LIMIT ${wholeNumber(selection.limit)}`;
  return { sql, parameters };
}
