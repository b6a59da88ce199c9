import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { type EmbeddedDatabase, embeddedDatabaseOf } from './dialect';

/** How long a single statement waits for the writer of another process. Milliseconds. */
export const BUSY_TIMEOUT_MS = 5_000;
/** How long a transaction waits for the writers of other processes. Milliseconds. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 5;

/**
 * Runs `work` in a transaction of the embedded database that may write from its start. A transaction that begins by
 * reading can no longer write once another process has written. Waiting blocks nothing else in this process.
 *
 * TypeORM's own transaction begins by reading. It also loses track when SQLite rolls back by itself (a full disk, an
 * I/O error): later transactions then seem to commit but are never kept (seen with 1.1.1). So the connection itself is
 * asked at both ends.
 */
export async function embeddedTransaction<T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  const database = embeddedDatabaseOf(dataSource);
  const runner = dataSource.createQueryRunner();
  await begin(database);
  // TypeORM's own transactions, such as a repository's save, then join this one.
  Object.assign(runner, { isTransactionActive: true });
  try {
    const result = await work(runner.manager);
    if (!database.inTransaction) throw new Error('The database has rolled the transaction back by itself.');
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK');
    throw error;
  } finally {
    Object.assign(runner, { isTransactionActive: false });
  }
}

/** @throws {Error} SQLITE_BUSY where others keep writing for too long */
async function begin(database: EmbeddedDatabase): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(LOOK_EVERY_MS)) {
    // SQLite's own wait blocks this process. A transaction here that holds another database's lock could never end.
    database.pragma('busy_timeout = 0');
    try {
      database.exec('BEGIN IMMEDIATE');
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'SQLITE_BUSY' || Date.now() > deadline) throw error;
    } finally {
      database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }
}
