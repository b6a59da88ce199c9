import { AsyncLocalStorage } from 'node:async_hooks';
import { DataSource, type EntityManager } from 'typeorm';
import { dialectOf } from './dialect';
import { embeddedTransaction } from './embedded-transaction';

/** SQLite has one connection, and TypeORM would run two callers' statements in one transaction: they take turns. */
const turns = new WeakMap<DataSource, Promise<unknown>>();
/** The embedded database whose turn the running call holds. */
const held = new AsyncLocalStorage<DataSource>();

const conflicts = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD', 'ER_ERROR_DURING_COMMIT']);
const duplicates = new Set(['ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY']);
const ATTEMPTS = 5;

/**
 * Runs `work` in a transaction. Where the engine gives up on a conflict (Galera at COMMIT, InnoDB on a deadlock) the
 * whole of it runs again, so it must change nothing but the database.
 * @throws {Error} where the embedded database's transaction would wait for the one that it runs in
 */
export async function inTransaction<T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  if (!dialectOf(dataSource).embedded) return retrying(() => dataSource.transaction(work));
  if (held.getStore() === dataSource) throw new Error('A transaction within a transaction: hand its manager on.');
  return inTurn(dataSource, () => retrying(() => embeddedTransaction(dataSource, work)));
}

/**
 * Runs a read that sees what is committed and no more. On the one connection of the embedded database it waits for the
 * transaction that runs, whose changes it would see before they are rolled back. Inside a transaction it is part of it.
 */
export async function committed<T>(source: DataSource | EntityManager, read: () => Promise<T>): Promise<T> {
  if (!(source instanceof DataSource) || !dialectOf(source).embedded || held.getStore() === source) return read();
  return inTurn(source, read);
}

/** Whether a statement failed because a row of that key, or of that unique value, is there already. */
export function isDuplicate(error: unknown): boolean {
  const code = (error as { driverError?: { code?: string } } | undefined)?.driverError?.code ?? '';
  return duplicates.has(code);
}

function inTurn<T>(dataSource: DataSource, work: () => Promise<T>): Promise<T> {
  const before = turns.get(dataSource) ?? Promise.resolve();
  const mine = before.then(() => held.run(dataSource, work));
  turns.set(
    dataSource,
    mine.catch(() => undefined),
  );
  return mine;
}

async function retrying<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      const code = (error as { driverError?: { code?: string } }).driverError?.code ?? '';
      if (!conflicts.has(code) || attempt === ATTEMPTS) throw error;
    }
  }
}
