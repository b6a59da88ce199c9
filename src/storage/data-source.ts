import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'mysql2';
import { DataSource, type DataSourceOptions, type Logger, MigrationExecutor, type MigrationInterface } from 'typeorm';
import { StoreUnavailableError, UnfitServerError } from '../connections/errors';
import { describeHosts } from '../connections/hosts';
import { StorePool } from '../connections/pool';
import { tlsOptions } from '../connections/tls';
import { EMBEDDED, type EmbeddedDatabase } from './dialect';
import { BUSY_TIMEOUT_MS } from './embedded-transaction';
import type { EntityClass } from './entity-class';
import { ConfigurationError } from './errors';
import { keepStatements } from './lasting-statements';
import { withMigrationLock } from './migration-lock';
import { StoreSessions } from './session';
import { named, parseStoreUrl, type StoreAddress } from './store-url';

export interface StoreOptions {
  /** The variable that held the URL, `DATABASE_URL` or `KEYS_DATABASE_URL`. Errors name it. */
  readonly variable: string;
  readonly entities: readonly EntityClass[];
  readonly migrations: readonly (new () => MigrationInterface)[];
  /** Connections to a server at most, instead of the URL's. SQLite has one. */
  readonly poolSize?: number;
}

/** TypeORM's own logger would write statements with their parameters to standard output. Callers log errors. */
const SILENT: Logger = {
  logQuery: () => undefined,
  logQueryError: () => undefined,
  logQuerySlow: () => undefined,
  logSchemaBuild: () => undefined,
  logMigration: () => undefined,
  log: () => undefined,
};

/**
 * TypeORM's options for a store, for {@link openDataSource} and for TypeORM's own command line.
 *
 * @param url `sqlite:./data/remit.db`, `sqlite::memory:` or `mysql://user:password@host:port/database`
 * @throws ConfigurationError naming the variable and the fix
 */
export function dataSourceOptions(url: string, options: StoreOptions): DataSourceOptions {
  return optionsFor(parseStoreUrl(url, options.variable), options);
}

function optionsFor(
  address: StoreAddress,
  { variable, entities, migrations, poolSize }: StoreOptions,
): DataSourceOptions {
  const common = {
    entities: [...entities],
    migrations: [...migrations],
    migrationsRun: false,
    migrationsTransactionMode: 'each' as const,
    synchronize: false,
    logging: false,
  };
  if (address.kind === 'sqlite') {
    return {
      ...common,
      type: EMBEDDED,
      database: address.path,
      timeout: BUSY_TIMEOUT_MS,
      prepareDatabase: preparePragmas,
    };
  }
  const limits = { ...address.limits, ...(poolSize === undefined ? {} : { poolSize }) };
  const { tls } = address;
  return {
    ...common,
    type: 'mysql',
    username: address.user,
    password: address.password,
    database: address.database,
    charset: 'utf8mb4',
    timezone: 'Z',
    // Numbers up to 2^53, as SQLite gives them. A SUM is a DECIMAL; it becomes a number too.
    supportBigNumbers: true,
    bigNumberStrings: false,
    ...(tls ? { ssl: named(variable, () => tlsOptions(tls)) } : {}),
    extra: { decimalNumbers: true },
    driver: {
      createPool: (driver: ConnectionOptions) => new StorePool({ ...address, limits }, new StoreSessions(), driver),
    },
  };
}

/**
 * Deleted content is overwritten (D2). A commit is on disk before it returns: an audit entry before its response
 * leaves, an entry of the erasure ledger before the keys are destroyed.
 */
async function preparePragmas(database: EmbeddedDatabase): Promise<void> {
  keepStatements(database);
  database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  await switchToWal(database);
  database.pragma('secure_delete = ON');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
}

/** SQLite does not wait for a lock when the journal mode changes, so two processes that open a new file may collide. */
async function switchToWal(database: EmbeddedDatabase): Promise<void> {
  for (const deadline = Date.now() + BUSY_TIMEOUT_MS; ; await sleep(10)) {
    try {
      database.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'SQLITE_BUSY' || Date.now() > deadline) throw error;
    }
  }
}

/**
 * Opens a store. Creates SQLite's folder and file where they are missing, readable by this user only.
 *
 * @param url as in {@link dataSourceOptions}
 * @throws ConfigurationError naming the variable and the fix, never the password
 */
export async function openDataSource(url: string, options: StoreOptions): Promise<DataSource> {
  const address = parseStoreUrl(url, options.variable);
  let dataSource: DataSource | undefined;
  try {
    if (address.kind === 'sqlite' && address.path !== ':memory:') await createPrivateFile(address.path);
    dataSource = new DataSource({ ...optionsFor(address, options), logger: SILENT });
    await dataSource.initialize();
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError(options.variable, faultOf(address, error), { cause: error });
  }
  return dataSource;
}

/**
 * Runs the migrations that are pending, one process at a time.
 *
 * @returns the names of those that ran, in order; empty where none was pending
 * @throws MigrationLockError when another process keeps migrating
 */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  return withMigrationLock(dataSource, async () => {
    const done = await dataSource.runMigrations({ transaction: 'each' });
    return done.map((migration) => migration.name);
  });
}

/** The names of the pending migrations, in order. Changes nothing. */
export async function pendingMigrations(dataSource: DataSource): Promise<string[]> {
  const pending = await new MigrationExecutor(dataSource).getPendingMigrations();
  return pending.map((migration) => migration.name);
}

async function createPrivateFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'a', 0o600);
  await file.close();
}

function faultOf(address: StoreAddress, error: unknown): string {
  if (error instanceof UnfitServerError) return error.message;
  const code =
    error instanceof StoreUnavailableError ? error.message : ((error as NodeJS.ErrnoException).code ?? 'unknown error');
  if (address.kind === 'sqlite') {
    return code === 'SQLITE_NOTADB'
      ? `${address.path} is not an SQLite database; name another file`
      : `cannot open ${address.path} (${code}); the folder and the file must be writable for this user`;
  }
  const server = describeHosts(address.hosts);
  if (code === 'ER_ACCESS_DENIED_ERROR' || code === 'ER_DBACCESS_DENIED_ERROR') {
    return `${server} refuses user ${address.user} for database ${address.database}; check user, password and grants`;
  }
  if (code === 'ER_BAD_DB_ERROR') {
    return `${server} has no database ${address.database}; create it: CREATE DATABASE ${address.database}`;
  }
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return `${server} knows no TLS; give it a certificate, or remove ssl=true`;
  if (code === 'HANDSHAKE_SSL_ERROR') {
    const { message } = error as Error;
    return `${server} could not be verified (${message}); check ssl-ca, ssl-server-name and its certificate`;
  }
  return `cannot connect to ${server} (${code}); check that the server runs and that host and port are right`;
}
