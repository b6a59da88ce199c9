import type { DataSource, EntityManager } from 'typeorm';
import type { RowCells } from '../governance/govern';
import type { KeyStore } from '../keys/key-store';
import type { EntityClass } from '../storage/entity-class';
import { type Cells, readCells } from '../storage/statements';
import { type Condition, columnOf, predicate, type Scalar, wholeNumber } from './conditions';
import { columnsFor, type Row, type SelectedColumns, tieOf } from './stored-cells';
import { tableOf } from './tenant-table';

export { type Row, sealingContext } from './stored-cells';

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

/** So many parents are a page of them, whose rows are read as one range: shorter lists are prepared as they are. */
const PARENTS_OF_A_PAGE = 8;
/** How many reads of a kind go by lists after a range held too many rows of others. */
const READS_BY_LIST = 100;

/** The values that tie rows to one parent. */
export type Parent = readonly string[];

export interface ReadRows {
  readonly columns: SelectedColumns;
  readonly rows: readonly RowCells[];
}

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
    const { columns, rows } = await this.read(entity, selection);
    return rows.map((cells) => columns.rowOf(cells));
  }

  /** As {@link select}, without an object for each row: its cells, with the sealed ones opened. */
  async read(entity: EntityClass, selection: Selection): Promise<ReadRows> {
    const columns = columnsFor(tableOf(entity), selection.fields);
    const parts = inParts(selection.where ?? []).map((where) => statement(columns, { ...selection, where }));
    const [only, another] = parts;
    const found = only && !another ? await this.#query(only) : await this.#inOrder(columns, selection, parts);
    return { columns, rows: await columns.open(this.#keys, selection.client, found) };
  }

  async #inOrder(columns: SelectedColumns, selection: Selection, parts: readonly Statement[]): Promise<Cells[]> {
    const rows: Cells[] = [];
    for (const part of parts) rows.push(...(await this.#query(part)));
    return inOrder(columns, selection, rows).slice(0, selection.limit);
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
    const { columns, groups } = await this.readEach(entity, selection, by, parents);
    const rowsOf = new Map([...new Set(groups)].map((rows) => [rows, rows.map((cells) => columns.rowOf(cells))]));
    return groups.map((rows) => rowsOf.get(rows) ?? []);
  }

  /** As {@link selectEach}, without an object for each row. */
  async readEach(
    entity: EntityClass,
    selection: Selection,
    by: readonly string[],
    parents: readonly Parent[],
  ): Promise<{ columns: SelectedColumns; groups: ReadonlyArray<readonly RowCells[]> }> {
    const columns = columnsFor(tableOf(entity), selection.fields);
    const ties = by.map((field) => columns.at(field));
    const groups = new Map<string, Cells[]>();
    const once = new Map(parents.map((parent) => [parent.join(), parent]));
    const distinct = [...once.values()];
    for (let start = 0; start < distinct.length; start += PARENTS_PER_SELECT) {
      const some = distinct.slice(start, start + PARENTS_PER_SELECT);
      const rows =
        (await this.#together(columns, selection, by, some)) ??
        (await this.#eachByItself(columns, selection, by, some));
      for (const row of rows) {
        const key = tieOf(row, ties);
        const group = groups.get(key);
        if (group) group.push(row);
        else if (once.has(key)) groups.set(key, [row]);
      }
    }
    // No engine promises an order of rows of several parents.
    for (const [key, group] of groups) groups.set(key, inOrder(columns, selection, group).slice(0, selection.limit));
    await columns.open(this.#keys, selection.client, [...groups.values()].flat());
    return { columns, groups: parents.map((parent) => groups.get(parent.join()) ?? nothing) };
  }

  /**
   * Reads the rows of all parents at once: the fastest way where no parent has many more rows than are wanted.
   * @returns undefined where there are too many rows
   */
  async #together(
    columns: SelectedColumns,
    selection: Selection,
    by: readonly string[],
    parents: readonly Parent[],
  ): Promise<readonly Cells[] | undefined> {
    const wanted = selection.limit === undefined ? MOST_ROWS_TOGETHER : wholeNumber(selection.limit) * parents.length;
    const limit = Math.min(wanted * SURPLUS, MOST_ROWS_TOGETHER) + 1;
    const read = async (ties: readonly Condition[]) => {
      const where = [...ties, ...(selection.where ?? [])];
      const rows = await this.#query(statement(columns, { client: selection.client, where, limit }));
      return rows.length < limit ? rows : undefined;
    };
    const [only = '', ...more] = by;
    const isPage = more.length === 0 && parents.length >= PARENTS_OF_A_PAGE && ranges.mayPay(columns);
    const found = isPage ? ranges.judged(columns, only, parents, await read(rangeOf(only, parents))) : undefined;
    return found ?? read(by.map((field, index) => listOf(field, parents, index)));
  }

  /** Reads one index range for each parent, joined by UNION ALL. Not every engine has window functions. */
  #eachByItself(
    columns: SelectedColumns,
    selection: Selection,
    by: readonly string[],
    parents: readonly Parent[],
  ): Promise<readonly Cells[]> {
    const parts = parents.map((parent) => {
      const ties = by.map((field, index): Condition => ({ field, is: '=', value: parent[index] ?? '' }));
      return statement(columns, { ...selection, where: [...ties, ...(selection.where ?? [])] });
    });
    const sql = parts.map((part, index) => `SELECT * FROM (${part.sql}) AS p${index}`).join(' UNION ALL ');
    return this.#query({ sql, parameters: parts.flatMap(({ parameters }) => parameters) });
  }

  async count(entity: EntityClass, client: string, where: readonly Condition[] = []): Promise<number> {
    const table = tableOf(entity);
    let total = 0;
    for (const part of inParts(where)) {
      const { text, parameters } = predicate(table, client, part);
      const sql = `SELECT COUNT(*) AS n FROM \`${table.name}\` WHERE ${text}`;
      const [row] = await this.#query({ sql, parameters });
      total += Number(row?.[0] ?? 0);
    }
    return total;
  }

  #query({ sql, parameters }: Statement): Promise<readonly Cells[]> {
    return readCells(this.#source, sql, parameters);
  }
}

const nothing: readonly RowCells[] = [];

const listOf = (field: string, parents: readonly Parent[], index: number): Condition => {
  return { field, is: 'in', value: [...new Set(parents.map((parent) => parent[index] ?? ''))] };
};

/** All from the first to the last parent. A page's parents follow each other in the key, so few others lie between. */
function rangeOf(field: string, parents: readonly Parent[]): Condition[] {
  const ids = parents.map(([id = '']) => id).sort();
  return [
    { field, is: '>=', value: ids[0] ?? '' },
    { field, is: '<=', value: ids.at(-1) ?? '' },
  ];
}

/** Where ranges of parents pay. A filter may leave out most of those between the first and the last parent. */
class Ranges {
  /** How many reads go by lists before a range is tried again. */
  readonly #lists = new WeakMap<SelectedColumns, number>();

  mayPay(columns: SelectedColumns): boolean {
    const left = this.#lists.get(columns) ?? 0;
    if (left > 0) this.#lists.set(columns, left - 1);
    return left === 0;
  }

  /** @param rows those of a range; undefined where they were too many @returns those that may be used */
  judged(
    columns: SelectedColumns,
    by: string,
    parents: readonly Parent[],
    rows: readonly Cells[] | undefined,
  ): readonly Cells[] | undefined {
    const own = new Set(parents.map(([id]) => id));
    const at = columns.at(by);
    const others = rows?.reduce((count, row) => (own.has(String(row[at])) ? count : count + 1), 0);
    if (rows === undefined || Number(others) * 2 > rows.length) this.#lists.set(columns, READS_BY_LIST);
    return rows;
  }
}

const ranges = new Ranges();

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

/** Sorts the rows of several selects. It can sort by the key only, which every select reads. */
function inOrder(columns: SelectedColumns, { orderBy = [] }: Pick<Selection, 'orderBy'>, rows: Cells[]): Cells[] {
  const { table } = columns;
  const foreign = orderBy.find(({ field }) => !table.key.includes(field));
  if (foreign)
    throw new Error(`${table.name}: rows of several selects can be ordered by the key only, not by ${foreign.field}`);
  if (rows.length < 2) return rows;
  const order = orderBy.map(({ field, descending = false }) => ({ at: columns.at(field), descending }));
  const compare = (a: Cells, b: Cells): number => {
    for (const { at, descending } of order) {
      const left = String(a[at]);
      const right = String(b[at]);
      if (left !== right) return left < right === descending ? 1 : -1;
    }
    return 0;
  };
  // An index returns them forwards or backwards, and a page has many parents with few rows.
  const isOrdered = () => rows.every((row, index) => index === 0 || compare(rows[index - 1] as Cells, row) <= 0);
  if (isOrdered()) return rows;
  rows.reverse();
  return isOrdered() ? rows : rows.sort(compare);
}

interface Statement {
  readonly sql: string;
  readonly parameters: Scalar[];
}

function statement(columns: SelectedColumns, selection: Omit<Selection, 'fields'>): Statement {
  const { table } = columns;
  const { text, parameters } = predicate(table, selection.client, selection.where ?? []);
  const order = (selection.orderBy ?? []).map(
    ({ field, descending }) => `\`${columnOf(table, field)}\`${descending ? ' DESC' : ''}`,
  );
  let sql = `SELECT ${columns.list} FROM \`${table.name}\` WHERE ${text}`;
  if (order.length > 0) sql += ` ORDER BY ${order.join(', ')}`;
  if (selection.limit !== undefined) sql += ` LIMIT ${wholeNumber(selection.limit)}`;
  return { sql, parameters };
}
