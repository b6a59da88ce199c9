import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { MINUTE_MS } from '../law/calendar';
import { dialectOf } from './dialect';
import { MigrationLockError } from './errors';
import { failureOf } from './failures';
import { writeStatement } from './write-statement';

/** The table with the lock's only row, beside TypeORM's `migrations`. */
const TABLE = 'migration_lock';
const LEASE_SECONDS = 60;
const RENEW_MS = 15_000;
const RETRY_MS = 100;
const PATIENCE_MS = 10 * MINUTE_MS;

/**
 * Runs `work` while this process holds the database's migration lock. The lock is a row with a lease, since Galera
 * lacks GET_LOCK. A dead holder's lease ends by itself. The database's clock counts: the clocks of two hosts may differ
 * by more than a lease.
 *
 * @throws MigrationLockError after ten minutes of waiting
 */
export async function withMigrationLock<T>(dataSource: DataSource, work: () => Promise<T>): Promise<T> {
  const { now } = dialectOf(dataSource);
  const holder = randomUUID();
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await passing(() => acquire(dataSource, holder)))) {
    if (Date.now() > deadline) throw new MigrationLockError(PATIENCE_MS);
    await sleep(RETRY_MS);
  }
  const lease = (until: string) =>
    writeStatement(dataSource, `UPDATE ${TABLE} SET expires_at = ${until} WHERE id = 1 AND holder = ?`, [holder]);
  const renewal = setInterval(() => {
    // The next renewal comes before the lease ends.
    lease(`${now} + ${LEASE_SECONDS}`).catch(() => undefined);
  }, RENEW_MS).unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await lease('0');
  }
}

async function acquire(dataSource: DataSource, holder: string): Promise<boolean> {
  const { now, insertIgnore } = dialectOf(dataSource);
  await dataSource.query(
    `CREATE TABLE IF NOT EXISTS ${TABLE}
     (id int NOT NULL PRIMARY KEY, holder varchar(36) NOT NULL, expires_at bigint NOT NULL)`,
  );
  const read = async () => {
    const rows = await dataSource.query<{ holder: string; free: number }[]>(
      `SELECT holder, expires_at < ${now} AS free FROM ${TABLE} WHERE id = 1`,
    );
    return rows[0];
  };
  // Read first: SQLite would block a writer, with its whole process, while the holder migrates.
  const found = await read();
  if (found === undefined)
    await dataSource.query(`${insertIgnore} ${TABLE} (id, holder, expires_at) VALUES (1, '', 0)`);
  else if (found.free === 0) return false;
  await dataSource.query(
    `UPDATE ${TABLE} SET holder = ?, expires_at = ${now} + ${LEASE_SECONDS} WHERE id = 1 AND expires_at < ${now}`,
    [holder],
  );
  return (await read())?.holder === holder;
}

async function passing(attempt: () => Promise<boolean>): Promise<boolean> {
  try {
    return await attempt();
  } catch (error) {
    if (failureOf(error) === 'CONFLICT') return false;
    throw error;
  }
}
