import type { DataSource } from 'typeorm';
import { denied } from '../identity/request-context';
import { own, tenantSql } from '../tenancy/tenant-sql';
import { categoriesOf, mayWrite, type Person, type PersonRow, personColumns, personOf, type Reach } from './reach';

/** Somebody who has an external id already. */
export interface Holder extends Person {
  readonly rank: number;
}

/** Who has an external id, the first one first. @param digest its blind index */
export async function holdersOf(source: DataSource, client: string, digest: string): Promise<Holder[]> {
  const rows = await tenantSql(source, client).select<PersonRow & { external_id_rank: number }>`
    SELECT ${personColumns}, external_id_rank FROM customer
    WHERE ${own} AND external_id_index = ${digest} ORDER BY external_id_rank`;
  return rows.map((row) => ({ ...personOf(row), rank: Number(row.external_id_rank) }));
}

/** The place of a new holder beside those who are there, and whether it stands beside somebody. */
export interface Place {
  readonly rank: number;
  readonly shared: boolean;
}

/**
 * An external id names one person, as far as anybody may see. Whoever is out of the caller's reach is not told of by a
 * conflict: the new holder stands beside, in a place of its own, and the ledger says so to the client's officer.
 * @param owner who is to have it, where that person is there
 * @throws {GraphQLError} CONFLICT, with the id of the holder
 */
export function placeBeside(holders: readonly Holder[], reach: Reach, owner?: string): Place {
  const others = holders.filter(({ subject }) => subject !== owner);
  const known = others.find((holder) => mayWrite(reach, holder, categoriesOf(['externalId'])));
  if (known) throw externalIdConflict(known.subject);
  const own = holders.find(({ subject }) => subject === owner);
  return { rank: own?.rank ?? (others.at(-1)?.rank ?? -1) + 1, shared: !own && others.length > 0 };
}

export const externalIdConflict = (customerId?: string) =>
  denied.conflict('Another customer has this "externalId" already.', customerId === undefined ? {} : { customerId });
