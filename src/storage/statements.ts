import type { Pool, QueryError } from 'mysql2';
import { DataSource, type EntityManager } from 'typeorm';
import { committed } from './transaction';

/** Statements with more parameters are lists of varying length, unless told: each would be prepared once and never again. */
const PREPARED_PARAMETERS = 8;

/**
 * Runs one statement that is a transaction of its own, or a part of the manager's. On a server it goes straight to the
 * driver: TypeORM's way there costs as much as the statement itself. What is asked again is prepared once a connection.
 * @param preparedUpTo parameters
 * @throws what the driver says, as `driverError`
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

/** Numbers are bound as floating-point ones, and some engines compare no index with those. */
function isPreparable(parameters: readonly unknown[]): parameters is Array<string | Buffer | null> {
  return parameters.every((parameter) => typeof parameter !== 'number');
}

const poolOf = ({ driver }: DataSource): Pool | undefined => (driver as { pool?: Pool }).pool;
