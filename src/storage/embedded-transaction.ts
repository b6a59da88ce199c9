import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { type EmbeddedDatabase, embeddedDatabaseOf } from './dialect';

/** How long a statement that is a transaction of its own waits for another process's writer. Milliseconds. */
export const BUSY_TIMEOUT_MS = 5_000;
/** How long a transaction waits for the writers of other processes before it fails. Milliseconds. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 5;

/**
 * Runs `work` in a transaction of the embedded database, as its one writer from the start: one that began by reading
 * could not write any more once another process had written. Waiting blocks nothing else in this process.
 *
 * TypeORM's own would begin by reading; and it goes on counting itself inside a transaction that SQLite has rolled back
 * by itself (a full disk, an I/O error), after which later ones are acknowledged and never kept (seen with 1.1.1). So
 * the connection itself is asked, at each end.
 */
export async function embeddedTransaction<T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  const database = embeddedDatabaseOf(dataSource);
  const runner = dataSource.createQueryRunner();
  await begin(database);
  // What TypeORM does of itself, such as a repository's save, joins in instead of beginning its own.
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

/** @throws {Error} SQLITE_BUSY where others keep writing for longer than anybody should */
async function begin(database: EmbeddedDatabase): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(LOOK_EVERY_MS)) {
    // SQLite's own waiting would block this process; and who held another database's lock meanwhile, never let it go.
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
