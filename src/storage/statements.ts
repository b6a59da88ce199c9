import { LRUCache } from 'lru-cache';
import { DataSource, type EntityManager } from 'typeorm';
import { Lease, type Statement } from '../connections/lease';
import type { StorePool } from '../connections/pool';
import type { Cell } from '../connections/statement-packets';
import { dialectOf, type EmbeddedDatabase, embeddedDatabaseOf } from './dialect';
import { poolOf } from './pool-use';
import { committed } from './transaction';

/** A row: its cells, in the order of the statement's columns. */
export type Cells = readonly Cell[];

/** By default, statements with more parameters are not prepared: lists vary in length, so few would be used again. */
const PREPARED_PARAMETERS = 8;
/** As many as a connection to a server keeps. */
const EMBEDDED_STATEMENTS = 100;

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
  return runOn(pool, { sql, parameters: [...parameters], prepared: isPrepared(parameters, preparedUpTo) });
}

/**
 * As {@link runStatement}, for a SELECT: its rows as arrays, without an object for each.
 * @throws an error with the driver's error as `driverError`
 */
export function readCells(
  source: DataSource | EntityManager,
  sql: string,
  parameters: readonly Cell[],
): Promise<readonly Cells[]> {
  const owner = source instanceof DataSource ? source : source.dataSource;
  owner.logger.logQuery(sql, [...parameters]);
  if (dialectOf(owner).embedded) return committed(source, async () => embeddedCells(owner, sql, parameters));
  const prepared = isPrepared(parameters, PREPARED_PARAMETERS);
  const statement = { sql, parameters, prepared, asCells: true };
  if (!(source instanceof DataSource)) return runIn(source, statement);
  const pool = openPool(source);
  if (!prepared) return runOn(pool, statement);
  return new Promise((resolve, reject) => {
    pool.read({ sql, parameters, resolve, reject: (error) => reject(failed(error)) });
  });
}

function openPool(source: DataSource): StorePool {
  const pool = poolOf(source);
  if (!pool) throw failed(new Error('The database is closed.'));
  return pool;
}

async function runOn<T>(pool: StorePool, statement: Statement): Promise<T> {
  try {
    return (await pool.runAlone(statement)) as T;
  } catch (error) {
    throw failed(error);
  }
}

/** On the connection that the manager's transaction has. */
async function runIn<T>({ queryRunner }: EntityManager, statement: Statement): Promise<T> {
  try {
    const lease: unknown = await queryRunner?.connect();
    if (!(lease instanceof Lease)) throw new Error('The manager has no transaction.');
    const [result] = await lease.run(statement);
    return result as T;
  } catch (error) {
    throw failed(error);
  }
}

type EmbeddedStatement = ReturnType<EmbeddedDatabase['prepare']>;
/** Preparing costs as much as a small statement. */
const embeddedStatements = new WeakMap<EmbeddedDatabase, LRUCache<string, EmbeddedStatement>>();

function embeddedCells(source: DataSource, sql: string, parameters: readonly Cell[]): Cells[] {
  try {
    const database = embeddedDatabaseOf(source);
    const known = embeddedStatements.get(database) ?? new LRUCache({ max: EMBEDDED_STATEMENTS });
    embeddedStatements.set(database, known);
    const statement = known.get(sql) ?? database.prepare(sql);
    known.set(sql, statement);
    return asCells(statement, parameters);
  } catch (error) {
    throw failed(error);
  }
}

/** Others may run the same statement (lasting-statements.ts). */
function asCells(statement: EmbeddedStatement, parameters: readonly Cell[]): Cells[] {
  try {
    return statement.raw(true).all(...parameters) as Cells[];
  } finally {
    statement.raw(false);
  }
}

const failed = (error: unknown): Error =>
  Object.assign(new Error('A statement failed.', { cause: error }), { driverError: error });

/** The driver binds numbers as floating point, and some engines use no index for those. */
const isPrepared = <T>(parameters: readonly T[], upTo: number): parameters is ReadonlyArray<Exclude<T, number>> =>
  parameters.length <= upTo && parameters.every((parameter) => typeof parameter !== 'number');
