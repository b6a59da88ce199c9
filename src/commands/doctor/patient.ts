import { access } from 'node:fs/promises';
import type { DataSource } from 'typeorm';
import { dataStore, keysStore } from '../../../ormconfig';
import type { Config } from '../../config';
import { openDataSource, type StoreOptions } from '../../storage/data-source';
import { type HostingRegion, hostingRegions, Regions } from '../../storage/regions';
import { parseStoreUrl, type StoreAddress } from '../../storage/store-url';
import { faultsOf } from '../failure';
import { within } from './within';

/** A store of the installation, opened where that was possible. */
export interface Store {
  /** The variable that names it, such as DATABASE_URL. */
  readonly variable: string;
  readonly kind: 'data' | 'keys';
  readonly region?: HostingRegion;
  readonly address: StoreAddress;
  readonly options: StoreOptions;
  readonly source: DataSource | undefined;
  /** Why it is not open. */
  readonly fault: string | undefined;
}

/** A store that is open. */
export type OpenStore = Store & { readonly source: DataSource };

/** A check needs a store that is not open. */
export class NotAtHand extends Error {
  override readonly name = 'NotAtHand';
}

/** What the doctor looks at: the settings, and every store that can be opened. */
export class Patient {
  constructor(
    readonly config: Config,
    readonly stores: readonly Store[],
  ) {}

  /** The stores that are open. */
  get open(): readonly OpenStore[] {
    return this.stores.flatMap((store) => (store.source ? [{ ...store, source: store.source }] : []));
  }

  /** All databases of data. @throws {NotAtHand} where one is not open */
  get regions(): Regions {
    const data = this.stores.filter(({ kind }) => kind === 'data');
    const home = data.find(({ region }) => region === undefined);
    const bound = data.flatMap((store) => (store.region ? [[store.region, sourceOf(store)] as const] : []));
    return new Regions(sourceOf(home), new Map(bound));
  }

  /** The home keys' store. @throws {NotAtHand} */
  get keysSource(): DataSource {
    return sourceOf(this.stores.find(({ kind, region }) => kind === 'keys' && region === undefined));
  }

  /** Every keys' store. @throws {NotAtHand} where one is not open */
  get keysSources(): DataSource[] {
    return this.keysStores.map(({ source }) => source);
  }

  /** Every keys' store with what names it. @throws {NotAtHand} where one is not open */
  get keysStores(): readonly OpenStore[] {
    return this.stores.filter(({ kind }) => kind === 'keys').map((store) => ({ ...store, source: sourceOf(store) }));
  }

  async close(): Promise<void> {
    await Promise.all(this.open.map(({ source }) => within(1_000, source.destroy()).catch(() => undefined)));
  }
}

function sourceOf(store: Store | undefined): DataSource {
  if (store?.source) return store.source;
  throw new NotAtHand(`${store?.variable ?? 'a store'} is not open`);
}

/** Opens every store at once, each within a limit. A store that is away keeps nothing else from being looked at. */
export async function admit(config: Config, limitMs: number): Promise<Patient> {
  const { databaseUrl, keysDatabaseUrl, regionalDatabaseUrls, regionalKeys = {} } = config;
  const regional = Object.entries(regionalDatabaseUrls) as Array<[HostingRegion, string]>;
  const stores = await Promise.all([
    opened({ kind: 'data', url: databaseUrl, options: dataStore }, limitMs),
    ...regional.map(([region, url]) => {
      const options = { ...dataStore, variable: `DATABASE_URL_${region}` };
      return opened({ kind: 'data', region, url, options }, limitMs);
    }),
    opened({ kind: 'keys', url: keysDatabaseUrl, options: keysStore }, limitMs),
    ...hostingRegions.flatMap((region) => {
      const url = regionalKeys[region]?.url;
      const options = { ...keysStore, variable: `KEYS_DATABASE_URL_${region}` };
      return url === undefined ? [] : [opened({ kind: 'keys', region, url, options }, limitMs)];
    }),
  ]);
  return new Patient(config, stores);
}

type Named = Pick<Store, 'kind' | 'region' | 'options'> & { readonly url: string };

async function opened({ url, ...named }: Named, limitMs: number): Promise<Store> {
  const { variable } = named.options;
  const address = parseStoreUrl(url, variable);
  const store = { ...named, variable, address };
  try {
    // Opening would make the file.
    if (address.kind === 'sqlite' && address.path !== ':memory:') await access(address.path);
    const opening = openDataSource(url, named.options);
    try {
      return { ...store, source: await within(limitMs, opening), fault: undefined };
    } catch (error) {
      // It may still open, when nobody waits for it any more.
      void opening.then((late) => late.destroy()).catch(() => undefined);
      throw error;
    }
  } catch (error) {
    return { ...store, source: undefined, fault: faultsOf(error).join('; ') };
  }
}
