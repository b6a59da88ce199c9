import { LRUCache } from 'lru-cache';
import type { DataSource } from 'typeorm';
import { ConfigurationError } from './errors';

/** Where personal data may be hosted (T1). */
export const hostingRegions = ['EU', 'US'] as const;
export type HostingRegion = (typeof hostingRegions)[number];

export function isHostingRegion(text: unknown): text is HostingRegion {
  return hostingRegions.some((region) => region === text);
}

/**
 * The databases of an installation. The home database holds the directory of clients and the platform's own register. A
 * client's rows are in its region's database only, or at home where the client is bound to no region.
 */
export class Regions {
  readonly home: DataSource;
  readonly #bound: ReadonlyMap<HostingRegion, DataSource>;
  /** A client's region never changes once it is registered. Sized, since a cache with `max` takes its room at once. */
  readonly #byClient = new LRUCache<string, { region: HostingRegion | undefined }>({
    maxSize: 100_000,
    sizeCalculation: () => 1,
  });

  constructor(home: DataSource, bound: ReadonlyMap<HostingRegion, DataSource> = new Map()) {
    this.home = home;
    this.#bound = bound;
  }

  /** The database with a client's rows. For a client that does not exist it is home, where it has no rows. */
  async of(client: string): Promise<DataSource> {
    const known = await this.regionOf(client);
    return known ? this.at(known.region) : this.home;
  }

  /** The same, at once, for a client whose region is known already. */
  knownOf(client: string): DataSource | undefined {
    const known = this.#byClient.get(client);
    return known && this.at(known.region);
  }

  /** The region that a client is bound to, if it is to any; undefined for a client that does not exist. */
  async regionOf(client: string): Promise<{ readonly region: HostingRegion | undefined } | undefined> {
    const known = this.#byClient.get(client);
    if (known) return known;
    const [row] = await this.home.query<Array<{ region: string | null }>>(
      'SELECT region FROM client WHERE client_id = ?',
      [client],
    );
    if (!row) return undefined;
    const found = { region: isHostingRegion(row.region) ? row.region : undefined };
    this.#byClient.set(client, found);
    return found;
  }

  /** The first client that was bound to a region, or to none; undefined where there is no such client. */
  async firstOf(region: HostingRegion | undefined): Promise<string | undefined> {
    const [row] = await this.home.query<Array<{ client_id: string }>>(
      `SELECT client_id FROM client WHERE ${region === undefined ? 'region IS NULL' : 'region = ?'} ORDER BY client_id LIMIT 1`,
      region === undefined ? [] : [region],
    );
    return row?.client_id;
  }

  /** @throws {ConfigurationError} where the region has no database. Its clients' data never goes elsewhere instead. */
  at(region: HostingRegion | undefined): DataSource {
    if (region === undefined) return this.home;
    const source = this.#bound.get(region);
    if (!source) throw new ConfigurationError(`DATABASE_URL_${region}`, `must be set: clients are bound to ${region}`);
    return source;
  }

  /** Every database once, home first. */
  all(): DataSource[] {
    return [...new Set([this.home, ...this.#bound.values()])];
  }

  /** Every database by the name that operators see: "data" for home, or the region. */
  named(): Array<readonly [name: string, source: DataSource]> {
    return [['data', this.home], ...this.#bound];
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map((source) => source.destroy()));
  }
}
