/** The longest wait for other operations under way. Milliseconds. */
const LIMIT_MS = 10;
/** Where operations are quick, others are waited for no longer than so many of them take. */
const AS_LONG_AS = 2;
/** An operation that has taken so many times as long as they usually do is not waited for. */
const LATE = 4;
/** The weight of one operation in what is usual. */
const WEIGHT = 1 / 32;

interface Operation {
  readonly since: number;
}

/**
 * Gathers the audit entries of operations that run side by side, so that the log is written, signed and flushed once
 * for all of them. An operation that runs alone waits for nobody, and one that takes long is waited for by nobody.
 */
export class BatchWindow {
  /** Those that are waited for, the oldest first. */
  readonly #coming = new Set<Operation>();
  /** Callbacks of waiting batches, one for each log. */
  readonly #waiting = new Set<() => void>();
  readonly #limit: number;
  /** How long operations take. Milliseconds. */
  #usual: number;

  /** @param limit milliseconds, replaced in tests */
  constructor(limit = LIMIT_MS) {
    this.#limit = limit;
    this.#usual = limit / AS_LONG_AS;
  }

  /**
   * Announces an operation that will leave an entry, and waits in no queue before that.
   * @returns call it once its entry has come, or once it is certain that none will
   */
  join(): () => void {
    const operation = { since: performance.now() };
    this.#coming.add(operation);
    let isUnderWay = true;
    return () => {
      if (!isUnderWay) return;
      isUnderWay = false;
      this.#coming.delete(operation);
      const took = Math.min(performance.now() - operation.since, this.#late);
      this.#usual += WEIGHT * (took - this.#usual);
      if (this.#coming.size === 0) for (const complete of this.#waiting) complete();
    };
  }

  /** Waits for those under way. @returns what resolves when a batch should be written, and what makes it so at once */
  gather(): { readonly gathered: Promise<void>; readonly hurry: () => void } {
    this.#leaveOutLate();
    if (this.#coming.size === 0) return { gathered: Promise.resolve(), hurry: () => undefined };
    let hurry = () => undefined;
    const gathered = new Promise<void>((resolve) => {
      const complete = () => {
        clearTimeout(timer);
        this.#waiting.delete(complete);
        resolve();
        return undefined;
      };
      const timer = setTimeout(complete, Math.min(this.#limit, AS_LONG_AS * this.#usual));
      this.#waiting.add(complete);
      hurry = complete;
    });
    return { gathered, hurry };
  }

  /** The age from which an operation is late. Milliseconds. */
  get #late(): number {
    return this.#limit + LATE * this.#usual;
  }

  #leaveOutLate(): void {
    const before = performance.now() - this.#late;
    for (const operation of this.#coming) {
      if (operation.since > before) return;
      this.#coming.delete(operation);
    }
  }
}
