import { Column, type DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm';
import { countColumn, idColumn } from '../storage/columns';
import { failureOf } from '../storage/failures';
import type { Regions } from '../storage/regions';
import { VersionReader } from './version-reader';

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

const readers = new WeakMap<DataSource, VersionReader>();

function readIn(source: DataSource, scopes: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const reader = readers.get(source) ?? new VersionReader(source);
  readers.set(source, reader);
  return reader.read(scopes);
}

/** The versions that a request sees. */
export interface PolicyVersions {
  readonly register: number;
  readonly client: number;
}

/** The current versions of the register, in the home region, and of a client, in its own region. */
export async function policyVersions(regions: Regions, client: string | undefined): Promise<PolicyVersions> {
  const hosted = client === undefined ? regions.home : await regions.of(client);
  if (client === undefined || hosted === regions.home) {
    const versions = await readIn(regions.home, client === undefined ? [REGISTER] : [REGISTER, client]);
    return { register: versions.get(REGISTER) ?? 0, client: client === undefined ? 0 : (versions.get(client) ?? 0) };
  }
  const [home, region] = await Promise.all([readIn(regions.home, [REGISTER]), readIn(hosted, [client])]);
  return { register: home.get(REGISTER) ?? 0, client: region.get(client) ?? 0 };
}
