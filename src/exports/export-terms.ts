import { DAY_MS } from '../law/calendar';

/** How long an export waits to be collected. */
const COLLECT_MS = 30 * DAY_MS;
/** How long before a termination must be done it stops to wait for its export. */
export const HEADROOM_MS = 7 * DAY_MS;

/** Nothing of a client is destroyed before: its export may be collected until then. */
export const collectableUntil = (readyAt: number, dueAt: number | undefined): number =>
  Math.min(readyAt + COLLECT_MS, dueAt === undefined ? Number.POSITIVE_INFINITY : dueAt - HEADROOM_MS);
