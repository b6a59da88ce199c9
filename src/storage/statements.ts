import { DataSource, type EntityManager } from 'typeorm';
import { Lease, type Statement } from '../connections/lease';
import type { StorePool } from '../connections/pool';
import { poolOf } from './pool-use';
import { committed } from './transaction';

/** By default, statements with more parameters are not prepared: lists vary in length, so few would be used again. */
const PREPARED_PARAMETERS = 8;

/**
 * Runs one statement by itself, or within a manager's transaction. On a server it goes straight to the driver, since
 * TypeORM's overhead costs as much as the statement. Repeated statements are prepared once for each connection.
 * @param preparedUpTo the most parameters of a prepared statement
 * @throws an error with the driver's error as `driverError`
 */
export function runStatement<T>(
  source: DataSource | EntityManager,
  sql: string,
  parameters: readonly unknown[],
  { preparedUpTo = PREPARED_PARAMETERS }: { readonly preparedUpTo?: number } = {},
): Promise<T> {
  const pool = source instanceof DataSource ? poolOf(source) : undefined;
  if (!pool) return committed(source, () => source.query<T>(sql, [...parameters]));
  (source as DataSource).logger.logQuery(sql, [...parameters]);
  const prepared = parameters.length <= preparedUpTo && isPreparable(parameters);
  return runOn(pool, { sql, parameters: [...parameters], prepared });
}

async function runOn<T>(pool: StorePool, statement: Statement): Promise<T> {
  let lease: Lease | undefined;
  try {
    lease = new Lease(pool, await pool.acquire());
    const [result] = await lease.run(statement);
    return result as T;
  } catch (error) {
    throw Object.assign(new Error('A statement failed.', { cause: error }), { driverError: error });
  } finally {
    lease?.release();
  }
}

/** The driver binds numbers as floating point, and some engines use no index for those. */
function isPreparable(parameters: readonly unknown[]): boolean {
  return parameters.every((parameter) => typeof parameter !== 'number');
}
