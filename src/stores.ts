import type { DataSource } from 'typeorm';
import { dataStore, keysStore } from '../ormconfig';
import { ClientSecretRotation } from './client-secrets';
import type { Config } from './config';
import { withMoreTime } from './connections/time';
import { tenantEntities } from './entities';
import { unrecorded } from './identity/change-recorder';
import { whyUnfit } from './keys/backup/unfit-store';
import type { RootedStore } from './keys/backup/write';
import { KeyStore } from './keys/key-store';
import { holdsKeyOf, KeyStores, type KeysPlace } from './keys/key-stores';
import { RegionalKeyStore } from './keys/regional-key-store';
import { openRootKeys, type RootKeys } from './keys/roots/root-keys';
import type { RootSettings } from './keys/roots/root-settings';
import { sealWith } from './keys/sealing';
import { isBeforeEpochs, upgradeToEpochs } from './keys/upgrade';
import { migrate, openDataSource, pendingMigrations, type StoreOptions } from './storage/data-source';
import { dialectOf } from './storage/dialect';
import { ConfigurationError } from './storage/errors';
import { type HostingRegion, hostingRegions, Regions } from './storage/regions';
import { hasPlainAttributes, sealPlainAttributes } from './subjects/plain-attributes';
import { isReindexPending, reindexIdentifiers } from './subjects/reindex';
import { clientsWithDoubles, strayClients } from './subjects/stray-identifiers';

/** The open stores of an installation. */
export interface Stores {
  readonly regions: Regions;
  /** The home keys' store: the platform's own. A client's may be another one, see `keyStores`. */
  readonly keysSource: DataSource;
  /** The keys of every client, wherever they are. */
  readonly keys: KeyStore;
  readonly keyStores: KeyStores;
  /** Where each turning of an epoch leaves a backup of the keys. */
  readonly keysBackupDir: string | undefined;
  /** In production no webhook is sent to addresses of this network. */
  readonly production: boolean;
  close(): Promise<void>;
}

export type StoreConfig = Pick<
  Config,
  | 'databaseUrl'
  | 'regionalDatabaseUrls'
  | 'keysDatabaseUrl'
  | 'regionalKeys'
  | 'keysBackupDir'
  | 'production'
  | keyof RootSettings
> &
  Partial<Pick<Config, 'epoch' | 'sealing'>>;

/**
 * Opens the databases and the keys' store. The embedded database migrates itself; a server is migrated by `remit
 * migrate`.
 * @throws {ConfigurationError} naming the variable and the remedy
 */
export async function openStores(
  config: StoreConfig,
  options: { poolSize?: number; derivedKeysMs?: number } = {},
): Promise<Stores> {
  const { poolSize, derivedKeysMs } = options;
  if (config.sealing) sealWith(config.sealing);
  const opened: DataSource[] = [];
  const open = async ({ url, store }: Address) => {
    const source = await openDataSource(url, { ...store, ...(poolSize !== undefined && { poolSize }) });
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
    const ofRegions: RegionalSource[] = [];
    for (const { region, ...address } of regionalKeys(config)) ofRegions.push({ region, source: await open(address) });
    await finishEpochs(config, [{ region: undefined, source: keysSource }, ...ofRegions]);
    const { keys, keyStores, roots } = await openKeys(config, regions, keysSource, ofRegions, derivedKeysMs);
    for (const source of regions.all()) await finishKeyedSteps(source, keys);
    await finishMoves({ regions, keys, keyStores });
    const close = async () => {
      keys.close();
      for (const each of roots) await each.close();
      await Promise.all([regions.close(), ...keyStores.all().map(({ source }) => source.destroy())]);
    };
    const { keysBackupDir, production } = config;
    return { regions, keysSource, keys, keyStores, keysBackupDir, production, close };
  } catch (error) {
    for (const source of opened) await source.destroy();
    throw error;
  }
}

/** A keys' store by itself, with its roots, and without a check that they belong together: a restore fills it. */
export interface OpenKeysStore extends RootedStore {
  close(): Promise<void>;
}

/**
 * Opens one keys' store, brought up to date.
 * @param name as in a backup, such as `keys` or `keys EU`
 * @throws {ConfigurationError} where the environment names no such store
 */
export async function openKeysStore(config: StoreConfig, name: string): Promise<OpenKeysStore> {
  const region = hostingRegions.find((one) => keysStoreName(one) === name);
  const found = [{ url: config.keysDatabaseUrl, store: keysStore, region: undefined }, ...regionalKeys(config)].find(
    (one) => keysStoreName(one.region) === name,
  );
  if (!found) throw new ConfigurationError(keysVariable(region), `must be set: the backup is of the store "${name}"`);
  const source = await openDataSource(found.url, found.store);
  const roots = await openRootsOf(config, region).catch(async (error: unknown) => {
    await source.destroy();
    throw error;
  });
  const close = async () => {
    await Promise.all([source.destroy(), roots.close()]);
  };
  await migrate(source);
  await upgradeToEpochs(source, () => openRootsOf(config, region));
  return { name, source, roots, close };
}

/** Runs the pending migrations of every store and the steps that need keys, and lists what was done. */
export function migrateStores(config: StoreConfig): Promise<string[]> {
  return withMoreTime('migration', () => migrateAll(config));
}

async function migrateAll(config: StoreConfig): Promise<string[]> {
  if (config.sealing) sealWith(config.sealing);
  const done: string[] = [];
  const opened: DataSource[] = [];
  try {
    const brought = async ({ url, store }: Address) => {
      const source = await openDataSource(url, store);
      opened.push(source);
      done.push(...(await migrate(source)));
      return source;
    };
    const keysSource = await brought({ url: config.keysDatabaseUrl, store: keysStore });
    const ofRegions: RegionalSource[] = [];
    for (const { region, ...address } of regionalKeys(config))
      ofRegions.push({ region, source: await brought(address) });
    for (const { region, source } of [{ region: undefined, source: keysSource }, ...ofRegions]) {
      if (!(await isBeforeEpochs(source))) continue;
      const moved = await upgradeToEpochs(source, () => openRootsOf(config, region));
      if (moved > 0) done.push(`keys of ${moved} persons hung into epochs`);
    }
    const home = await brought({ url: config.databaseUrl, store: dataStore });
    const bound = new Map<HostingRegion, DataSource>();
    for (const { region, ...address } of regional(config)) bound.set(region, await brought(address));
    const regions = new Regions(home, bound);
    const open = () => openKeys(config, regions, keysSource, ofRegions);
    done.push(...(await runKeyedSteps(regions, open)));
    const allKeys = [keysSource, ...ofRegions.map(({ source }) => source)];
    const stray = await strayClients(regions, allKeys);
    const doubled = await clientsWithDoubles(regions, allKeys);
    const wanted = [...new Set([...stray, ...doubled])];
    if (wanted.length > 0) done.push(await withKeys(open, (opened) => moveStray({ regions, ...opened }, wanted)));
    return done;
  } finally {
    for (const source of opened) await source.destroy();
  }
}

/** As {@link bringUpToDate}, for keys from before epochs. */
async function finishEpochs(
  config: StoreConfig,
  places: ReadonlyArray<{ region: HostingRegion | undefined; source: DataSource }>,
): Promise<void> {
  for (const { region, source } of places) {
    if (!(await isBeforeEpochs(source))) continue;
    if (dialectOf(source).embedded) await upgradeToEpochs(source, () => openRootsOf(config, region));
    else {
      throw new ConfigurationError(keysVariable(region), 'its keys are from before epochs; run: remit migrate');
    }
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

async function runKeyedSteps(regions: Regions, open: () => Promise<OpenKeys>): Promise<string[]> {
  const done: string[] = [];
  let opened: OpenKeys | undefined;
  try {
    for (const source of regions.all()) {
      for (const { isPending, run } of keyedSteps) {
        if (!(await isPending(source))) continue;
        opened ??= await open();
        done.push(await run(source, opened.keys));
      }
    }
    return done;
  } finally {
    opened?.keys.close();
    for (const each of opened?.roots ?? []) await each.close();
  }
}

async function withKeys<T>(open: () => Promise<OpenKeys>, use: (opened: OpenKeys) => Promise<T>): Promise<T> {
  const opened = await open();
  try {
    return await use(opened);
  } finally {
    opened.keys.close();
    for (const each of opened.roots) await each.close();
  }
}

type OpenKeys = Pick<Stores, 'keys' | 'keyStores'> & { readonly roots: readonly RootKeys[] };

interface RegionalSource {
  readonly region: HostingRegion;
  readonly source: DataSource;
}

/** The keys of an installation over the sources of their stores, each under its own root. */
async function openKeys(
  config: StoreConfig,
  regions: Regions,
  keysSource: DataSource,
  ofRegions: readonly RegionalSource[],
  derivedKeysMs?: number,
): Promise<OpenKeys> {
  const { epoch } = config;
  const roots: RootKeys[] = [];
  const rootsFor = async (source: DataSource, region?: HostingRegion) => {
    const opened = await openRootsOf(config, region);
    roots.push(opened);
    await requireFit(source, opened, { config, regions, region });
    return opened;
  };
  const Home = ofRegions.length > 0 ? RegionalKeyStore : KeyStore;
  const homeRoots = await rootsFor(keysSource);
  const keys = new Home(keysSource, homeRoots, { epoch, derivedKeysMs });
  const bound = new Map<HostingRegion, KeysPlace>();
  for (const { region, source } of ofRegions) {
    const own = await rootsFor(source, region);
    const name = keysStoreName(region);
    bound.set(region, { name, region, source, roots: own, keys: new KeyStore(source, own, { epoch, derivedKeysMs }) });
  }
  const home = { name: keysStoreName(), region: undefined, source: keysSource, roots: homeRoots, keys };
  const keyStores = new KeyStores(regions, home, bound);
  if (keys instanceof RegionalKeyStore) keys.spread(keyStores);
  await requireKeysInPlace(regions, keyStores);
  return { keys, keyStores, roots };
}

/** The roots of the home keys' store, or of a region's. */
export function openRootsOf({ production, ...config }: StoreConfig, region?: HostingRegion): Promise<RootKeys> {
  const settings = region === undefined ? config : config.regionalKeys?.[region];
  return openRootKeys({ ...settings, production });
}

/** By what name operators see a keys' store. */
export const keysStoreName = (region?: HostingRegion): string => (region === undefined ? 'keys' : `keys ${region}`);

/** Refuses an old copy of a keys' store, whose root is destroyed. @throws {ConfigurationError} saying how to go on */
async function requireFit(
  source: DataSource,
  roots: RootKeys,
  { config, regions, region }: { config: StoreConfig; regions: Regions; region: HostingRegion | undefined },
): Promise<void> {
  const surroundings = { folder: config.keysBackupDir, client: await regions.firstOf(region) };
  const fault = await whyUnfit({ name: keysStoreName(region), source, roots }, surroundings);
  if (fault !== undefined) throw new ConfigurationError(keysVariable(region), fault);
}

/**
 * Refuses settings under which a region's keys would be looked for where they are not, and new ones made there.
 * @throws {ConfigurationError} naming the region's variable
 */
async function requireKeysInPlace(regions: Regions, keyStores: KeyStores): Promise<void> {
  for (const region of hostingRegions) {
    const client = await regions.firstOf(region);
    if (client === undefined) continue;
    const place = keyStores.at(region);
    if (await holdsKeyOf(place, client)) continue;
    const variable = `KEYS_DATABASE_URL_${region}`;
    if (place === keyStores.home) {
      throw new ConfigurationError(
        variable,
        `must be set: KEYS_DATABASE_URL has no keys of clients bound to ${region}`,
      );
    }
    if (!(await holdsKeyOf(keyStores.home, client))) continue;
    const fault = `clients bound to ${region} have their keys in KEYS_DATABASE_URL; leave ${variable} unset`;
    throw new ConfigurationError(variable, fault);
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

/** The variable that names a keys' store. */
const keysVariable = (region?: HostingRegion): string =>
  region === undefined ? 'KEYS_DATABASE_URL' : `KEYS_DATABASE_URL_${region}`;

function regionalKeys({ regionalKeys: settings = {} }: StoreConfig): Array<Address & { region: HostingRegion }> {
  return hostingRegions.flatMap((region) => {
    const { url } = settings[region] ?? {};
    const store = { ...keysStore, variable: keysVariable(region) };
    return url === undefined ? [] : [{ region, url, store }];
  });
}

async function bringUpToDate(source: DataSource, variable: string): Promise<void> {
  const pending = await pendingMigrations(source);
  if (pending.length === 0) return;
  if (dialectOf(source).embedded) await migrate(source);
  else throw new ConfigurationError(variable, `${pending.length} migrations are pending; run: remit migrate`);
}

type MovedStores = Pick<Stores, 'regions' | 'keys' | 'keyStores'>;

/** As {@link bringUpToDate}, where data or keys came back from before a client's secret was replaced. */
async function finishMoves(stores: MovedStores): Promise<void> {
  const { regions, keyStores } = stores;
  const stray = await strayClients(
    regions,
    keyStores.all().map(({ source }) => source),
  );
  if (stray.length === 0) return;
  if (dialectOf(regions.home).embedded) await moveStray(stores, stray);
  else {
    const fault = `rows of ${stray.length} clients are from before their secret was replaced, and nobody finds them`;
    throw new ConfigurationError('DATABASE_URL', `${fault}; run: remit migrate`);
  }
}

/** @returns what was done */
async function moveStray(stores: MovedStores, clients: readonly string[]): Promise<string> {
  const rotation = new ClientSecretRotation({ ...stores, entities: tenantEntities, recorder: unrecorded });
  let left = 0;
  for (const client of clients) left += (await rotation.recover(client)).filter(({ isLeft }) => isLeft).length;
  const but = left > 0 ? `; ${left} rows are not found by an identifier that another row has too` : '';
  return `new indexes for the identifiers of ${clients.length} clients${but}`;
}

/** As {@link bringUpToDate}, for the steps that need keys. */
async function finishKeyedSteps(source: DataSource, keys: KeyStore): Promise<void> {
  for (const { isPending, run, waiting } of keyedSteps) {
    if (!(await isPending(source))) continue;
    if (dialectOf(source).embedded) await run(source, keys);
    else throw new ConfigurationError('DATABASE_URL', `${waiting}; run: remit migrate`);
  }
}
