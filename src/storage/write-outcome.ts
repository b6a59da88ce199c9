import { Ambient } from '../connections/ambient';

/**
 * What became of a write that was asked for:
 * - NOT_DONE: nothing was committed
 * - DONE: it was committed
 * - PARTLY: some of it was committed, and the rest failed
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
  /** Parts of the write that take several transactions and have not returned yet. */
  steps = 0;
  #outcome: WriteOutcome = 'NOT_DONE';
  #commits = 0;

  /** How many transactions were committed. */
  get commits(): number {
    return this.#commits;
  }

  get outcome(): WriteOutcome {
    return this.#outcome;
  }

  /** What failed on the way was made up for: it is there already, or was done by something else. */
  settle(): void {
    if (this.#outcome === 'PARTLY') this.#outcome = 'DONE';
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

const tallies = new Ambient<WriteTally>();

/** Runs a write. @param run gets what its transactions came to so far */
export function tallyingWrites<T>(run: (tally: Pick<WriteTally, 'outcome'>) => T): T {
  const tally = new WriteTally();
  return tallies.run(tally, () => run(tally));
}

/** Runs a part of a write, or a write of the product's own, so that its transactions are counted. */
export const countingWrites = <T>(run: () => T): T => (tallies.get() ? run() : tallyingWrites(run));

/** How many transactions of the current write were committed so far. */
export const commitsSoFar = (): number => tallies.get()?.commits ?? 0;

/**
 * To be called where something has failed that was to be done as a whole, even by a read.
 * @param before how many transactions were committed when it began
 * @returns whether a part of it was committed
 */
export function failedSince(before: number): boolean {
  const isPart = commitsSoFar() > before;
  if (isPart) noteTransaction('UNDONE');
  return isPart;
}

/**
 * Runs a write that takes several transactions, or needs more than its transaction. Until it returns, only a part is
 * done. Whoever writes in several steps must say so by this: what an idempotency key tells depends on it.
 */
export async function inSteps<T>(run: () => Promise<T>): Promise<T> {
  const tally = tallies.get();
  const before = commitsSoFar();
  if (tally) tally.steps++;
  try {
    const result = await run();
    tally?.settle();
    return result;
  } catch (error) {
    failedSince(before);
    throw error;
  } finally {
    if (tally) tally.steps--;
  }
}

/** Whether the current write has more to do than the transaction that runs now. */
export const isInSteps = (): boolean => (tallies.get()?.steps ?? 0) > 0;

/** To be called when a transaction has ended. */
export function noteTransaction(end: TransactionEnd): void {
  tallies.get()?.note(end);
}

/** What became of several writes together. */
export function togetherOf(outcomes: readonly WriteOutcome[]): WriteOutcome {
  const [first = 'NOT_DONE', ...others] = outcomes;
  if (others.every((outcome) => outcome === first)) return first;
  return outcomes.includes('UNKNOWN') ? 'UNKNOWN' : 'PARTLY';
}
