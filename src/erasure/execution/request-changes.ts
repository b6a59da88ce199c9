import type { EntityManager } from 'typeorm';
import { own, type Sql, sql, tenantSql } from '../../tenancy/tenant-sql';
import type { KeysDeleted } from '../records/erasure-records';
import type { ErasureStatus } from '../requests/erasure-request';
import type { ErasureRequestState } from '../requests/request-state';

/** What a request says of the keys that were deleted for it. The record in the keys' store decides; this follows it. */
export interface KeysGone {
  readonly deleted: KeysDeleted | null;
  /** When nobody can bring them back, in milliseconds since 1970; null while it is not known. */
  readonly finalAt: number | null;
}

/** Assigns what a request says of deleted keys. */
export const keysGone = ({ deleted, finalAt }: KeysGone): Sql =>
  sql`key_epoch = ${deleted?.epoch ?? null}, key_deleted_at = ${deleted?.at ?? null}, final_at = ${finalAt}`;

/** Sets the status of a request that has not ended, and its pass. */
export async function setStatus(
  manager: EntityManager,
  { client, id, pass }: ErasureRequestState,
  status: ErasureStatus,
  next = pass,
): Promise<void> {
  await tenantSql(manager, client).change`
      UPDATE erasure_request SET status = ${status}, pass = ${next} WHERE ${own} AND id = ${id}
      AND status NOT IN ('CANCELLED', 'COMPLETED')`;
}

/** Sets the status at which a pass stops for now, and what it says of deleted keys. */
export async function setPause(
  manager: EntityManager,
  { client, id }: ErasureRequestState,
  status: ErasureStatus,
  gone: KeysGone,
): Promise<void> {
  await tenantSql(manager, client).change`
      UPDATE erasure_request SET status = ${status}, ${keysGone(gone)} WHERE ${own} AND id = ${id}
      AND status NOT IN ('CANCELLED', 'COMPLETED')`;
}
