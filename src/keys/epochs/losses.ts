import type { DataSource, EntityManager } from 'typeorm';
import { committed } from '../../storage/transaction';

/** How many buckets one statement counts: each is a short range of an index. */
const TOGETHER = 1_000;
const CLIENTS_TOGETHER = 100;
/** The highest number that a bucket can have. */
const HIGHEST = 2 ** 31 - 1;

interface ClientBuckets {
  readonly client_id: string;
  readonly buckets: number;
}

/** How many subjects were put into a bucket since its key was made, and how many are left. */
export interface BucketCount {
  readonly bucket: number;
  readonly members: number;
  /** Above 0 where its key is to be replaced all the same. */
  readonly marked: number;
  readonly living: number;
}

/** How many destroyed subjects a bucket's key has wrapped. A bucket that is marked for another reason counts one. */
export const lostOf = ({ members, marked, living }: Omit<BucketCount, 'bucket'>): number =>
  Math.max(Number(members) - living, Number(marked), 0);

/** Whether a bucket's key has wrapped somebody who was destroyed, or has to be replaced for another reason. */
export const hasLost = ({ members, marked, living }: Omit<BucketCount, 'bucket'>): boolean =>
  Number(marked) > 0 || Number(members) !== living;

/**
 * How many subjects are left in a client's buckets; those without any are left out. To be read before the buckets'
 * rows: a subject that comes in between then looks like a loss, and hides none.
 * @param first the first bucket's number; `last` the last one's
 */
export async function countLiving(
  source: DataSource | EntityManager,
  client: string,
  first: number,
  last: number,
): Promise<Map<number, number>> {
  const rows = await committed(source, () =>
    source.query<Array<{ bucket: number; n: number }>>(
      `SELECT bucket, COUNT(*) AS n FROM subject_key WHERE client_id = ? AND bucket >= ? AND bucket <= ?
       GROUP BY bucket`,
      [client, first, last],
    ),
  );
  return new Map(rows.map(({ bucket, n }) => [Number(bucket), Number(n)]));
}

/**
 * Whether one of a client's buckets lost somebody, or its row. A bucket whose row vanished may have wrapped anybody.
 * @param buckets how many were made for the client
 */
export async function hasLosses(source: DataSource, client: string, buckets: number): Promise<boolean> {
  for (let first = 1; ; first += TOGETHER) {
    const end = Math.min(first + TOGETHER - 1, buckets);
    // A client's row that was put back may have counted fewer than there are.
    const last = end === buckets ? HIGHEST : end;
    const living = await countLiving(source, client, first, last);
    const rows = await committed(source, () =>
      source.query<Array<Omit<BucketCount, 'living'>>>(
        'SELECT bucket, members, marked FROM bucket_key WHERE client_id = ? AND bucket >= ? AND bucket <= ?',
        [client, first, last],
      ),
    );
    if (rows.filter(({ bucket }) => Number(bucket) <= end).length < end - first + 1) return true;
    if (rows.some((row) => hasLost({ ...row, living: living.get(Number(row.bucket)) ?? 0 }))) return true;
    if (last === HIGHEST) return false;
  }
}

/** As {@link hasLosses}, of any living client in a store. */
export async function haveLosses(source: DataSource): Promise<boolean> {
  const sql = `SELECT client_id, buckets FROM client_key WHERE client_id > ? AND destroyed_at IS NULL
               ORDER BY client_id LIMIT ${CLIENTS_TOGETHER}`;
  for (let after = ''; ; ) {
    const rows = await committed(source, () => source.query<ClientBuckets[]>(sql, [after]));
    for (const { client_id: client, buckets } of rows)
      if (await hasLosses(source, client, Number(buckets))) return true;
    if (rows.length < CLIENTS_TOGETHER) return false;
    after = rows.at(-1)?.client_id ?? '';
  }
}
