import type { DataSource } from 'typeorm';
import { committed } from '../../storage/transaction';
import { DamagedKeysError } from '../errors';

/** How many clients, or buckets of a client, one statement looks at. */
const TOGETHER = 100;

/** Clients of whom there are keys, each with its own row; null where that is missing. */
const CLIENTS = [
  `SELECT held.client_id, c.client_id AS own FROM (
     SELECT DISTINCT client_id FROM bucket_key WHERE client_id > ? ORDER BY client_id LIMIT ${TOGETHER}
   ) AS held LEFT JOIN client_key AS c ON c.client_id = held.client_id ORDER BY held.client_id`,
  `SELECT held.client_id, c.client_id AS own FROM (
     SELECT DISTINCT client_id FROM subject_key WHERE client_id > ? ORDER BY client_id LIMIT ${TOGETHER}
   ) AS held LEFT JOIN client_key AS c ON c.client_id = held.client_id ORDER BY held.client_id`,
];

/** A client's buckets with somebody in them, each with its own row. */
const BUCKETS = `SELECT held.bucket, b.bucket AS own FROM (
    SELECT DISTINCT bucket FROM subject_key WHERE client_id = ? AND bucket > ? ORDER BY bucket LIMIT ${TOGETHER}
  ) AS held LEFT JOIN bucket_key AS b ON b.client_id = ? AND b.bucket = held.bucket ORDER BY held.bucket`;

/**
 * Looks for clients whose row vanished: nothing opens their keys, and nobody would miss them.
 * @throws DamagedKeysError naming the first one
 */
export async function requireClients(source: DataSource): Promise<void> {
  for (const sql of CLIENTS) {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const rows: Array<{ client_id: string; own: string | null }> = await committed(source, () =>
        source.query(sql, [after]),
      );
      const lost = rows.find(({ own }) => own === null);
      if (lost) throw new DamagedKeysError(lost.client_id, 'its own row is missing in client_key');
      after = rows.length < TOGETHER ? undefined : rows.at(-1)?.client_id;
    }
  }
}

/**
 * Looks for buckets of a living client whose row vanished while somebody is in them.
 * @throws DamagedKeysError naming the first one
 */
export async function requireBuckets(source: DataSource, client: string): Promise<void> {
  for (let after: number | undefined = -1; after !== undefined; ) {
    const rows: Array<{ bucket: number; own: number | null }> = await committed(source, () =>
      source.query(BUCKETS, [client, after, client]),
    );
    const lost = rows.find(({ own }) => own === null);
    if (lost) throw new DamagedKeysError(client, `its bucket ${lost.bucket} is missing in bucket_key`);
    after = rows.length < TOGETHER ? undefined : rows.at(-1)?.bucket;
  }
}
