import { type ColumnOptions, type QueryRunner, Table, type TableColumnOptions } from 'typeorm';
import { dialectOf } from './dialect';

/*
 * One set of column types for SQLite and the MySQL family, in two forms: functions for the tables of a migration (`id`,
 * `text`, …), and options for the columns of an entity (`idColumn`, `textColumn`, …).
 *
 * All text compares by bytes, as in SQLite by default. A collation of MySQL's that ignores case would treat two
 * different slugs or two different base64url digests as equal.
 */
const ASCII = { charset: 'ascii', collation: 'ascii_bin' } as const;
const UTF8 = { charset: 'utf8mb4', collation: 'utf8mb4_bin' } as const;

/** A UUID in lower-case text form. */
export const idColumn = { type: 'varchar', length: 36, ...ASCII } as const satisfies ColumnOptions;
/** An HMAC-SHA256 in base64url (43 characters): a blind index, a token's digest. */
export const digestColumn = { type: 'varchar', length: 43, ...ASCII } as const satisfies ColumnOptions;
/** A point in time: milliseconds since 1970-01-01T00:00:00Z, a number in rows and entities. */
export const instantColumn = { type: 'bigint' } as const satisfies ColumnOptions;
/** A whole number up to 2^31 − 1. */
export const countColumn = { type: 'int' } as const satisfies ColumnOptions;
/** An amount of money in ten-thousandths of the currency's unit, a number in rows and entities. */
export const amountColumn = { type: 'bigint' } as const satisfies ColumnOptions;
/** A number of bytes: a whole number up to 2^53. */
export const sizeColumn = { type: 'bigint' } as const satisfies ColumnOptions;
/** Sealed bytes (keys/sealing.ts). MySQL's tables use MEDIUMBLOB (16 MB), see createTable. */
export const sealedColumn = { type: 'blob' } as const satisfies ColumnOptions;
/** Plain text that carries no identity, of at most `length` characters. */
export const textColumn = (length: number) => ({ type: 'varchar', length, ...UTF8 }) as const satisfies ColumnOptions;

export const id = (name: string): TableColumnOptions => maker(name, idColumn);
export const digest = (name: string): TableColumnOptions => maker(name, digestColumn);
export const instant = (name: string): TableColumnOptions => maker(name, instantColumn);
export const count = (name: string): TableColumnOptions => maker(name, countColumn);
export const amount = (name: string): TableColumnOptions => maker(name, amountColumn);
export const size = (name: string): TableColumnOptions => maker(name, sizeColumn);
export const sealed = (name: string): TableColumnOptions => maker(name, sealedColumn);
export const text = (name: string, length: number): TableColumnOptions => maker(name, textColumn(length));
/** The same column, allowed to be NULL. */
export const nullable = (column: TableColumnOptions): TableColumnOptions => ({ ...column, isNullable: true });

type ColumnTypeOptions = Pick<ColumnOptions, 'charset' | 'collation'> & { type: string; length?: number };

function maker(name: string, { length, ...options }: ColumnTypeOptions): TableColumnOptions {
  return { name, ...options, ...(length === undefined ? {} : { length: String(length) }) };
}

export interface TableDefinition {
  readonly name: string;
  /**
   * In a tenant's table it begins with client_id, the shard key of Vitess and TiDB. Galera needs one on every table.
   */
  readonly primaryKey: readonly string[];
  readonly columns: readonly TableColumnOptions[];
  readonly indices?: readonly { readonly columns: readonly string[]; readonly unique?: boolean }[];
}

/**
 * Creates a table on the engine at hand, unless it exists. MySQL commits each DDL statement at once, so a migration
 * that died midway runs again from its start.
 */
export async function createTable(queryRunner: QueryRunner, definition: TableDefinition): Promise<void> {
  const table = new Table({
    name: definition.name,
    columns: definition.columns.map((column) => ({
      ...onEngineOf(queryRunner, column),
      isPrimary: definition.primaryKey.includes(column.name),
    })),
    indices: (definition.indices ?? []).map(({ columns, unique = false }) => ({
      columnNames: [...columns],
      isUnique: unique,
    })),
  });
  await queryRunner.createTable(table, true);
}

/** A column as the engine at hand needs it, for migrations that add one to an existing table. */
export function onEngineOf(queryRunner: QueryRunner, column: TableColumnOptions): TableColumnOptions {
  const { blob, collations } = dialectOf(queryRunner);
  const { charset, collation, ...portable } = column;
  return {
    ...portable,
    ...(collations && charset ? { charset, collation } : {}),
    ...(column.type === 'blob' ? { type: blob } : {}),
  };
}
