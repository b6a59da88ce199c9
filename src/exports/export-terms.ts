import { DAY_MS } from '../law/calendar';

/** How long an export waits to be collected. */
const COLLECT_MS = 30 * DAY_MS;
/** How long before its deadline the end of a client stops waiting for its export. */
export const HEADROOM_MS = 7 * DAY_MS;

/** Until when an export can be collected. Nothing of an ending client is destroyed before. */
export const collectableUntil = (readyAt: number, dueAt: number | undefined): number =>
  Math.min(readyAt + COLLECT_MS, dueAt === undefined ? Number.POSITIVE_INFINITY : dueAt - HEADROOM_MS);
