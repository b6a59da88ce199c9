import { AsyncResource } from 'node:async_hooks';
import { Column, type DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm';
import { countColumn, idColumn } from '../storage/columns';
import type { Regions } from '../storage/regions';
import { placesFor } from '../storage/sql';
import { runStatement } from '../storage/statements';
import { isDuplicate } from '../storage/transaction';

/** Scope of what belongs to no client: sub-processors, applications. */
export const REGISTER = 'register';

/** Counts changes to what decisions rest on, for one client or for the register: read on every request. */
@Entity('policy_version')
export class PolicyVersion {
  @PrimaryColumn({ ...idColumn })
  scope: string;

  @Column({ ...countColumn })
  version: number;
}

/** Marks that grants, instructions, agreements or the register changed; in the transaction that changes them. */
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
    if (!isDuplicate(error)) throw error;
    await bumpPolicy(manager, scope);
  }
}

interface Asked {
  readonly scopes: readonly string[];
  resolve(versions: ReadonlyMap<string, number>): void;
  reject(error: unknown): void;
}

/**
 * Reads versions of one database for all requests. What is asked for while a read is under way goes together in the
 * next: each asker sees at least what was committed when it asked, and a hundred requests at once are a few reads.
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
    // A version that is rolled back comes again for other content, and must not have been seen before.
    const rows = await runStatement<PolicyVersion[]>(this.#source, sql, scopes);
    return new Map(rows.map(({ scope, version }) => [scope, version]));
  }
}

/** Reads begin in no request's context, above all in no transaction of the one that began it. */
const outside = new AsyncResource('PolicyVersions');
/** The most requests whose versions one read gives. */
const SCOPES_PER_READ = 200;
const readers = new WeakMap<DataSource, VersionReader>();

function versionsIn(source: DataSource, scopes: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const reader = readers.get(source) ?? new VersionReader(source);
  readers.set(source, reader);
  return reader.read(scopes);
}

/** The register's version, and a client's, as they are now; the register is at home, the client where it is hosted. */
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
