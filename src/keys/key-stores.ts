import { LRUCache } from 'lru-cache';
import type { DataSource } from 'typeorm';
import type { HostingRegion, Regions } from '../storage/regions';
import { committed } from '../storage/transaction';
import type { KeyStore } from './key-store';
import { PLATFORM } from './platform-key';
import type { RootKeys } from './roots/root-keys';

/** One of an installation's keys' stores. */
export interface KeysPlace {
  /** By what name operators see it: `keys`, or `keys EU`. */
  readonly name: string;
  /** Undefined at home, which has the keys of the platform and of clients that are bound to no region. */
  readonly region: HostingRegion | undefined;
  readonly source: DataSource;
  readonly roots: RootKeys;
  readonly keys: KeyStore;
}

/**
 * The keys' stores of an installation. A client's keys, its record of erasures and its tombstones are in its region's
 * store only, or at home where its region has no store of its own (statement T1).
 */
export class KeyStores {
  readonly home: KeysPlace;
  readonly #bound: ReadonlyMap<HostingRegion, KeysPlace>;
  readonly #regions: Regions;
  /** A client's region never changes. Sized, as in `Regions`. */
  readonly #byClient = new LRUCache<string, KeysPlace>({ maxSize: 100_000, sizeCalculation: () => 1 });

  constructor(regions: Regions, home: KeysPlace, bound: ReadonlyMap<HostingRegion, KeysPlace> = new Map()) {
    this.#regions = regions;
    this.home = home;
    this.#bound = bound;
  }

  /** Every store once, home first. */
  all(): KeysPlace[] {
    return [this.home, ...this.#bound.values()];
  }

  /** The store with the keys of clients bound to a region. */
  at(region: HostingRegion | undefined): KeysPlace {
    return (region && this.#bound.get(region)) ?? this.home;
  }

  /** The store with a client's keys. */
  async of(client: string): Promise<KeysPlace> {
    if (client === PLATFORM || this.#bound.size === 0) return this.home;
    const known = this.#byClient.get(client);
    if (known) return known;
    const region = await this.#regions.regionOf(client);
    const found = region === undefined ? await this.#holderOf(client) : this.at(region.region);
    if (!found) return this.home;
    this.#byClient.set(client, found);
    return found;
  }

  /** As {@link of}, where it was looked up before. */
  knownOf(client: string): KeysPlace | undefined {
    return client === PLATFORM || this.#bound.size === 0 ? this.home : this.#byClient.get(client);
  }

  /** Says where a new client's keys are, before the directory knows the client. */
  expect(client: string, region: HostingRegion | undefined): KeysPlace {
    const place = this.at(region);
    this.#byClient.set(client, place);
    return place;
  }

  /** The store that had a client's key once, where the directory does not know the client. */
  async #holderOf(client: string): Promise<KeysPlace | undefined> {
    for (const place of this.all()) if (await holdsKeyOf(place, client)) return place;
    return undefined;
  }
}

/** Whether a store has, or had, a client's key. */
export async function holdsKeyOf({ source }: KeysPlace, client: string): Promise<boolean> {
  const sql = 'SELECT 1 AS present FROM client_key WHERE client_id = ?';
  return (await committed(source, () => source.query<unknown[]>(sql, [client]))).length > 0;
}
