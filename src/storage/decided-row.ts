import { getMetadataArgsStorage } from 'typeorm';
import { type EntityClass, snakeCase } from './entity-class';
import { listText } from './lists';

export type DecidedValue = string | number | null;

/**
 * A row as a decision leaves it, by its columns. The audit ledger keeps it. Whoever writes to the database without the
 * product cannot write such an entry, so the row will not match.
 */
export interface DecidedRow {
  readonly table: string;
  /** Its key without the client's id. */
  readonly row: string;
  /** The columns that the decision sets; null where it removes the row. */
  readonly columns: Readonly<Record<string, DecidedValue>> | null;
  /** The person in the row's key. The ledger keeps a reference instead, which becomes useless with the person's key. */
  readonly subject?: string;
}

/** A row by its properties. */
type Fields = object;

const valueIn = (fields: Fields, property: string): unknown => (fields as Record<string, unknown>)[property];

/** A new row. Columns it does not name are null. */
export function decidedRow(entity: EntityClass, fields: Fields): DecidedRow {
  const { table, row, columns } = shapeOf(entity);
  const values = columns.map(([property, column]) => [column, decidedValue(valueIn(fields, property))] as const);
  return { table, row: row(fields), columns: Object.fromEntries(values) };
}

/** A row of which some columns change. */
export function decidedChange(entity: EntityClass, key: Fields, changes: Fields): DecidedRow {
  const { table, row, columns } = shapeOf(entity);
  const changed = columns.filter(([property]) => valueIn(changes, property) !== undefined);
  const values = changed.map(([property, column]) => [column, decidedValue(valueIn(changes, property))] as const);
  return { table, row: row(key), columns: Object.fromEntries(values) };
}

/** A row that is removed. */
export function goneRow(entity: EntityClass, key: Fields): DecidedRow {
  const { table, row } = shapeOf(entity);
  return { table, row: row(key), columns: null };
}

/** A value as its column returns it, the same on every engine. */
export function decidedValue(value: unknown): DecidedValue {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return listText(value as string[]);
  return typeof value === 'number' ? value : String(value);
}

interface Shape {
  readonly table: string;
  readonly row: (fields: Fields) => string;
  readonly columns: ReadonlyArray<readonly [property: string, column: string]>;
}

const shapes = new Map<EntityClass, Shape>();

function shapeOf(entity: EntityClass): Shape {
  const known = shapes.get(entity);
  if (known) return known;
  const storage = getMetadataArgsStorage();
  const table = storage.tables.find(({ target }) => target === entity)?.name;
  if (!table) throw new Error(`${entity.name} is no table`);
  const all = storage.columns.filter(({ target }) => target === entity);
  const key = all
    .filter(({ options, propertyName }) => options.primary && propertyName !== 'clientId')
    .map(({ propertyName }) => propertyName);
  const columns = all
    .filter(({ propertyName }) => propertyName !== 'clientId' && !key.includes(propertyName))
    .map(({ propertyName, options }) => [propertyName, options.name ?? snakeCase(propertyName)] as const);
  // A client's own row has no key besides the client's id.
  const names = key.length === 0 ? ['clientId'] : key;
  const shape = {
    table,
    row: (fields: Fields) => names.map((name) => String(valueIn(fields, name))).join('/'),
    columns,
  };
  shapes.set(entity, shape);
  return shape;
}
