import type { EntityManager } from 'typeorm';
import { own, tenantSql } from '../../tenancy/tenant-sql';
import type { KeysDeleted } from '../records/erasure-records';
import type { ErasureStatus } from '../requests/erasure-request';
import type { ErasureRequestState } from '../requests/request-state';

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

/** Notes when keys were deleted for a request, and in which epoch. */
export async function setKeysDeleted(
  manager: EntityManager,
  { client, id }: ErasureRequestState,
  { epoch, at }: KeysDeleted,
): Promise<void> {
  await tenantSql(manager, client).change`
      UPDATE erasure_request SET key_epoch = ${epoch}, key_deleted_at = ${at}, final_at = NULL
      WHERE ${own} AND id = ${id}`;
}

/** Notes when nobody can bring the keys back any more that were deleted for a request. */
export async function setFinal(
  manager: EntityManager,
  { client, id, finalAt }: ErasureRequestState,
  at: number | null | undefined,
): Promise<void> {
  if (at === null || at === undefined || at === finalAt) return;
  await tenantSql(manager, client).change`UPDATE erasure_request SET final_at = ${at} WHERE ${own} AND id = ${id}`;
}
