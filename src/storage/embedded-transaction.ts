import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { type EmbeddedDatabase, embeddedDatabaseOf } from './dialect';
import { failureOf } from './failures';
import type { Transacted } from './server-transaction';
import { OutcomeUnknownError } from './write-outcome';

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
 * asked before and after, and one whose transaction does not end is replaced.
 * @throws {OutcomeUnknownError} where COMMIT failed after it may have reached the disk
 */
export async function embeddedTransaction<T>(
  dataSource: DataSource,
  work: (manager: EntityManager, hasWritten: () => boolean) => Promise<T>,
): Promise<Transacted<T>> {
  const database = embeddedDatabaseOf(dataSource);
  const runner = dataSource.createQueryRunner();
  await begin(database).catch((error: unknown) => {
    // It may have begun all the same.
    rollBack(database);
    throw error;
  });
  // TypeORM's own transactions, such as a repository's save, then join this one.
  Object.assign(runner, { isTransactionActive: true });
  const before = changesIn(database);
  let [wrote, isCommitting] = [false, false];
  try {
    const hasWritten = () => changesIn(database) > before;
    const result = await work(runner.manager, hasWritten);
    if (!database.inTransaction) throw new Error('The database has rolled the transaction back by itself.');
    wrote = hasWritten();
    isCommitting = true;
    database.exec('COMMIT');
    return { result, wrote };
  } catch (error) {
    rollBack(database);
    throw isCommitting && wrote && !isUndone(error) ? new OutcomeUnknownError(error) : error;
  } finally {
    Object.assign(runner, { isTransactionActive: false });
  }
}

/** How many rows a connection has changed so far. */
function changesIn(database: EmbeddedDatabase): number {
  return database.prepare('SELECT total_changes()').pluck().get() as number;
}

/**
 * Replaces the connection where it is closed, or a transaction has not ended in it. To be called between transactions.
 * @returns undefined where it is as it should be
 */
export function reopening(dataSource: DataSource): Promise<void> | undefined {
  const database = embeddedDatabaseOf(dataSource);
  if (database.open && !database.inTransaction) return undefined;
  return dataSource.isInitialized && !database.memory ? reopen(dataSource) : undefined;
}

async function reopen({ driver }: DataSource): Promise<void> {
  await driver.disconnect();
  await driver.connect();
}

/** A connection that cannot roll back is closed; {@link reopening} replaces it. The error to be told came before. */
function rollBack(database: EmbeddedDatabase): void {
  try {
    if (database.inTransaction) database.exec('ROLLBACK');
  } catch {
    database.close();
  }
}

/**
 * Whether a transaction whose COMMIT failed is certainly undone. Where writing to the log has failed, its end is not in
 * there. Where only syncing has failed, the log may be read again after a crash.
 */
function isUndone(error: unknown): boolean {
  const failure = failureOf(error);
  return failure === 'FULL' || failure === 'CONFLICT';
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
