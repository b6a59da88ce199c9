import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { failureOf } from './failures';
import { OutcomeUnknownError } from './write-outcome';

/**
 * Runs `work` in a transaction of a server, on a connection of its own. A connection whose transaction has not
 * certainly ended is closed, never given back.
 * @throws {OutcomeUnknownError} where COMMIT was sent and its answer did not come
 */
export async function serverTransaction<T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  const runner = dataSource.createQueryRunner();
  let isCommitting = false;
  try {
    await runner.startTransaction();
    const result = await work(runner.manager);
    isCommitting = true;
    await runner.commitTransaction();
    return result;
  } catch (error) {
    await rollBack(runner);
    throw isCommitting && !isRefused(error) ? new OutcomeUnknownError(error) : error;
  } finally {
    await runner.release();
  }
}

/** Errors of a server that is read-only. */
const READ_ONLY = new Set<unknown>([1290, 1792, 1836, 1874]);

/** Whether the server itself said that it did not commit. */
function isRefused(error: unknown): boolean {
  const failure = failureOf(error);
  if (failure !== 'UNAVAILABLE') return failure !== undefined;
  return READ_ONLY.has((error as { errno?: unknown }).errno);
}

async function rollBack(runner: QueryRunner): Promise<void> {
  try {
    await runner.rollbackTransaction();
  } catch {
    const connection = await runner.connect().catch(() => undefined);
    (connection as { destroy?(): void } | undefined)?.destroy?.();
  }
}
