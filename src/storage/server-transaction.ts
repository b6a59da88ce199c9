import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { failureOf } from './failures';
import { OutcomeUnknownError } from './write-outcome';

/** What a transaction came to, and whether it changed anything. */
export interface Transacted<T> {
  readonly result: T;
  readonly wrote: boolean;
}

/** Statements that change no row. */
const READING = /^\s*(?:SELECT|START|COMMIT|ROLLBACK|SET)\b/i;

/**
 * Runs `work` in a transaction of a server, on a connection of its own. A connection whose transaction has not
 * certainly ended is closed, never given back.
 * @throws {OutcomeUnknownError} where COMMIT was sent and its answer did not come
 */
export async function serverTransaction<T>(
  dataSource: DataSource,
  work: (manager: EntityManager, hasWritten: () => boolean) => Promise<T>,
): Promise<Transacted<T>> {
  const runner = dataSource.createQueryRunner();
  let [wrote, isCommitting] = [false, false];
  const query = runner.query.bind(runner);
  Object.assign(runner, {
    query: (sql: string, ...more: []) => {
      wrote ||= !READING.test(sql);
      return query(sql, ...more);
    },
  });
  try {
    await runner.startTransaction();
    const result = await work(runner.manager, () => wrote);
    isCommitting = true;
    await runner.commitTransaction();
    return { result, wrote };
  } catch (error) {
    await rollBack(runner);
    throw isCommitting && wrote && !isRefused(error) ? new OutcomeUnknownError(error) : error;
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
