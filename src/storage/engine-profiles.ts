import type { DataSource } from 'typeorm';
import { dialectOf } from './dialect';
import { serverValues } from './server-values';

export type EngineName = 'mysql' | 'mariadb' | 'galera' | 'tidb' | 'vitess' | 'sqlite';

/** How engines of one dialect differ. docs/engines.md shows every flag. */
export interface EngineProfile {
  /** The most rows that one transaction should change. Larger work is split. */
  readonly maxTransactionRows: number;
  /** A node may answer from an older state than another one's, unless its session waits for what was committed. */
  readonly causalReads: boolean;
  /** Sessions may have settings of their own at no cost. Vitess keeps connections apart for each one that has. */
  readonly sessionSettings: boolean;
  /** By which setting of a session the server ends what takes too long. The first that it knows. */
  readonly statementLimits: readonly LimitVariable[];
  /** Sessions whose time is up can be ended from another one, with what they run. */
  readonly endsSessions: boolean;
  /** A connection takes statements before it has answered others. */
  readonly pipelines: boolean;
}

type LimitVariable = keyof typeof LIMIT_VARIABLES;

/** Settings of a session that limit its statements. docs/engines.md shows them. */
export const LIMIT_VARIABLES = {
  max_statement_time: {
    perSecond: 1,
    ends: 'every statement',
    source: 'mariadb.com/kb/en/aborting-statements',
  },
  max_execution_time: {
    perSecond: 1_000,
    ends: 'statements that only read',
    source:
      'dev.mysql.com/doc/refman/8.4/en/server-system-variables.html; docs.pingcap.com/tidb/stable/system-variables',
  },
} as const;

export const ENGINE_PROFILES: { readonly [name in EngineName]: EngineProfile } = {
  mysql: {
    ...{ maxTransactionRows: 10_000, causalReads: false, sessionSettings: true },
    ...{ statementLimits: ['max_execution_time'], endsSessions: true, pipelines: false },
  },
  mariadb: {
    ...{ maxTransactionRows: 10_000, causalReads: false, sessionSettings: true },
    ...{ statementLimits: ['max_statement_time'], endsSessions: true, pipelines: true },
  },
  // Every node certifies the whole transaction at COMMIT. Percona's has MySQL's settings, others MariaDB's.
  galera: {
    ...{ maxTransactionRows: 1_000, causalReads: true, sessionSettings: true },
    ...{ statementLimits: ['max_statement_time', 'max_execution_time'], endsSessions: true, pipelines: true },
  },
  // A transaction's changes wait in memory until COMMIT.
  tidb: {
    ...{ maxTransactionRows: 5_000, causalReads: false, sessionSettings: true },
    ...{ statementLimits: ['max_execution_time'], endsSessions: true, pipelines: false },
  },
  // It caps the rows and the time of a transaction, and ends statements by its own limits.
  vitess: {
    ...{ maxTransactionRows: 1_000, causalReads: false, sessionSettings: false },
    ...{ statementLimits: [], endsSessions: false, pipelines: false },
  },
  sqlite: {
    ...{ maxTransactionRows: 10_000, causalReads: false, sessionSettings: false },
    ...{ statementLimits: [], endsSessions: false, pipelines: false },
  },
};

/**
 * Detects which engine answers behind the MySQL protocol, by what it says about itself.
 *
 * @param dataSource an initialised data source
 * @returns the profile; an unknown server counts as MySQL
 */
export async function detectEngine(dataSource: Pick<DataSource, 'options' | 'query'>): Promise<EngineProfile> {
  if (dialectOf(dataSource).embedded) return ENGINE_PROFILES.sqlite;
  const [row] = await dataSource.query<{ version: string; comment: string }[]>(
    'SELECT VERSION() AS version, @@version_comment AS comment',
  );
  const signs = `${row?.version} ${row?.comment}`;
  if (/tidb/i.test(signs)) return ENGINE_PROFILES.tidb;
  if (/vitess|planetscale/i.test(signs)) return ENGINE_PROFILES.vitess;
  if (await isGalera(dataSource)) return ENGINE_PROFILES.galera;
  return /mariadb/i.test(signs) ? ENGINE_PROFILES.mariadb : ENGINE_PROFILES.mysql;
}

/** An engine's name, by its profile. */
export const engineNameOf = (profile: EngineProfile): EngineName =>
  (Object.keys(ENGINE_PROFILES) as EngineName[]).find((name) => ENGINE_PROFILES[name] === profile) ?? 'mysql';

/**
 * How many items one transaction takes: as many as wanted, within the engine's bound on rows.
 * @param rowsEach how many rows one item changes
 */
export function itemsPerTransaction(profile: EngineProfile, wanted: number, rowsEach = 1): number {
  return Math.max(1, Math.min(wanted, Math.floor(profile.maxTransactionRows / rowsEach)));
}

async function isGalera(dataSource: Pick<DataSource, 'query'>): Promise<boolean> {
  const { wsrep_on: on, wsrep_provider: provider = 'none' } = await serverValues(dataSource, 'VARIABLES', [
    'wsrep_on',
    'wsrep_provider',
  ]);
  // Some versions with the library installed but not in use report wsrep_on=ON and the provider `none`.
  return on?.toLowerCase() === 'on' && provider.toLowerCase() !== 'none';
}
