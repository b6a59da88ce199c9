import { DataSource, type EntityManager } from 'typeorm';
import { Ambient } from '../connections/ambient';
import { joined } from './companions';
import { dialectOf } from './dialect';
import { embeddedTransaction, reopening } from './embedded-transaction';
import { retrying } from './retries';
import { serverTransaction, type Transacted } from './server-transaction';
import { noteTransaction, OutcomeUnknownError } from './write-outcome';

/** SQLite has one connection, so two callers' statements could end up in one transaction. They take turns instead. */
const turns = new WeakMap<DataSource, Promise<unknown>>();
/** The embedded database whose turn the current call holds. */
const held = new Ambient<DataSource>();

/**
 * Runs `work` in a transaction. After a conflict (Galera at COMMIT, InnoDB on a deadlock), and after a connection was
 * lost before COMMIT, all of it runs again, so `work` must change nothing but the database.
 * @throws {OutcomeUnknownError} where the connection was lost at COMMIT
 * @throws {Error} for a transaction within one of the embedded database: it would wait for itself
 */
export async function inTransaction<T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  try {
    const together = joined(dataSource, work);
    const { result, wrote } = await transacted(dataSource, together.work);
    together.settle();
    if (wrote) noteTransaction('DONE');
    return result;
  } catch (error) {
    noteTransaction(error instanceof OutcomeUnknownError ? 'UNKNOWN' : 'UNDONE');
    throw error;
  }
}

/** As {@link inTransaction}, for the product's own bookkeeping: it is no part of what a request asked for. */
export async function repeatable<T>(dataSource: DataSource, work: (manager: EntityManager) => Promise<T>): Promise<T> {
  return (await transacted(dataSource, work)).result;
}

async function transacted<T>(
  dataSource: DataSource,
  work: (manager: EntityManager, hasWritten: () => boolean) => Promise<T>,
): Promise<Transacted<T>> {
  const isUndone = (error: unknown) => !(error instanceof OutcomeUnknownError);
  if (!dialectOf(dataSource).embedded) return retrying(() => serverTransaction(dataSource, work), isUndone);
  if (held.get() === dataSource) throw new Error('A transaction within a transaction: hand its manager on.');
  const attempt = async () => {
    await reopening(dataSource);
    return embeddedTransaction(dataSource, work);
  };
  return inTurn(dataSource, () => retrying(attempt, isUndone));
}

/**
 * Runs a read that sees committed rows only. On the embedded database's one connection it waits for the current
 * transaction, since it would see changes that may be rolled back. Within a transaction it is part of it.
 */
export async function committed<T>(source: DataSource | EntityManager, read: () => Promise<T>): Promise<T> {
  if (!(source instanceof DataSource) || !dialectOf(source).embedded || held.get() === source) return read();
  return inTurn(source, read);
}

function inTurn<T>(dataSource: DataSource, work: () => Promise<T>): Promise<T> {
  const before = turns.get(dataSource) ?? Promise.resolve();
  const mine = before.then(() => held.run(dataSource, () => reopening(dataSource)?.then(work) ?? work()));
  turns.set(
    dataSource,
    mine.catch(() => undefined),
  );
  return mine;
}
