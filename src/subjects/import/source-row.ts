import type { Fault } from './errors';

/** One row of a file as it stands there. */
export interface SourceRow {
  /** The line of the file that the row begins on, from 1. */
  readonly line: number;
  /** Where the row ends, in bytes from the file's start, roughly: how far the reading is. */
  readonly end: number;
  readonly content: { readonly value: (column: string) => unknown } | { readonly fault: Fault };
}

/** The longest row, in characters: beyond it a quote was never closed, and the rest of the file would be in memory. */
export const MAX_ROW_LENGTH = 1024 * 1024;
export const tooLong: Fault = { reason: 'is longer than 1 MiB, or opens a quote that is never closed' };
