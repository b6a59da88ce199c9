import type { DataSource } from 'typeorm';
import { denied } from '../identity/request-context';
import { own, tenantSql } from '../tenancy/tenant-sql';
import { categoriesOf, mayWrite, type Person, type PersonRow, personColumns, personOf, type Reach } from './reach';

/** A person who already has an external id. */
export interface Holder extends Person {
  readonly rank: number;
}

/** The people with an external id, in the order of their ranks. @param digests its blind indexes */
export async function holdersOf(source: DataSource, client: string, digests: readonly string[]): Promise<Holder[]> {
  const rows = await tenantSql(source, client).select<PersonRow & { external_id_rank: number }>`
    SELECT ${personColumns}, external_id_rank FROM customer
    WHERE ${own} AND external_id_index IN (${digests}) ORDER BY external_id_rank`;
  return rows.map((row) => ({ ...personOf(row), rank: Number(row.external_id_rank) }));
}

/** The rank of a new holder, and whether other people share the external id. */
export interface Place {
  readonly rank: number;
  readonly shared: boolean;
}

/**
 * Finds a rank for a new holder. To a caller, an external id names one person. A conflict must not reveal a person out
 * of the caller's reach: then both people share the external id under two ranks, and the ledger tells the client's
 * officer.
 * @param owner the existing person who is to have it
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
