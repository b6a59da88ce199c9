import { Column, type DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm';
import { countColumn, idColumn } from '../storage/columns';
import type { Regions } from '../storage/regions';
import { committed, isDuplicate } from '../storage/transaction';

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

/** The versions of scopes kept in one database, one small read by primary key. */
async function versionsIn(dataSource: DataSource, scopes: readonly string[]): Promise<Map<string, number>> {
  const sql = `SELECT scope, version FROM policy_version WHERE scope IN (${scopes.map(() => '?').join(', ')})`;
  // A version that is rolled back comes again for other content, and must not have been seen before.
  const rows = await committed(dataSource, () => dataSource.query<PolicyVersion[]>(sql, [...scopes]));
  return new Map(rows.map(({ scope, version }) => [scope, version]));
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
