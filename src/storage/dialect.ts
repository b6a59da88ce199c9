import type { Database } from 'better-sqlite3';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

/** TypeORM's name for the embedded engine. No other file names it: they ask {@link dialectOf}. */
export const EMBEDDED = 'better-sqlite3';

/** The driver's connection to an embedded database. */
export type EmbeddedDatabase = Database;

/** How the SQL of the embedded database and of the MySQL family differs. docs/engines.md shows both. */
export interface Dialect {
  /**
   * The database runs in this process, with one connection and one writer. Transactions take turns; it migrates itself
   * when it is opened.
   */
  readonly embedded: boolean;
  /** Ends a SELECT that locks its rows until the transaction ends. A single writer needs no lock. */
  readonly forUpdate: '' | ' FOR UPDATE';
  /** Begins an INSERT that skips rows whose key exists. */
  readonly insertIgnore: 'INSERT OR IGNORE INTO' | 'INSERT IGNORE INTO';
  /** The database's own clock, in seconds since 1970. */
  readonly now: string;
  /** The same to the millisecond, as a text in UTC such as `2026-11-28 00:15:00.123`. */
  readonly clock: string;
  /** Holds up to 16 MB. */
  readonly blob: 'blob' | 'mediumblob';
  /** Whether columns name their character set and collation. SQLite compares text by bytes without. */
  readonly collations: boolean;
  /** Lists every table's and view's columns as `owner` and `name`, in their order. */
  readonly columns: string;
}

export const DIALECTS: { readonly [name in 'sqlite' | 'mysql']: Dialect } = {
  sqlite: {
    embedded: true,
    forUpdate: '',
    insertIgnore: 'INSERT OR IGNORE INTO',
    now: 'unixepoch()',
    clock: "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    blob: 'blob',
    collations: false,
    columns: `SELECT m.name AS owner, p.name AS name FROM sqlite_master AS m JOIN pragma_table_xinfo(m.name) AS p
              WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, p.cid`,
  },
  mysql: {
    embedded: false,
    forUpdate: ' FOR UPDATE',
    insertIgnore: 'INSERT IGNORE INTO',
    now: 'UNIX_TIMESTAMP()',
    clock: 'CAST(UTC_TIMESTAMP(3) AS CHAR)',
    blob: 'mediumblob',
    collations: true,
    columns: `SELECT TABLE_NAME AS owner, COLUMN_NAME AS name FROM information_schema.COLUMNS
              WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION`,
  },
};

type Speaker = Pick<DataSource, 'options'> | EntityManager | QueryRunner;

/** The dialect of a data source, or of the one that a manager or runner belongs to. Asks no server. */
export function dialectOf(speaker: Speaker): Dialect {
  const { options } = 'dataSource' in speaker ? speaker.dataSource : speaker;
  return options.type === EMBEDDED ? DIALECTS.sqlite : DIALECTS.mysql;
}

/** The driver's own connection. @param source of the embedded dialect */
export function embeddedDatabaseOf(source: DataSource): EmbeddedDatabase {
  return (source.driver as unknown as { databaseConnection: EmbeddedDatabase }).databaseConnection;
}
