import type { Logger } from 'pino';
import { withDeadline } from './deadline';

/** A step in which a process ends. */
export interface Ending {
  /** What it ends, in the log's words. */
  readonly what: string;
  end(): Promise<unknown>;
}

/** What a step may take of the time that is left, so that one that hangs leaves time for those after it. */
const PART = 2 / 3;

/**
 * Ends step by step. A step that fails or takes too long is logged, and the next one begins.
 * @param graceMs the longest that all of them take together
 * @returns whether every step ended well
 */
export async function endInOrder(
  endings: readonly Ending[],
  graceMs: number,
  logger: Pick<Logger, 'error'>,
): Promise<boolean> {
  const last = performance.now() + graceMs;
  let isWell = true;
  for (const [index, { what, end }] of endings.entries()) {
    const left = Math.max(0, last - performance.now());
    const limitMs = Math.round(index === endings.length - 1 ? left : left * PART);
    try {
      await withDeadline(end(), limitMs, () => new Error('ending took too long'));
    } catch (err) {
      isWell = false;
      logger.error({ err, hung: what, limitMs }, `the shutdown goes on without an end of ${what}`);
    }
  }
  return isWell;
}

/** One Ctrl-C may come twice: from the terminal to the whole process group, and from a parent that passes it on. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Takes SIGTERM and SIGINT.
 * @param first called once
 * @param again called at a further signal
 */
export function onEndSignals(first: (signal: string) => void, again: (signal: string) => void): void {
  let since: number | undefined;
  const take = (signal: string) => {
    if (since === undefined) {
      since = performance.now();
      first(signal);
    } else if (performance.now() - since > SAME_SIGNAL_MS) again(signal);
  };
  process.on('SIGTERM', take);
  process.on('SIGINT', take);
}
