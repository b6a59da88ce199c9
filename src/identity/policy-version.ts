import { AsyncResource } from 'node:async_hooks';
import { Column, type DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm';
import { countColumn, idColumn } from '../storage/columns';
import { failureOf } from '../storage/failures';
import type { Regions } from '../storage/regions';
import { placesFor } from '../storage/sql';
import { runStatement } from '../storage/statements';

/** The scope of the register, which belongs to no client: sub-processors, applications. */
export const REGISTER = 'register';

/** Counts changes to the facts behind decisions, for one client or for the register. Read on every request. */
@Entity('policy_version')
export class PolicyVersion {
  @PrimaryColumn({ ...idColumn })
  scope: string;

  @Column({ ...countColumn })
  version: number;
}

/** Counts a change of grants, instructions, agreements or the register. Call it in the transaction that makes it. */
export async function bumpPolicy(manager: EntityManager, scope: string): Promise<void> {
  const updated = await manager
    .createQueryBuilder()
    .update(PolicyVersion)
    .set({ version: () => 'version + 1' })
    .where({ scope })
    .execute();
  if (updated.affected !== 0) return;
  try {
    await manager.insert(PolicyVersion, { scope, version: 1 });
  } catch (error) {
    if (failureOf(error) !== 'DUPLICATE') throw error;
    await bumpPolicy(manager, scope);
  }
}

interface Asked {
  readonly scopes: readonly string[];
  resolve(versions: ReadonlyMap<string, number>): void;
  reject(error: unknown): void;
}

/**
 * Reads versions of one database for all requests. Requests that arrive during a read share the next one. So each sees
 * everything that was committed when it asked, and a hundred concurrent requests take a few reads.
 */
class VersionReader {
  readonly #source: DataSource;
  #waiting: Asked[] = [];
  #reading = false;

  constructor(source: DataSource) {
    this.#source = source;
  }

  read(scopes: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ scopes, resolve, reject });
      if (!this.#reading) outside.runInAsyncScope(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    this.#reading = true;
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.splice(0, SCOPES_PER_READ);
      try {
        const versions = await this.#select([...new Set(asked.flatMap(({ scopes }) => scopes))]);
        for (const one of asked) one.resolve(versions);
      } catch (error) {
        for (const one of asked) one.reject(error);
      }
    }
    this.#reading = false;
  }

  async #select(scopes: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const sql = `SELECT scope, version FROM policy_version WHERE scope IN (${placesFor(scopes)})`;
    // Reads see committed versions only: one that is rolled back would be used again for other content.
    const rows = await runStatement<PolicyVersion[]>(this.#source, sql, scopes);
    return new Map(rows.map(({ scope, version }) => [scope, version]));
  }
}

/** Reads run outside any request's context, and so outside its transactions. */
const outside = new AsyncResource('PolicyVersions');
/** The most requests that share one read. */
const SCOPES_PER_READ = 200;
const readers = new WeakMap<DataSource, VersionReader>();

function versionsIn(source: DataSource, scopes: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const reader = readers.get(source) ?? new VersionReader(source);
  readers.set(source, reader);
  return reader.read(scopes);
}

/** The current versions of the register, in the home region, and of a client, in its own region. */
export async function policyVersions(
  regions: Regions,
  client: string | undefined,
): Promise<{ register: number; client: number }> {
  const hosted = client === undefined ? regions.home : await regions.of(client);
  if (client === undefined || hosted === regions.home) {
    const versions = await versionsIn(regions.home, client === undefined ? [REGISTER] : [REGISTER, client]);
    return { register: versions.get(REGISTER) ?? 0, client: client === undefined ? 0 : (versions.get(client) ?? 0) };
  }
  const [home, region] = await Promise.all([versionsIn(regions.home, [REGISTER]), versionsIn(hosted, [client])]);
  return { register: home.get(REGISTER) ?? 0, client: region.get(client) ?? 0 };
}
