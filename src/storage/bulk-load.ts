import type { DataSource } from 'typeorm';
import { dialectOf } from './dialect';
import { emptyWriteAheadLog } from './write-ahead-log';

/** The embedded database's page cache, in KiB. Writes to an index of digests touch pages all over the file. */
const CACHE_KIB = 128 * 1024;
/** Pages of its log before a checkpoint. A page then goes to the file once for many transactions. */
const LOG_PAGES = 16_384;

/** Tunes the embedded databases among the sources for bulk writes while `work` runs. Servers are left as they are. */
export async function bulkLoading<T>(sources: readonly DataSource[], work: () => Promise<T>): Promise<T> {
  const embedded = [...new Set(sources)].filter((source) => dialectOf(source).embedded);
  const before = new Map<DataSource, { cache: number; log: number }>();
  for (const source of embedded) {
    const [cache] = await source.query<Array<{ cache_size: number }>>('PRAGMA cache_size');
    const [log] = await source.query<Array<{ wal_autocheckpoint: number }>>('PRAGMA wal_autocheckpoint');
    before.set(source, { cache: cache?.cache_size ?? -2_000, log: log?.wal_autocheckpoint ?? 1_000 });
    await source.query(`PRAGMA cache_size = -${CACHE_KIB}`);
    await source.query(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
  }
  try {
    return await work();
  } finally {
    for (const [source, { cache, log }] of before) {
      await source.query(`PRAGMA cache_size = ${cache}`);
      await source.query(`PRAGMA wal_autocheckpoint = ${log}`);
      await emptyWriteAheadLog(source);
    }
  }
}
