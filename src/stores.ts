import type { DataSource } from 'typeorm';
import { dataStore, keysStore } from '../ormconfig';
import type { Config } from './config';
import { migrate, openDataSource, pendingMigrations } from './storage/data-source';
import { ConfigurationError } from './storage/errors';
import { KeyStore } from './storage/key-store';
import { loadMasterKeyFile } from './storage/master-key';

/** The two stores of an installation, open. */
export interface Stores {
  readonly data: DataSource;
  readonly keysSource: DataSource;
  readonly keys: KeyStore;
  close(): Promise<void>;
}

type StoreConfig = Pick<Config, 'databaseUrl' | 'keysDatabaseUrl' | 'masterKeyFile' | 'production'>;

/**
 * Opens the data's and the keys' store. The embedded database migrates itself; on a server that is `remit migrate`'s to do.
 * @throws {ConfigurationError} naming the variable and the mend
 */
export async function openStores(config: StoreConfig, options: { poolSize?: number } = {}): Promise<Stores> {
  const master = await loadMasterKeyFile(config.masterKeyFile, { production: config.production });
  const data = await openDataSource(config.databaseUrl, { ...dataStore, ...options });
  const keysSource = await openDataSource(config.keysDatabaseUrl, { ...keysStore, ...options });
  const keys = new KeyStore(keysSource, master);
  const close = async () => {
    keys.close();
    await data.destroy();
    await keysSource.destroy();
  };
  try {
    await bringUpToDate(data, 'DATABASE_URL');
    await bringUpToDate(keysSource, 'KEYS_DATABASE_URL');
  } catch (error) {
    await close();
    throw error;
  }
  return { data, keysSource, keys, close };
}

/** Runs the pending migrations of both stores, and returns their names. */
export async function migrateStores(config: StoreConfig): Promise<string[]> {
  const done: string[] = [];
  for (const [url, store] of [
    [config.keysDatabaseUrl, keysStore],
    [config.databaseUrl, dataStore],
  ] as const) {
    const source = await openDataSource(url, store);
    try {
      done.push(...(await migrate(source)));
    } finally {
      await source.destroy();
    }
  }
  return done;
}

async function bringUpToDate(source: DataSource, variable: string): Promise<void> {
  const pending = await pendingMigrations(source);
  if (pending.length === 0) return;
  if (source.options.type === 'better-sqlite3') await migrate(source);
  else throw new ConfigurationError(variable, `${pending.length} migrations are pending; run: remit migrate`);
}
