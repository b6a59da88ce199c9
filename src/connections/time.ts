import { HOUR_MS, MINUTE_MS } from '../law/calendar';
import { Ambient } from './ambient';

const asked = new Ambient<number>();

/**
 * How long one statement of work may take that nobody waits for. Milliseconds. Statements of requests have the limit
 * of their store's URL.
 */
const STATEMENT_LIMITS = {
  /** Tasks of a server: erasures, exports, deliveries. */
  background: MINUTE_MS / 2,
  /** Commands: imports, census, verification. */
  command: 10 * MINUTE_MS,
  /** A change of a large table. */
  migration: HOUR_MS,
} as const;

/**
 * Runs `work` with more time for its statements, transactions and waits for connections than requests have. It never
 * means less.
 */
export function withMoreTime<T>(work: keyof typeof STATEMENT_LIMITS, run: () => T): T {
  return asked.run(STATEMENT_LIMITS[work], run);
}

/** The limit of a statement here. @param standard the store's limit for requests. Milliseconds */
export function statementLimit(standard: number): number {
  return Math.max(standard, asked.get() ?? 0);
}
