import { openPiece, sealPiece } from './sealed-pieces';
import type { Position } from './table-page';

/** What an export holds of a table, and what it leaves out of it: rows. */
export interface TableCount {
  rows: number;
  /** Of people who are being erased. */
  underErasure: number;
  /** Of people whose key is gone: nobody can read them any more. */
  withoutKey: number;
  /** Rows in it of which a sealed value does not open; that value is null. */
  damaged: number;
}

/** How far an export is: kept with its pieces, in the same transaction, so that whoever goes on repeats nothing. */
export interface Progress {
  /** The piece that comes next. */
  seq: number;
  /** Of all lines so far, as they are downloaded. */
  bytes: number;
  /** Where the next page of the table begins; null at its start. */
  after: Position | null;
  /** Tables with their counts; the last one is under way unless it is done. */
  tables: Record<string, TableCount>;
  done: string[];
  /** Countries whose law covers people in it; '' where none is recorded. Transfers are decided by them. */
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
