import { LRUCache } from 'lru-cache';
import type { CellField, RowCells } from '../governance/govern';
import type { DataCategory } from '../governance/vocabulary';
import type { KeyHandle } from '../keys/held-key';
import type { KeyStore } from '../keys/key-store';
import { OpenedContent } from '../keys/opened-content';
import { OpenedRow } from '../keys/opened-rows';
import { snakeCase } from '../storage/entity-class';
import { listIn } from '../storage/lists';
import type { Cells } from '../storage/statements';
import { isList, type StoredField, type TenantTable } from './tenant-table';

/** A row as resolvers get it: times as Dates, amounts as decimals, lists as arrays, sealed fields opened. */
export type Row = Record<string, unknown>;

/**
 * The associated data of a sealed value. Sealed bytes that were moved to another row, table or category do not open.
 */
export function sealingContext(table: TenantTable, row: Row, category: DataCategory): string {
  return contextOf(
    table,
    category,
    table.key.map((property) => row[property]),
  );
}

function contextOf(table: TenantTable, category: DataCategory, key: readonly unknown[]): string {
  let context = `${table.name}|${category}`;
  for (const value of key) context += `|${value}`;
  return context;
}

interface SealedColumn {
  readonly category: DataCategory;
  readonly at: number;
}

/** A field of a selection. */
interface SelectedField {
  readonly name: string;
  readonly cell: CellField;
  readonly isSealed: boolean;
}

/** What a select reads of a table for some fields, and how a value is read out of a row's cells. */
export class SelectedColumns {
  readonly table: TenantTable;
  /** The columns of a SELECT. */
  readonly list: string;
  readonly #at: ReadonlyMap<string, number>;
  readonly #fields: readonly SelectedField[];
  readonly #cells: ReadonlyMap<string, CellField>;
  readonly #sealed: readonly SealedColumn[];
  readonly #key: readonly number[];
  /** The same object for the same columns: what was opened is remembered by it. */
  readonly #selection: object;
  readonly #subject: number | undefined;
  /** The cells that tell one subject's rows apart. */
  readonly #among: readonly number[];

  constructor(table: TenantTable, wanted: ReadonlySet<string>) {
    const { key, subject } = table;
    const stored = [...wanted].flatMap((name) => table.fields.get(name) ?? []);
    const plain = stored.filter((field) => 'plain' in field.stored).map(({ property }) => property);
    const names = [...new Set([...key, ...(subject ? [subject.id] : []), ...plain])];
    const sealed = new Map<DataCategory, SealedColumn>();
    const columns = names.map((name) => snakeCase(name));
    const fields = names.map((name): SelectedField => {
      return { name, cell: plainCell(names.indexOf(name), table.fields.get(name)), isSealed: false };
    });
    for (const { property, stored: storing, personal } of stored) {
      const place = personal && 'sealed' in storing ? table.sealed.get(personal.category) : undefined;
      if (!personal || !place) continue;
      const { category } = personal;
      const column = sealed.get(category) ?? { category, at: columns.push(place.column) - 1 };
      sealed.set(category, column);
      fields.push({ name: property, cell: sealedCell(column.at, property), isSealed: true });
    }
    this.table = table;
    this.list = columns.map((column) => `\`${column}\``).join(', ');
    this.#at = new Map(names.map((name, at) => [name, at]));
    this.#fields = fields;
    this.#cells = new Map(fields.map(({ name, cell }) => [name, cell]));
    this.#sealed = [...sealed.values()];
    this.#key = this.#indices(key);
    this.#selection = selectionOf(table, this.list);
    this.#subject = subject && this.at(subject.id);
    this.#among = this.#indices(key.filter((property) => property !== 'clientId' && property !== subject?.id));
  }

  /** Where a plain column stands among the cells. @throws {Error} where it is not selected */
  at(property: string): number {
    const at = this.#at.get(property);
    if (at === undefined) throw new Error(`${this.table.name}.${property} is not selected`);
    return at;
  }

  /** The value of a selected plain column, as its cell holds it. */
  value(cells: RowCells, property: string): unknown {
    return cells[this.#at.get(property) ?? -1];
  }

  /** How a field is read out of opened cells; undefined where it is not selected, or has no column. */
  cell(name: string): CellField | undefined {
    return this.#cells.get(name);
  }

  /**
   * Opens the sealed cells of rows, in place: each holds an OpenedContent, an Error, or nothing then. A further cell
   * holds what is remembered of the row.
   */
  async open(keys: KeyStore, client: string, rows: readonly Cells[]): Promise<readonly RowCells[]> {
    const subject = this.#subject;
    if (this.#sealed.length === 0 || rows.length === 0 || subject === undefined) return rows;
    const subjects = new Set(rows.map((row) => String(row[subject])));
    await keys.withSubjectKeys(client, subjects, (handles) => {
      for (const row of rows) this.#openRow(row, handles.get(String(row[subject])));
    });
    return rows;
  }

  #openRow(row: Cells, key: KeyHandle | undefined): void {
    const cells = row as unknown[];
    const id = this.#among.length === 0 ? '' : tieOf(row, this.#among);
    const known = key?.recall(this.#selection, id);
    if (known?.is(row)) {
      this.#fill(cells, known.contents);
      cells.push(known);
      return;
    }
    const place = this.#key.map((at) => row[at]);
    const contents: unknown[] = [];
    let fails = false;
    for (const { at, category } of this.#sealed) {
      const sealed = row[at];
      const content = key && Buffer.isBuffer(sealed) ? this.#openSealed(category, place, key, sealed) : null;
      fails ||= content instanceof Error;
      contents.push(content);
    }
    const opened = key && !fails && new OpenedRow(row, contents);
    this.#fill(cells, contents);
    if (!opened) return;
    key.remember(this.#selection, id, opened);
    cells.push(opened);
  }

  #fill(cells: unknown[], contents: readonly unknown[]): void {
    for (let place = 0; place < this.#sealed.length; place++) cells[this.#sealed[place]?.at ?? 0] = contents[place];
  }

  /**
   * The content of sealed bytes, or an error in its place where they were altered or moved. A GraphQL executor reports
   * an error value as an error of that field: the field is null, the error is logged, and the rest of the page is
   * returned.
   */
  #openSealed(
    category: DataCategory,
    place: readonly unknown[],
    key: KeyHandle,
    sealed: Buffer,
  ): OpenedContent | Error {
    try {
      return key.open(sealed, contextOf(this.table, category, place));
    } catch (cause) {
      return new Error(`${this.table.name}: the sealed ${category} of a row does not open`, { cause });
    }
  }

  /** The object of a row. */
  rowOf(cells: RowCells): Row {
    const row: Row = {};
    for (const { name, cell, isSealed } of this.#fields) {
      const value = cell.value(cells);
      row[name] = isSealed ? ownValue(value) : value;
    }
    return row;
  }

  #indices(properties: readonly string[]): number[] {
    return properties.map((property) => this.at(property));
  }
}

/** What the cells at some places have in common with those of other rows. */
export function tieOf(row: RowCells, [first = 0, ...more]: readonly number[]): string {
  let tie = String(row[first]);
  for (const at of more) tie += `,${row[at]}`;
  return tie;
}

function plainCell(at: number, field: StoredField | undefined): CellField {
  const kind = field && 'plain' in field.stored ? field.stored.plain : undefined;
  const numbers = (convert: (value: number) => unknown): CellField => ({
    value: (cells) => (typeof cells[at] === 'number' ? convert(cells[at]) : cells[at]),
  });
  if (kind === 'instant') return numbers((time) => new Date(time));
  if (kind === 'amount') return numbers((amount) => amount / 10_000);
  if (field && isList(field)) return { value: (cells) => listIn(cells[at]) };
  return { value: (cells) => cells[at] };
}

function sealedCell(at: number, field: string): CellField {
  return {
    value: (cells) => {
      const content = cells[at];
      return content instanceof OpenedContent
        ? (content.field(field) ?? null)
        : content instanceof Error
          ? content
          : null;
    },
    text: (cells) => {
      const content = cells[at];
      return content instanceof OpenedContent ? content.textOf(field) : content === null ? 'null' : undefined;
    },
  };
}

/** Requests share opened content, but mark a row's objects with the state of its person. */
const ownValue = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !(value instanceof Error) ? structuredClone(value) : (value ?? null);

/** Documents choose the columns, so that no end of selections may come. One that is forgotten is remembered anew. */
const MOST_SELECTIONS = 1_000;
const selections = new WeakMap<TenantTable, LRUCache<string, object>>();

function selectionOf(table: TenantTable, list: string): object {
  const ofTable = selections.get(table) ?? new LRUCache<string, object>({ max: MOST_SELECTIONS });
  selections.set(table, ofTable);
  const selection = ofTable.get(list) ?? {};
  ofTable.set(list, selection);
  return selection;
}

const columnsOfFields = new WeakMap<object, Map<TenantTable, SelectedColumns>>();

/** Decisions return the same set of fields again and again, so its columns are cached. */
export function columnsFor(table: TenantTable, fields: Iterable<string>): SelectedColumns {
  if (!(fields instanceof Set)) return new SelectedColumns(table, new Set(fields));
  const byTable = columnsOfFields.get(fields) ?? new Map<TenantTable, SelectedColumns>();
  columnsOfFields.set(fields, byTable);
  const columns = byTable.get(table) ?? new SelectedColumns(table, fields);
  byTable.set(table, columns);
  return columns;
}
