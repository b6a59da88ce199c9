import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * What became of the writes that a request asked for:
 * - NOT_DONE: nothing was committed
 * - DONE: a transaction was committed
 * - UNKNOWN: the connection was lost when a transaction was being committed, so it may have been or not
 */
export type WriteOutcome = 'NOT_DONE' | 'DONE' | 'UNKNOWN';

/** The connection was lost while a change was being made: whether it was made is unknown. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
  readonly code = 'OUTCOME_UNKNOWN';

  constructor(cause: unknown) {
    super('The connection was lost while a change was being made, so it is unknown whether it was made.', { cause });
  }
}

/** Collects the ends of transactions. A tally within another one adds to both. */
export class WriteTally {
  readonly #outer: WriteTally | undefined;
  #outcome: WriteOutcome = 'NOT_DONE';

  constructor(outer: WriteTally | undefined) {
    this.#outer = outer;
  }

  get outcome(): WriteOutcome {
    return this.#outcome;
  }

  note(outcome: Exclude<WriteOutcome, 'NOT_DONE'>): void {
    if (this.#outcome !== 'UNKNOWN') this.#outcome = outcome;
    this.#outer?.note(outcome);
  }
}

const tallies = new AsyncLocalStorage<WriteTally | undefined>();

/** Runs a function. @param run gets the tally of the transactions that end within it */
export function tallyingWrites<T>(run: (tally: WriteTally) => T): T {
  const tally = new WriteTally(tallies.getStore());
  return tallies.run(tally, () => run(tally));
}

/** To be called when a transaction ended otherwise than by being rolled back. */
export function noteWrite(outcome: Exclude<WriteOutcome, 'NOT_DONE'>): void {
  tallies.getStore()?.note(outcome);
}
