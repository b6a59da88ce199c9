import type { ServerLimits } from './limits';

/** An operation that runs this many times as long as it may has stopped, unless others end. */
const TIMES = 3;
/** The shortest time after which anything counts as stopped. Milliseconds. */
const LEAST_MS = 3_000;
/** Background tasks run every second and every minute, so one of them has ended within this time. Milliseconds. */
const BACKGROUND_MS = 15 * 60_000;

/** After how long without any progress operations count as stopped, and a worker as hung. Milliseconds. */
export const stoppedAfterMs = ({ operationMs }: Pick<ServerLimits, 'operationMs'>): number =>
  Math.max(TIMES * operationMs, LEAST_MS);

/** When an operation that runs began, in milliseconds of `performance.now()`. */
export interface RunningOperation {
  readonly since: number;
}

/**
 * Knows whether the process gets on with what it has begun. What keeps the event loop needs no telling: then nothing is
 * answered at all, and the primary of several workers kills one that says nothing.
 */
export class Watchdog {
  readonly #afterMs: number;
  readonly #backgroundIdleMs: () => number;
  /** Operations that run, oldest first. */
  readonly #running = new Set<RunningOperation>();
  #lastEnd = performance.now();

  /** @param backgroundIdleMs for how long no background task has ended a run; 0 where none is to run */
  constructor(limits: Pick<ServerLimits, 'operationMs'>, backgroundIdleMs: () => number = () => 0) {
    this.#afterMs = stoppedAfterMs(limits);
    this.#backgroundIdleMs = backgroundIdleMs;
  }

  begins(operation: RunningOperation): void {
    this.#running.add(operation);
  }

  /** An operation has really ended, answered or not. */
  ended(operation: RunningOperation, now: number): void {
    this.#running.delete(operation);
    this.#lastEnd = now;
  }

  /** Why the process must be restarted; empty where it gets on. */
  faults(): string[] {
    const now = performance.now();
    const [oldest] = this.#running;
    const stoppedMs = oldest === undefined ? 0 : now - Math.max(oldest.since, this.#lastEnd);
    const idleMs = this.#backgroundIdleMs();
    return [
      ...(stoppedMs > this.#afterMs
        ? [`${this.#running.size} operations run, and none of them has ended for ${Math.round(stoppedMs / 1_000)} s`]
        : []),
      ...(idleMs > BACKGROUND_MS ? [`no background task has ended for ${Math.round(idleMs / 60_000)} minutes`] : []),
    ];
  }
}
