import { performance } from 'node:perf_hooks';

/** The longest wait for other operations under way. Milliseconds. */
const LIMIT_MS = 10;
/** A process counts as busy from this event loop utilisation on. */
const BUSY = 0.7;

/**
 * Batches the audit entries of concurrent operations. Under load it waits at most 10 ms for operations under way, so
 * that the log is written, signed and flushed once for all of them. When idle it writes at once.
 */
export class BatchWindow {
  #underWay = 0;
  /** Callbacks of waiting batches, one for each log. */
  readonly #waiting = new Set<() => void>();
  readonly #limit: number;
  #usage = performance.eventLoopUtilization();

  /** @param limit milliseconds, replaced in tests */
  constructor(limit = LIMIT_MS) {
    this.#limit = limit;
  }

  /**
   * Announces an operation that will leave an entry.
   * @returns call it once its entry has come, or once it is certain that none will
   */
  join(): () => void {
    this.#underWay++;
    let isUnderWay = true;
    return () => {
      if (!isUnderWay) return;
      isUnderWay = false;
      this.#underWay--;
      if (this.#underWay === 0) for (const complete of this.#waiting) complete();
    };
  }

  /** Resolves when a batch should be written. */
  async gathered(): Promise<void> {
    if (this.#underWay > 0 && this.#isBusy()) await this.#allCome();
    // Entries that have just come still have to reach the queue.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #allCome(): Promise<void> {
    return new Promise((resolve) => {
      const complete = () => {
        clearTimeout(timer);
        this.#waiting.delete(complete);
        resolve();
      };
      const timer = setTimeout(complete, this.#limit);
      this.#waiting.add(complete);
    });
  }

  #isBusy(): boolean {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#usage);
    this.#usage = now;
    return utilization > BUSY;
  }
}
