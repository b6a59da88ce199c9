import type { DataSource } from 'typeorm';
import { dialectOf } from './dialect';
import { failureOf } from './failures';
import { retrying } from './retries';
import { runStatement } from './statements';
import { repeatable } from './transaction';

interface WriteOptions {
  /**
   * It inserts rows under keys that nobody else inserts. Where a repetition fails on them, the lost first one had
   * arrived.
   */
  readonly ownKeys?: boolean;
  /** Statements with up to so many parameters are prepared. By default, none is. */
  readonly preparedUpTo?: number;
}

/**
 * Runs one statement that changes rows, by itself. It is for the product's bookkeeping, such as keys and the ledger;
 * what a request asks for is written by `inTransaction`. The statement runs again after a conflict or a lost
 * connection, so a repetition must change nothing more, as an UPDATE to given values does.
 */
export async function writeStatement(
  source: DataSource,
  sql: string,
  parameters: readonly unknown[] = [],
  { ownKeys = false, preparedUpTo }: WriteOptions = {},
): Promise<void> {
  const { embedded } = dialectOf(source);
  const run = () => {
    if (embedded) return repeatable(source, (manager) => manager.query(sql, [...parameters]));
    if (preparedUpTo === undefined) return source.query<unknown>(sql, [...parameters]);
    return runStatement<unknown>(source, sql, parameters, { preparedUpTo });
  };
  let mayHaveArrived = false;
  const attempt = async () => {
    try {
      await run();
    } catch (error) {
      const failure = failureOf(error);
      if (failure === 'DUPLICATE' && mayHaveArrived && ownKeys) return;
      mayHaveArrived ||= failure === 'UNAVAILABLE';
      throw error;
    }
  };
  await retrying(attempt, () => true);
}
