import type { DataSource } from 'typeorm';
import { dataStore, keysStore } from '../ormconfig';
import type { Config } from './config';
import { migrate, openDataSource, pendingMigrations, type StoreOptions } from './storage/data-source';
import { ConfigurationError } from './storage/errors';
import { KeyStore } from './storage/key-store';
import { loadMasterKeyFile } from './storage/master-key';
import { type HostingRegion, Regions } from './storage/regions';
import { hasPlainAttributes, sealPlainAttributes } from './subjects/plain-attributes';

/** The stores of an installation, open. */
export interface Stores {
  readonly regions: Regions;
  readonly keysSource: DataSource;
  readonly keys: KeyStore;
  /** No webhook leaves for this network's own addresses. */
  readonly production: boolean;
  close(): Promise<void>;
}

export type StoreConfig = Pick<
  Config,
  'databaseUrl' | 'regionalDatabaseUrls' | 'keysDatabaseUrl' | 'masterKeyFile' | 'production'
>;

/**
 * Opens the data's databases and the keys' store. The embedded database migrates itself; on a server that is
 * `remit migrate`'s to do.
 * @throws {ConfigurationError} naming the variable and the mend
 */
export async function openStores(config: StoreConfig, options: { poolSize?: number } = {}): Promise<Stores> {
  const master = await loadMasterKeyFile(config.masterKeyFile, { production: config.production });
  const opened: DataSource[] = [];
  const open = async ({ url, store }: Address) => {
    const source = await openDataSource(url, { ...store, ...options });
    opened.push(source);
    await bringUpToDate(source, store.variable);
    return source;
  };
  try {
    const keysSource = await open({ url: config.keysDatabaseUrl, store: keysStore });
    const keys = new KeyStore(keysSource, master);
    const openData = async (address: Address) => {
      const source = await open(address);
      await bringDataUpToDate(source, keys, address.store.variable);
      return source;
    };
    const home = await openData({ url: config.databaseUrl, store: dataStore });
    const bound = new Map<HostingRegion, DataSource>();
    for (const { region, ...address } of regional(config)) bound.set(region, await openData(address));
    const regions = new Regions(home, bound);
    const close = async () => {
      keys.close();
      await regions.close();
      await keysSource.destroy();
    };
    return { regions, keysSource, keys, production: config.production, close };
  } catch (error) {
    for (const source of opened) await source.destroy();
    throw error;
  }
}

/** Runs the pending migrations of every store, seals what they could not, and returns the names of what was done. */
export async function migrateStores(config: StoreConfig): Promise<string[]> {
  const keysSource = await openDataSource(config.keysDatabaseUrl, keysStore);
  try {
    const done = await migrate(keysSource);
    for (const { url, store } of [{ url: config.databaseUrl, store: dataStore }, ...regional(config)]) {
      const source = await openDataSource(url, store);
      try {
        done.push(...(await migrate(source)));
        if (!(await hasPlainAttributes(source))) continue;
        const master = await loadMasterKeyFile(config.masterKeyFile, { production: config.production });
        await sealPlainAttributes(source, new KeyStore(keysSource, master));
        done.push('the keys of custom attributes, sealed');
      } finally {
        await source.destroy();
      }
    }
    return done;
  } finally {
    await keysSource.destroy();
  }
}

interface Address {
  readonly url: string;
  readonly store: StoreOptions;
}

function regional({ regionalDatabaseUrls }: StoreConfig): Array<Address & { region: HostingRegion }> {
  return Object.entries(regionalDatabaseUrls).flatMap(([region, url]) =>
    url === undefined
      ? []
      : [{ region: region as HostingRegion, url, store: { ...dataStore, variable: `DATABASE_URL_${region}` } }],
  );
}

async function bringDataUpToDate(source: DataSource, keys: KeyStore, variable: string): Promise<void> {
  if (!(await hasPlainAttributes(source))) return;
  if (source.options.type === 'better-sqlite3') await sealPlainAttributes(source, keys);
  else throw new ConfigurationError(variable, 'the keys of custom attributes wait to be sealed; run: remit migrate');
}

async function bringUpToDate(source: DataSource, variable: string): Promise<void> {
  const pending = await pendingMigrations(source);
  if (pending.length === 0) return;
  if (source.options.type === 'better-sqlite3') await migrate(source);
  else throw new ConfigurationError(variable, `${pending.length} migrations are pending; run: remit migrate`);
}
