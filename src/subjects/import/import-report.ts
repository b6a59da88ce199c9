import type { Encoding } from './encoding';
import type { Fault } from './errors';
import type { Outcome } from './pending-rows';
import type { Rejects } from './rejects';

/** Why rows, or fields of others, were not taken in, and how many. */
export interface Reason {
  readonly rejected: 'row' | 'field';
  readonly field?: string;
  readonly reason: string;
  count: number;
}

/** What became of the file's rows. */
export interface ImportReport {
  read: number;
  /** Rows of somebody else, whom the mapping leaves out. */
  skipped: number;
  created: number;
  updated: number;
  unchanged: number;
  /** Rows that were not taken in. */
  rejected: number;
  /** Fields that were not, of rows that were. */
  rejectedFields: number;
  readonly reasons: Reason[];
  /** Columns of the file that nothing was taken from. */
  readonly unmapped: readonly string[];
  readonly encoding: Encoding;
  /** SHA-256 of the file, hex. */
  readonly digest: string;
  /** What created rows name as the import that they came with; absent of a dry run. */
  readonly importId?: string;
}

type Counts = Pick<
  ImportReport,
  'read' | 'skipped' | 'created' | 'updated' | 'unchanged' | 'rejected' | 'rejectedFields'
>;

/** Counts what becomes of rows, and writes down what was not taken in. */
export class Tally {
  readonly counts: Counts = {
    read: 0,
    skipped: 0,
    created: 0,
    updated: 0,
    unchanged: 0,
    rejected: 0,
    rejectedFields: 0,
  };
  readonly #reasons = new Map<string, Reason>();
  readonly #rejects: Rejects | undefined;

  /** @param rejects where lines are written that were not taken in; nowhere in a dry run */
  constructor(rejects: Rejects | undefined) {
    this.#rejects = rejects;
  }

  /** @param faults of its fields, where the row was taken in */
  async add(line: number, outcome: Outcome | Fault, faults: readonly Fault[]): Promise<void> {
    this.counts.read++;
    if (typeof outcome !== 'string') {
      this.counts.rejected++;
      return this.#reject(line, 'row', outcome);
    }
    this.counts[outcome]++;
    for (const fault of faults) {
      this.counts.rejectedFields++;
      await this.#reject(line, 'field', fault);
    }
  }

  /** Counts a row that the mapping leaves out. */
  skip(): void {
    this.counts.read++;
    this.counts.skipped++;
  }

  /** The most frequent first. */
  get reasons(): Reason[] {
    return [...this.#reasons.values()].sort((one, other) => other.count - one.count);
  }

  async #reject(line: number, rejected: 'row' | 'field', fault: Fault): Promise<void> {
    const { field, reason } = fault;
    const key = `${rejected} ${field} ${reason}`;
    const known = this.#reasons.get(key);
    if (known) known.count++;
    else this.#reasons.set(key, { rejected, ...(field === undefined ? {} : { field }), reason, count: 1 });
    await this.#rejects?.add(line, fault);
  }
}
