import type { Encoding } from './encoding';
import type { Fault } from './errors';
import type { Outcome } from './pending-rows';
import type { Rejects } from './rejects';

/** Why rows or fields were not imported, and how many. */
export interface Reason {
  readonly rejected: 'row' | 'field';
  readonly field?: string;
  readonly reason: string;
  count: number;
}

/** What happened to the file's rows. */
export interface ImportReport {
  read: number;
  /** Rows that the mapping leaves out. */
  skipped: number;
  created: number;
  updated: number;
  unchanged: number;
  /** Rows that were not imported. */
  rejected: number;
  /** Fields that were not imported, of imported rows. */
  rejectedFields: number;
  readonly reasons: Reason[];
  /** Columns of the file that were not used. */
  readonly unmapped: readonly string[];
  readonly encoding: Encoding;
  /** SHA-256 of the file, hex. */
  readonly digest: string;
  /** The import's id, which created rows have. Absent in a dry run. */
  readonly importId?: string;
}

type Counts = Pick<
  ImportReport,
  'read' | 'skipped' | 'created' | 'updated' | 'unchanged' | 'rejected' | 'rejectedFields'
>;

/** Counts rows by outcome, and writes the rejected ones. */
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

  /** @param rejects where rejected rows are written; absent in a dry run */
  constructor(rejects: Rejects | undefined) {
    this.#rejects = rejects;
  }

  /** @param faults of fields, where the row itself was imported */
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
