import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * What became of a write that was asked for:
 * - NOT_DONE: nothing was committed
 * - DONE: it was committed
 * - PARTLY: some of it was committed, and then the rest failed
 * - UNKNOWN: the connection was lost at COMMIT, so it may have been committed or not
 */
export type WriteOutcome = 'NOT_DONE' | 'DONE' | 'PARTLY' | 'UNKNOWN';

/** The connection was lost while a change was being made: whether it was made is unknown. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
  readonly code = 'OUTCOME_UNKNOWN';

  constructor(cause: unknown) {
    super('The connection was lost while a change was being made, so it is unknown whether it was made.', { cause });
  }
}

/** What came of the transactions of one write, in the order in which they ended. */
class WriteTally {
  #outcome: WriteOutcome = 'NOT_DONE';
  #commits = 0;

  /** How many transactions were committed. */
  get commits(): number {
    return this.#commits;
  }

  get outcome(): WriteOutcome {
    return this.#outcome;
  }

  note(end: TransactionEnd): void {
    if (end === 'DONE') this.#commits++;
    if (this.#outcome === 'UNKNOWN') return;
    if (end === 'UNDONE') this.#outcome = this.#outcome === 'NOT_DONE' ? 'NOT_DONE' : 'PARTLY';
    else this.#outcome = end;
  }
}

/** How a transaction ended: committed, rolled back, or nobody knows. */
export type TransactionEnd = 'DONE' | 'UNDONE' | 'UNKNOWN';

const tallies = new AsyncLocalStorage<WriteTally>();

/** Runs a write. @param run gets what its transactions came to so far */
export function tallyingWrites<T>(run: (tally: Pick<WriteTally, 'outcome'>) => T): T {
  const tally = new WriteTally();
  return tallies.run(tally, () => run(tally));
}

/** How many transactions of the current write were committed so far. */
export const commitsSoFar = (): number => tallies.getStore()?.commits ?? 0;

/** To be called when a transaction has ended. */
export function noteTransaction(end: TransactionEnd): void {
  tallies.getStore()?.note(end);
}

/** What became of several writes together. */
export function togetherOf(outcomes: readonly WriteOutcome[]): WriteOutcome {
  const [first = 'NOT_DONE', ...others] = outcomes;
  if (others.every((outcome) => outcome === first)) return first;
  return outcomes.includes('UNKNOWN') ? 'UNKNOWN' : 'PARTLY';
}
