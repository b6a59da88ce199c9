import type { DataSource, EntityManager } from 'typeorm';
import { failureOf } from '../storage/failures';
import { retrying } from '../storage/retries';
import { repeatable } from '../storage/transaction';
import { OutcomeUnknownError } from '../storage/write-outcome';

/**
 * Runs a transaction of the keys' store, again where its connection was lost at COMMIT. So a repetition must change
 * nothing more, or look whether the first one arrived.
 * @param work gets whether an earlier attempt may have been committed
 */
export async function settled<T>(
  source: DataSource,
  work: (manager: EntityManager, mayHaveArrived: boolean) => Promise<T>,
): Promise<T> {
  let mayHaveArrived = false;
  const attempt = async () => {
    try {
      return await repeatable(source, (manager) => work(manager, mayHaveArrived));
    } catch (error) {
      mayHaveArrived ||= error instanceof OutcomeUnknownError;
      throw error;
    }
  };
  return retrying(attempt, () => true);
}

/** Runs an insert of rows whose keys nobody else inserts: where they are there, an earlier attempt had arrived. */
export async function insertedOnce(mayHaveArrived: boolean, insert: () => Promise<unknown>): Promise<void> {
  try {
    await insert();
  } catch (error) {
    if (!mayHaveArrived || failureOf(error) !== 'DUPLICATE') throw error;
  }
}

/** An earlier attempt had arrived. This one is rolled back, so that nothing is counted twice. */
export class ArrivedError extends Error {
  override readonly name = 'ArrivedError';
}

/** As {@link insertedOnce}, where the transaction has changed more than it inserts. @throws {ArrivedError} */
export async function insertedHere(mayHaveArrived: boolean, insert: () => Promise<unknown>): Promise<void> {
  try {
    await insert();
  } catch (error) {
    if (mayHaveArrived && failureOf(error) === 'DUPLICATE') throw new ArrivedError();
    throw error;
  }
}
