import { openPiece, sealPiece } from './sealed-pieces';
import type { Position } from './table-page';

/** How many rows of a table an export contains and leaves out. */
export interface TableCount {
  rows: number;
  /** Left out: rows of people under erasure. */
  underErasure: number;
  /** Left out: rows of people without a key, which nobody can read. */
  withoutKey: number;
  /** Exported rows with a value that cannot be decrypted, which is null. */
  damaged: number;
}

/**
 * The progress of an export. It is stored in the same transaction as the pieces, so that nothing is repeated after a
 * crash.
 */
export interface Progress {
  /** The number of the next piece. */
  seq: number;
  /** The size of all lines so far. */
  bytes: number;
  /** Where the next page of the table begins; null at its start. */
  after: Position | null;
  /** Counts by table. */
  tables: Record<string, TableCount>;
  done: string[];
  /** Residencies of the people in it, for decisions on transfers; '' for an unknown one. */
  residencies: string[];
}

export const beginning = (): Progress => ({ seq: 0, bytes: 0, after: null, tables: {}, done: [], residencies: [] });

interface Named {
  readonly client: string;
  readonly id: string;
}

export const sealProgress = (key: Buffer, { client, id }: Named, progress: Progress): Buffer =>
  sealPiece(key, client, id, 'progress', Buffer.from(JSON.stringify(progress)));

export const openProgress = (key: Buffer, { client, id }: Named, sealed: Buffer): Progress =>
  JSON.parse(openPiece(key, client, id, 'progress', sealed).toString()) as Progress;

export const rowsIn = ({ tables }: Progress): number => Object.values(tables).reduce((sum, { rows }) => sum + rows, 0);
