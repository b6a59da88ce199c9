import { LRUCache } from 'lru-cache';
import type { FieldPacket, PoolConnection, PrepareStatementInfo } from 'mysql2';
import { keepsNoMoreStatements } from './loss';

/** Statements that a connection keeps. A server limits those of all its connections together, to 16,382 by default. */
const MOST = 100;

export type Done = (error: unknown, rows: unknown, fields: FieldPacket[]) => void;
export type Parameters = Array<string | number | Buffer | null>;

/**
 * The prepared statements of a store's connections. To look one up, the driver makes a command that costs as much as
 * the statement does on this side.
 */
export class PreparedStatements {
  readonly #known = new WeakMap<PoolConnection, LRUCache<string, PrepareStatementInfo>>();

  /** The server's number of a statement that the connection knows. */
  numberOf(connection: PoolConnection, sql: string): number | undefined {
    return (this.#known.get(connection)?.get(sql) as Numbered | undefined)?.id;
  }

  prepare(connection: PoolConnection, sql: string, done: (error: Error | null) => void): void {
    connection.prepare(sql, (error, statement) => {
      if (!error) this.#of(connection).set(sql, statement);
      done(error);
    });
  }

  /** Runs one; prepares it where the connection does not know it yet. */
  run(connection: PoolConnection, sql: string, parameters: Parameters, done: Done): void {
    const known = this.#of(connection);
    const statement = known.get(sql);
    if (statement) {
      statement.execute(parameters, done);
      return;
    }
    // The driver prepares it, and tells its listeners of it.
    connection.execute(sql, parameters, (error, rows, fields) => {
      if (keepsNoMoreStatements(error)) {
        connection.query(sql, parameters, done);
        return;
      }
      // It has it by now, and asks no server.
      if (!error) connection.prepare(sql, (failure, prepared) => failure ?? known.set(sql, prepared));
      done(error, rows, fields);
    });
  }

  #of(connection: PoolConnection): LRUCache<string, PrepareStatementInfo> {
    const known = this.#known.get(connection) ?? knownTo(connection);
    this.#known.set(connection, known);
    return known;
  }
}

/** What the driver does not tell of a statement. */
type Numbered = PrepareStatementInfo & { readonly id: number };

const knownTo = (connection: PoolConnection): LRUCache<string, PrepareStatementInfo> =>
  new LRUCache({ max: MOST, dispose: (_statement, sql) => connection.unprepare(sql) });
