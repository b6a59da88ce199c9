import type { DataSource, EntityManager } from 'typeorm';

/** SQLite has one connection, and TypeORM would run two callers' statements in one transaction: they take turns. */
const turns = new WeakMap<DataSource, Promise<unknown>>();

const conflicts = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD', 'ER_ERROR_DURING_COMMIT']);
const ATTEMPTS = 5;

/**
 * Runs `work` in a transaction. Where the engine gives up on a conflict (Galera at COMMIT, InnoDB on a deadlock) the
 * whole of it runs again, so it must change nothing but the database.
 */
export async function inTransaction<T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  if (dataSource.options.type !== 'better-sqlite3') return retrying(dataSource, work);
  const before = turns.get(dataSource) ?? Promise.resolve();
  const mine = before.then(() => dataSource.transaction(work));
  turns.set(
    dataSource,
    mine.catch(() => undefined),
  );
  return mine;
}

async function retrying<T>(dataSource: DataSource, work: (manager: EntityManager) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await dataSource.transaction(work);
    } catch (error) {
      const code = (error as { driverError?: { code?: string } }).driverError?.code ?? '';
      if (!conflicts.has(code) || attempt === ATTEMPTS) throw error;
    }
  }
}
