import type { Pool, QueryError } from 'mysql2';
import { DataSource, type EntityManager } from 'typeorm';
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
  return new Promise((resolve, reject) => {
    const done = (error: QueryError | null, result: unknown) => {
      if (error) reject(Object.assign(new Error('A statement failed.', { cause: error }), { driverError: error }));
      else resolve(result as T);
    };
    if (parameters.length <= preparedUpTo && isPreparable(parameters)) pool.execute(sql, [...parameters], done);
    else pool.query(sql, [...parameters], done);
  });
}

/** The driver binds numbers as floating point, and some engines use no index for those. */
function isPreparable(parameters: readonly unknown[]): parameters is Array<string | Buffer | null> {
  return parameters.every((parameter) => typeof parameter !== 'number');
}

const poolOf = ({ driver }: DataSource): Pool | undefined => (driver as { pool?: Pool }).pool;
