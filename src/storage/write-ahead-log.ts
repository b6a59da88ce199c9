import type { DataSource } from 'typeorm';
import { dialectOf } from './dialect';

/** Empties the embedded database's log, which until then holds pages as they were before what was deleted. */
export async function emptyWriteAheadLog(source: DataSource): Promise<void> {
  if (dialectOf(source).embedded) await source.query('PRAGMA wal_checkpoint(TRUNCATE)');
}
