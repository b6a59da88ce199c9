import { DAY_MS } from '../../law/calendar';
import type { Regions } from '../../storage/regions';
import { acrossClients } from '../../tenancy/tenant-sql';
import { type ErasureStatus, erasureStatuses } from './erasure-request';
import { isFinal } from './request-state';

/** Figures about open erasures, for monitoring. */
export interface OpenErasures {
  /** How many there are of each status. */
  readonly byStatus: ReadonlyMap<string, number>;
  /** How many are due within the given days, overdue ones included. */
  readonly dueSoon: number;
  readonly overdue: number;
  /** How many are not progressing: they failed repeatedly, have no job, or their job is not taken. */
  readonly stuck: number;
  /** Since when the one waits that has waited longest for an epoch to end, in milliseconds since 1970. */
  readonly awaitingSince: number | undefined;
  /** When the next one is due, in milliseconds since 1970; undefined when none is open. */
  readonly nextDueAt: number | undefined;
}

/** Days before the deadline that count as soon. */
export const NEAR_DAYS = 7;
/** Named one by one, so that an index finds them: most requests of an installation have ended. */
const open = Object.keys(erasureStatuses).filter((status) => !isFinal(status as ErasureStatus));
/** How long a due job may wait for a worker. */
const TAKEN_WITHIN_MS = 15 * 60_000;

/** Counts the open erasures of all regions. Those under a hold count by status only, not as due. */
export async function openErasures(
  regions: Regions,
  now: () => number = Date.now,
  nearDays = NEAR_DAYS,
): Promise<OpenErasures> {
  const byStatus = new Map<string, number>();
  let [dueSoon, overdue, stuck] = [0, 0, 0];
  let nextDueAt: number | undefined;
  let awaitingSince: number | undefined;
  for (const source of regions.all()) {
    const rows = await acrossClients(source).select<{
      status: string;
      n: number;
      soon: number;
      late: number;
      first_due: number;
      first_deleted: number | null;
    }>`
      SELECT status, COUNT(*) AS n, SUM(CASE WHEN due_at < ${now() + nearDays * DAY_MS} THEN 1 ELSE 0 END) AS soon,
      SUM(CASE WHEN due_at < ${now()} THEN 1 ELSE 0 END) AS late, MIN(due_at) AS first_due,
      MIN(CASE WHEN final_at IS NULL THEN key_deleted_at END) AS first_deleted
      FROM erasure_request WHERE status IN (${open}) GROUP BY status`;
    for (const { status, n, soon, late, first_due, first_deleted } of rows) {
      byStatus.set(status, (byStatus.get(status) ?? 0) + Number(n));
      if (status === 'AWAITING_EPOCH' && first_deleted !== null) {
        awaitingSince = Math.min(awaitingSince ?? Number.POSITIVE_INFINITY, Number(first_deleted));
      }
      if (status === 'ON_HOLD' || status === 'PARTIALLY_COMPLETED') continue;
      dueSoon += Number(soon);
      overdue += Number(late);
      nextDueAt = Math.min(nextDueAt ?? Number.POSITIVE_INFINITY, Number(first_due));
    }
    const since = now() - TAKEN_WITHIN_MS;
    // Not one statement: an engine may look through a client's requests for each of them.
    const ending = await acrossClients(source).select<{ client_id: string }>`
      SELECT DISTINCT client_id FROM erasure_request
      WHERE status IN (${open}) AND kind = 'CLIENT' AND pass > 0`;
    // Requests under a hold, and those that the end of their client took over, need no due job. Those that await an
    // epoch have an alert of their own.
    const [row] = await acrossClients(source).select<{ n: number }>`
      SELECT COUNT(*) AS n FROM erasure_request r LEFT JOIN job j ON j.client_id = r.client_id AND j.id = r.id
      WHERE r.status IN ('ATTENTION_REQUIRED', 'RECEIVED', 'IN_PROGRESS') AND (r.status = 'ATTENTION_REQUIRED'
      OR (COALESCE(r.not_before, 0) < ${since} AND (j.id IS NULL OR j.run_at < ${since})
      AND (r.kind = 'CLIENT' OR r.client_id NOT IN (${['', ...ending.map((each) => each.client_id)]}))))`;
    stuck += Number(row?.n ?? 0);
  }
  return { byStatus, dueSoon, overdue, stuck, awaitingSince, nextDueAt };
}

/** How many times the length of an epoch an erasure may wait for its end. The alert RemitEpochLate says the same. */
const PATIENCE = 2;

/**
 * Since when erasures have waited for an epoch of keys that does not end.
 * @param epoch REMIT_EPOCH
 * @returns milliseconds since 1970; undefined where none has waited too long
 */
export function lateEpochSince({ awaitingSince }: OpenErasures, epoch: number | 'off'): number | undefined {
  if (epoch === 'off' || awaitingSince === undefined) return undefined;
  return Date.now() - awaitingSince > PATIENCE * epoch ? awaitingSince : undefined;
}
