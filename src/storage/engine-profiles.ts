import type { DataSource } from 'typeorm';

export type EngineName = 'mysql' | 'mariadb' | 'galera' | 'tidb' | 'vitess' | 'sqlite';

/**
 * What an engine can do. Nothing here is *needed*: where a flag is false, code takes the portable way. Where an engine's
 * manual leaves a doubt, the flag is false.
 */
export interface EngineProfile {
  readonly name: EngineName;
  /** `FOR UPDATE SKIP LOCKED` skips locked rows (TiDB parses it only). */
  readonly skipLocked: boolean;
  /** `SELECT … FOR UPDATE` locks rows. */
  readonly rowLocks: boolean;
  /** `GET_LOCK` holds across every connection of the cluster. */
  readonly namedLocks: boolean;
  readonly windowFunctions: boolean;
  /** Foreign keys are enforced, and forbid neither upserts nor sharding. */
  readonly foreignKeys: boolean;
  /** `INSERT … ON DUPLICATE KEY UPDATE`, or SQLite's `ON CONFLICT`. */
  readonly upsert: boolean;
  /** One transaction over several clients' rows (shards) commits wholly or not at all. */
  readonly atomicAcrossClients: boolean;
  /** A conflict may surface at COMMIT as a deadlock error: run the whole transaction again. */
  readonly retryAtCommit: boolean;
  /** Several connections may write at the same time. */
  readonly concurrentWriters: boolean;
  /** The most rows that one transaction should change; longer work is cut into transactions of this size. */
  readonly maxTransactionRows: number;
}

const INNODB = {
  skipLocked: true,
  rowLocks: true,
  namedLocks: true,
  windowFunctions: true,
  foreignKeys: true,
  upsert: true,
  atomicAcrossClients: true,
  retryAtCommit: false,
  concurrentWriters: true,
  maxTransactionRows: 10_000,
} as const;

export const ENGINE_PROFILES: { readonly [name in EngineName]: EngineProfile } = {
  mysql: { name: 'mysql', ...INNODB },
  mariadb: { name: 'mariadb', ...INNODB },
  galera: { ...INNODB, name: 'galera', namedLocks: false, retryAtCommit: true, maxTransactionRows: 1_000 },
  tidb: {
    ...INNODB,
    name: 'tidb',
    skipLocked: false,
    namedLocks: false,
    foreignKeys: false,
    retryAtCommit: true,
    maxTransactionRows: 5_000,
  },
  vitess: {
    ...INNODB,
    name: 'vitess',
    skipLocked: false,
    namedLocks: false,
    windowFunctions: false,
    foreignKeys: false,
    upsert: false,
    atomicAcrossClients: false,
    maxTransactionRows: 1_000,
  },
  sqlite: {
    ...INNODB,
    name: 'sqlite',
    skipLocked: false,
    rowLocks: false,
    namedLocks: false,
    concurrentWriters: false,
  },
};

/**
 * Finds out which engine answers behind the MySQL protocol, by what it says of itself.
 *
 * @param dataSource an initialised data source
 * @returns the profile; a server that none of the signs fits counts as plain MySQL
 */
export async function detectEngine(dataSource: Pick<DataSource, 'options' | 'query'>): Promise<EngineProfile> {
  if (dataSource.options.type === 'better-sqlite3') return ENGINE_PROFILES.sqlite;
  const [row] = await dataSource.query<{ version: string; comment: string }[]>(
    'SELECT VERSION() AS version, @@version_comment AS comment',
  );
  const signs = `${row?.version} ${row?.comment}`;
  if (/tidb/i.test(signs)) return ENGINE_PROFILES.tidb;
  if (/vitess|planetscale/i.test(signs)) return ENGINE_PROFILES.vitess;
  if (await isGalera(dataSource)) return ENGINE_PROFILES.galera;
  return /mariadb/i.test(signs) ? ENGINE_PROFILES.mariadb : ENGINE_PROFILES.mysql;
}

async function isGalera(dataSource: Pick<DataSource, 'query'>): Promise<boolean> {
  const rows = await dataSource.query<{ Variable_name: string; Value: string }[]>(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('wsrep_on', 'wsrep_provider')",
  );
  const value = new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value.toLowerCase()]));
  // A server that merely has the library installed says wsrep_on=ON with the provider `none` in some versions.
  return value.get('wsrep_on') === 'on' && (value.get('wsrep_provider') ?? 'none') !== 'none';
}
