import { DataSource, type EntityManager } from 'typeorm';
import { dialectOf, embeddedDatabaseOf } from './dialect';
import { retrying } from './retries';
import { serverTransaction } from './server-transaction';
import { committed } from './transaction';

/**
 * Runs reads on one connection, in one transaction: they see one state of a database by the default of every engine.
 * Reads of their own may see different states, and behind a balancer even of different nodes.
 * @param read reads only, through the manager that it is given
 */
export function inSnapshot<T>(source: DataSource, read: (manager: EntityManager) => Promise<T>): Promise<T> {
  if (!dialectOf(source).embedded)
    return retrying(
      async () => (await serverTransaction(source, read)).result,
      () => true,
    );
  return committed(source, () => embeddedSnapshot(source, read));
}

/** As {@link inSnapshot}, for reads that take long: they have a connection of their own, so nobody waits for them. */
export async function inLongSnapshot<T>(source: DataSource, read: (manager: EntityManager) => Promise<T>): Promise<T> {
  if (!dialectOf(source).embedded || embeddedDatabaseOf(source).memory) return inSnapshot(source, read);
  const own = await new DataSource(source.options).initialize();
  try {
    return await inSnapshot(own, read);
  } finally {
    await own.destroy();
  }
}

/** Another process may write to the file in between. A transaction that only reads does not see that. */
async function embeddedSnapshot<T>(source: DataSource, read: (manager: EntityManager) => Promise<T>): Promise<T> {
  const database = embeddedDatabaseOf(source);
  if (database.inTransaction) return read(source.manager);
  database.exec('BEGIN');
  try {
    return await read(source.manager);
  } finally {
    if (database.inTransaction) database.exec('COMMIT');
  }
}
