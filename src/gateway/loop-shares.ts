import { performance } from 'node:perf_hooks';

/** The process is busy where the event loop was for this part of the last tenth of a second. */
const BUSY = 0.6;
const WINDOW_MS = 100;

/** Divides the time for which the event loop was busy among the operations that run side by side. */
export class LoopShares {
  /** Busy time of the event loop, seen so far; undefined while nobody looks. Milliseconds. */
  #busy: number | undefined;
  #window = { since: 0, busy: 0 };
  /** What each running operation had of it so far. Milliseconds. */
  total = 0;
  isBusy = false;

  /** To be called before the number of operations changes. @param shares how many run */
  divide(shares: number, now: number): void {
    const busy = performance.eventLoopUtilization().active;
    if (this.#busy === undefined) this.#window = { since: now, busy };
    else if (shares > 0) this.total += (busy - this.#busy) / shares;
    this.#busy = busy;
    if (now - this.#window.since < WINDOW_MS) return;
    this.isBusy = busy - this.#window.busy > (now - this.#window.since) * BUSY;
    this.#window = { since: now, busy };
  }

  /** Nobody looks at it until it is divided again: what is busy meanwhile counts for nobody. */
  rest(): void {
    this.#busy = undefined;
    this.isBusy = false;
  }
}
