import type { Fault } from './errors';
import type { MappedRow } from './mapped-row';
import type { Outcome } from './pending-rows';

/** Imports rows of one kind, a batch at a time. */
export interface Importer {
  /** The most database rows that one row of the file becomes. */
  readonly rowsEach: number;
  /**
   * Writes a batch, all or nothing.
   * @returns the outcome of each row, in order
   */
  take(rows: readonly MappedRow[]): Promise<Array<Outcome | Fault>>;
}

export const isFault = (outcome: unknown): outcome is Fault =>
  typeof outcome === 'object' && outcome !== null && 'reason' in outcome;
