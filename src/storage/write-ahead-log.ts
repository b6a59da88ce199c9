import type { DataSource } from 'typeorm';
import { dialectOf } from './dialect';
import { committed } from './transaction';

/** Empties the embedded database's log. Until then the log holds pages from before a deletion. */
export async function emptyWriteAheadLog(source: DataSource): Promise<void> {
  if (dialectOf(source).embedded) await committed(source, () => source.query('PRAGMA wal_checkpoint(TRUNCATE)'));
}
