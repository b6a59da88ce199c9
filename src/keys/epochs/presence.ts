import type { DataSource } from 'typeorm';
import { committed } from '../../storage/transaction';
import { DamagedKeysError } from '../errors';

/** Clients whose keys are there, and who have no row themselves. */
const CLIENTLESS = [
  `SELECT held.client_id FROM (SELECT DISTINCT client_id FROM bucket_key) AS held
   LEFT JOIN client_key AS c ON c.client_id = held.client_id WHERE c.client_id IS NULL LIMIT 1`,
  `SELECT held.client_id FROM (SELECT DISTINCT client_id FROM subject_key) AS held
   LEFT JOIN client_key AS c ON c.client_id = held.client_id WHERE c.client_id IS NULL LIMIT 1`,
];

/** Buckets with subjects, and without a row. What is left of a destroyed client is no damage. */
const BUCKETLESS = `SELECT held.client_id, held.bucket
  FROM (SELECT DISTINCT client_id, bucket FROM subject_key) AS held
  JOIN client_key AS c ON c.client_id = held.client_id AND c.destroyed_at IS NULL
  LEFT JOIN bucket_key AS b ON b.client_id = held.client_id AND b.bucket = held.bucket
  WHERE b.client_id IS NULL LIMIT 1`;

/**
 * Looks for rows of the hierarchy that vanished: nothing opens what they wrapped, and nobody would miss them.
 * @throws DamagedKeysError naming the first one
 */
export async function requireRows(source: DataSource): Promise<void> {
  const first = async <Row>(sql: string) => (await committed(source, () => source.query<Row[]>(sql)))[0];
  for (const sql of CLIENTLESS) {
    const orphan = await first<{ client_id: string }>(sql);
    if (orphan) throw new DamagedKeysError(orphan.client_id, 'its own row is missing in client_key');
  }
  const held = await first<{ client_id: string; bucket: number }>(BUCKETLESS);
  if (held) throw new DamagedKeysError(held.client_id, `its bucket ${held.bucket} is missing in bucket_key`);
}
