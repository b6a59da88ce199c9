import { committed } from '../storage/transaction';
import type { ErasureParts } from './parts';

/** Open erasures, as somebody who watches them wants to know them. */
export interface OpenErasures {
  /** How many are of each status. */
  readonly byStatus: ReadonlyMap<string, number>;
  /** How many must be done within the days asked for, overdue ones included. */
  readonly dueSoon: number;
  readonly overdue: number;
  /** When the next one must be done, in milliseconds since 1970; undefined where none is open. */
  readonly nextDueAt: number | undefined;
}

const DAY_MS = 86_400_000;
/** Days before its end in which a term is near. */
export const NEAR_DAYS = 7;
const OPEN = "status NOT IN ('CANCELLED', 'COMPLETED')";

/** Counts the open erasures of every region. Held ones are counted by status, and are nobody's delay. */
export async function openErasures({ regions, now }: ErasureParts, nearDays = NEAR_DAYS): Promise<OpenErasures> {
  const byStatus = new Map<string, number>();
  let [dueSoon, overdue] = [0, 0];
  let nextDueAt: number | undefined;
  for (const source of regions.all()) {
    const rows = await committed(source, () =>
      source.query<Array<{ status: string; n: number; soon: number; late: number; next: number }>>(
        `SELECT status, COUNT(*) AS n, SUM(CASE WHEN due_at < ? THEN 1 ELSE 0 END) AS soon,
         SUM(CASE WHEN due_at < ? THEN 1 ELSE 0 END) AS late, MIN(due_at) AS next
         FROM erasure_request WHERE ${OPEN} GROUP BY status`,
        [now() + nearDays * DAY_MS, now()],
      ),
    );
    for (const { status, n, soon, late, next } of rows) {
      byStatus.set(status, (byStatus.get(status) ?? 0) + Number(n));
      if (status === 'ON_HOLD' || status === 'PARTIALLY_COMPLETED') continue;
      dueSoon += Number(soon);
      overdue += Number(late);
      nextDueAt = Math.min(nextDueAt ?? Number.POSITIVE_INFINITY, Number(next));
    }
  }
  return { byStatus, dueSoon, overdue, nextDueAt };
}
