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
export function policyVersions(regions: Regions, client: string | undefined): Promise<PolicyVersions> {
  if (client === undefined) return readIn(regions.home, [REGISTER]).then((read) => versionsFrom(read, undefined));
  const hosted = regions.knownOf(client);
  if (hosted) return versionsAt(regions, client, hosted);
  return regions.of(client).then((found) => versionsAt(regions, client, found));
}

const versionsFrom = (read: ReadonlyMap<string, number>, client: string | undefined): PolicyVersions => ({
  register: read.get(REGISTER) ?? 0,
  client: client === undefined ? 0 : (read.get(client) ?? 0),
});

async function versionsAt(regions: Regions, client: string, hosted: DataSource): Promise<PolicyVersions> {
  if (hosted === regions.home) return versionsFrom(await readIn(hosted, [REGISTER, client]), client);
  const [home, region] = await Promise.all([readIn(regions.home, [REGISTER]), readIn(hosted, [client])]);
  return { register: home.get(REGISTER) ?? 0, client: region.get(client) ?? 0 };
}
