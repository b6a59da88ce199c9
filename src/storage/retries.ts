import { setTimeout as sleep } from 'node:timers/promises';
import { failureOf } from './failures';

/** How long repetitions may go on after the first attempt began. Milliseconds. */
const PATIENCE_MS = 2_000;
/** Pauses are random, so that those who collided do not collide again. The longest possible one doubles each time. */
const [LEAST_PAUSE_MS, FIRST_PAUSE_MS, MOST_PAUSE_MS] = [5, 20, 200];
/** Asking a database that is away twice more finds the next node of a cluster. More would only keep callers. */
const MOST_RECONNECTIONS = 2;

/**
 * Repeats what a competing transaction or a lost connection undid.
 * @param isUndone whether an attempt that failed because the database was away has changed nothing, or would change
 *   nothing more when it is repeated
 */
export async function retrying<T>(
  attempt: (repetition: number) => Promise<T>,
  isUndone: (error: unknown) => boolean,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  let reconnections = 0;
  for (let repetition = 0; ; repetition++) {
    try {
      return await attempt(repetition);
    } catch (error) {
      const failure = failureOf(error);
      const isAway = failure === 'UNAVAILABLE' && isUndone(error) && reconnections++ < MOST_RECONNECTIONS;
      const pause = pauseBefore(repetition);
      if ((failure !== 'CONFLICT' && !isAway) || performance.now() + pause > deadline) throw error;
      await sleep(pause);
    }
  }
}

function pauseBefore(repetition: number): number {
  const most = Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** repetition);
  return LEAST_PAUSE_MS + Math.random() * (most - LEAST_PAUSE_MS);
}
