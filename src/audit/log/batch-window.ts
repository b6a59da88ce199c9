import { performance } from 'node:perf_hooks';

/** The longest that a group waits for those under way. Milliseconds. */
const LIMIT_MS = 10;
/** Share of time in which a process that has little to give works. */
const BUSY = 0.7;

/**
 * Lets operations that run side by side leave their entries in one group: a process that is busy loses no time by waiting
 * for those under way, and writes, signs and wakes up once for all of them. One that is not busy waits for nobody.
 */
export class BatchWindow {
  #underWay = 0;
  /** What groups that wait are told by, one for each log. */
  readonly #waiting = new Set<() => void>();
  readonly #limit: number;
  #usage = performance.eventLoopUtilization();

  /** @param limit milliseconds, replaced in tests */
  constructor(limit = LIMIT_MS) {
    this.#limit = limit;
  }

  /** An operation begins that will leave an entry. @returns to be called once its entry has come, or none will */
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

  /** Resolves when a group is to be written. */
  async gathered(): Promise<void> {
    if (this.#underWay > 0 && this.#isBusy()) await this.#allCome();
    // What has come is on its way into the queue.
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
