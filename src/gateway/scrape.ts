import { withDeadline } from './deadline';

/** Below the 5 s in which all processes must have reported, and below the time that Prometheus waits. */
const LONGEST_MS = 2_000;

/**
 * What a gauge has to ask a database for, or undefined where that fails or takes too long. A scrape must answer while a
 * database is away or all connections are in use: alerts are needed at that moment.
 */
export function inTime<T>(asked: Promise<T>): Promise<T | undefined> {
  return withDeadline(asked, LONGEST_MS, () => new Error('a scrape does not wait')).catch(() => undefined);
}
