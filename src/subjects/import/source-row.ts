import type { Fault } from './errors';

/** One row of a file. */
export interface SourceRow {
  /** The line of the file that the row begins on, from 1. */
  readonly line: number;
  /** About how many bytes of the file were read at the end of the row. */
  readonly end: number;
  readonly content: { readonly value: (column: string) => unknown } | { readonly fault: Fault };
}

/** The longest row, in characters. In a longer one a quote was never closed, and it would fill the memory. */
export const MAX_ROW_LENGTH = 1024 * 1024;
export const tooLong: Fault = { reason: 'is longer than 1 MiB, or opens a quote that is never closed' };
