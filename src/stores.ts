import type { DataSource } from 'typeorm';
import { dataStore, keysStore } from '../ormconfig';
import type { Config } from './config';
import { withMoreTime } from './connections/time';
import { KeyStore } from './keys/key-store';
import { openRootKeys, type RootKeys } from './keys/roots/root-keys';
import { migrate, openDataSource, pendingMigrations, type StoreOptions } from './storage/data-source';
import { dialectOf } from './storage/dialect';
import { ConfigurationError } from './storage/errors';
import { type HostingRegion, Regions } from './storage/regions';
import { hasPlainAttributes, sealPlainAttributes } from './subjects/plain-attributes';
import { isReindexPending, reindexIdentifiers } from './subjects/reindex';

/** The open stores of an installation. */
export interface Stores {
  readonly regions: Regions;
  readonly keysSource: DataSource;
  readonly keys: KeyStore;
  /** In production no webhook is sent to addresses of this network. */
  readonly production: boolean;
  close(): Promise<void>;
}

export type StoreConfig = Pick<
  Config,
  'databaseUrl' | 'regionalDatabaseUrls' | 'keysDatabaseUrl' | 'masterKeyFile' | 'production'
> &
  Partial<Pick<Config, 'epoch'>>;

/**
 * Opens the databases and the keys' store. The embedded database migrates itself; a server is migrated by `remit
 * migrate`.
 * @throws {ConfigurationError} naming the variable and the remedy
 */
export async function openStores(config: StoreConfig, options: { poolSize?: number } = {}): Promise<Stores> {
  const roots = await openRootKeys(config);
  const opened: DataSource[] = [];
  const open = async ({ url, store }: Address) => {
    const source = await openDataSource(url, { ...store, ...options });
    opened.push(source);
    await bringUpToDate(source, store.variable);
    return source;
  };
  try {
    const keysSource = await open({ url: config.keysDatabaseUrl, store: keysStore });
    const home = await open({ url: config.databaseUrl, store: dataStore });
    const bound = new Map<HostingRegion, DataSource>();
    for (const { region, ...address } of regional(config)) bound.set(region, await open(address));
    const regions = new Regions(home, bound);
    const keys = new KeyStore(keysSource, roots, { epoch: config.epoch });
    for (const source of regions.all()) await finishKeyedSteps(source, keys);
    const close = async () => {
      keys.close();
      await Promise.all([regions.close(), keysSource.destroy(), roots.close()]);
    };
    return { regions, keysSource, keys, production: config.production, close };
  } catch (error) {
    for (const source of opened) await source.destroy();
    await roots.close();
    throw error;
  }
}

/** Runs the pending migrations of every store and the steps that need keys, and lists what was done. */
export function migrateStores(config: StoreConfig): Promise<string[]> {
  return withMoreTime('migration', () => migrateAll(config));
}

async function migrateAll(config: StoreConfig): Promise<string[]> {
  const done: string[] = [];
  const opened: DataSource[] = [];
  try {
    const addresses = [
      { url: config.keysDatabaseUrl, store: keysStore },
      { url: config.databaseUrl, store: dataStore },
      ...regional(config),
    ];
    for (const { url, store } of addresses) {
      const source = await openDataSource(url, store);
      opened.push(source);
      done.push(...(await migrate(source)));
    }
    const [keysSource, ...data] = opened;
    if (keysSource) done.push(...(await runKeyedSteps(config, keysSource, data)));
    return done;
  } finally {
    for (const source of opened) await source.destroy();
  }
}

/** Steps that migrations leave, because they need the keys. */
const keyedSteps: ReadonlyArray<{
  isPending(source: DataSource): Promise<boolean>;
  /** @returns what was done */
  run(source: DataSource, keys: KeyStore): Promise<string>;
  readonly waiting: string;
}> = [
  {
    isPending: isReindexPending,
    run: async (source, keys) => `new indexes of ${await reindexIdentifiers(source, keys)} customers`,
    waiting: 'identifiers are to be indexed again',
  },
  {
    isPending: hasPlainAttributes,
    run: async (source, keys) => `sealed keys of ${await sealPlainAttributes(source, keys)} attributes`,
    waiting: "the keys of customers' attributes are to be sealed",
  },
];

async function runKeyedSteps(
  config: StoreConfig,
  keysSource: DataSource,
  data: readonly DataSource[],
): Promise<string[]> {
  const done: string[] = [];
  let roots: RootKeys | undefined;
  let keys: KeyStore | undefined;
  try {
    for (const source of data) {
      for (const { isPending, run } of keyedSteps) {
        if (!(await isPending(source))) continue;
        roots ??= await openRootKeys(config);
        keys ??= new KeyStore(keysSource, roots, { epoch: config.epoch });
        done.push(await run(source, keys));
      }
    }
    return done;
  } finally {
    keys?.close();
    await roots?.close();
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

async function bringUpToDate(source: DataSource, variable: string): Promise<void> {
  const pending = await pendingMigrations(source);
  if (pending.length === 0) return;
  if (dialectOf(source).embedded) await migrate(source);
  else throw new ConfigurationError(variable, `${pending.length} migrations are pending; run: remit migrate`);
}

/** As {@link bringUpToDate}, for the steps that need keys. */
async function finishKeyedSteps(source: DataSource, keys: KeyStore): Promise<void> {
  for (const { isPending, run, waiting } of keyedSteps) {
    if (!(await isPending(source))) continue;
    if (dialectOf(source).embedded) await run(source, keys);
    else throw new ConfigurationError('DATABASE_URL', `${waiting}; run: remit migrate`);
  }
}
