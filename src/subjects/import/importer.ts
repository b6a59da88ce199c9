import type { Fault } from './errors';
import type { MappedRow } from './mapped-row';
import type { Outcome } from './pending-rows';

/** Takes rows of one kind in, a batch at a time. */
export interface Importer {
  /** The most database rows that one row of the file becomes. */
  readonly rowsEach: number;
  /**
   * Writes a batch, wholly or not at all.
   * @returns what became of each row, in their order
   */
  take(rows: readonly MappedRow[]): Promise<Array<Outcome | Fault>>;
}

export const isFault = (outcome: unknown): outcome is Fault =>
  typeof outcome === 'object' && outcome !== null && 'reason' in outcome;
