import { Column, type DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm';
import { countColumn, idColumn } from '../storage/columns';

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
  if (updated.affected === 0) await manager.insert(PolicyVersion, { scope, version: 1 });
}

/** The versions of scopes, one small read by primary key. */
export async function policyVersions(dataSource: DataSource, scopes: readonly string[]): Promise<Map<string, number>> {
  const rows = await dataSource.query<PolicyVersion[]>(
    `SELECT scope, version FROM policy_version WHERE scope IN (${scopes.map(() => '?').join(', ')})`,
    [...scopes],
  );
  return new Map(rows.map(({ scope, version }) => [scope, version]));
}
