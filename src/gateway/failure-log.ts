import type { Logger } from 'pino';
import { failureOf } from '../storage/failures';

/** While a database is away, one line in this time says how often it was missed. Milliseconds. */
const EVERY_MS = 10_000;

interface Outage {
  /** Failures that are not in the log yet. */
  times: number;
  last: unknown;
}

/**
 * Writes failures to the log. A database that is away fails every request: the first failure is written at once, and
 * from then on one line every ten seconds with their number. Other failures are written one by one.
 */
export class FailureLog {
  readonly #logger: Pick<Logger, 'error'>;
  readonly #everyMs: number;
  readonly #outages = new Map<string, Outage>();

  constructor(logger: Pick<Logger, 'error'>, everyMs = EVERY_MS) {
    this.#logger = logger;
    this.#everyMs = everyMs;
  }

  write(err: unknown, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const failure = failureOf(err);
    if (failure !== 'UNAVAILABLE' && failure !== 'FULL') {
      this.#logger.error({ ...fields, err }, message);
      return;
    }
    const outage = this.#outages.get(message);
    if (outage) {
      outage.times++;
      outage.last = err;
      return;
    }
    this.#logger.error({ ...fields, err, failure }, message);
    this.#outages.set(message, { times: 0, last: undefined });
    this.#wait(message);
  }

  #wait(message: string): void {
    setTimeout(() => {
      const { times, last } = this.#outages.get(message) ?? { times: 0, last: undefined };
      this.#outages.delete(message);
      if (times === 0) return;
      this.#logger.error({ err: last, failure: failureOf(last), times }, message);
      this.#outages.set(message, { times: 0, last: undefined });
      this.#wait(message);
    }, this.#everyMs).unref();
  }
}
