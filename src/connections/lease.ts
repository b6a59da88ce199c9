import type { FieldPacket, PoolConnection } from 'mysql2';
import { isConnectionLost } from './loss';

/** What a lease needs of its pool. */
export interface Lender {
  acquire(): Promise<PoolConnection>;
  /** Runs one statement within its limit. */
  run(connection: PoolConnection, statement: Statement): Promise<[rows: unknown, fields: FieldPacket[]]>;
  /** Ends a connection whose transaction lasts too long. @returns what stops the clock */
  limitTransaction(connection: PoolConnection): () => void;
  release(connection: PoolConnection): void;
  /** @param lost the server refused or lost it: other connections go elsewhere for a while */
  drop(connection: PoolConnection, lost: boolean): void;
}

export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly prepared: boolean;
  /** Its rows are wanted as arrays. */
  readonly asCells?: boolean;
}

const BEGIN = /^\s*(?:START TRANSACTION|BEGIN)\b/i;
const END = /^\s*(?:COMMIT|ROLLBACK)\b(?!\s+TO\b)/i;
const READ = /^\s*(?:SELECT|SHOW)\b/i;
/** For the next transaction of the connection. */
const PREFACE = /^\s*SET TRANSACTION\b/i;

/**
 * A connection while somebody has it. Every statement, TypeORM's too, goes through it. A read outside of a transaction
 * whose connection is lost runs once more on another connection, and so does the beginning of a transaction. A
 * connection with an unfinished transaction is not used again.
 */
export class Lease {
  readonly #lender: Lender;
  #connection: PoolConnection;
  /** Stops the clock of the transaction under way. */
  #transaction: (() => void) | undefined;
  #prefaced = false;
  #lost = false;
  #released = false;

  constructor(lender: Lender, connection: PoolConnection) {
    this.#lender = lender;
    this.#connection = connection;
  }

  /** TypeORM runs statements on what this returns. */
  promise(): { query(sql: string, parameters?: readonly unknown[]): Promise<[unknown, FieldPacket[]]> } {
    return { query: (sql, parameters = []) => this.run({ sql, parameters, prepared: false }) };
  }

  /** TypeORM listens to the errors of a connection that nobody listens to. The pool does. */
  listeners(): readonly unknown[] {
    return [this.#lender];
  }

  async run(statement: Statement): Promise<[rows: unknown, fields: FieldPacket[]]> {
    const { sql } = statement;
    const begins = BEGIN.test(sql);
    const result = await this.#run(statement, this.#mayRunAgain(sql, begins));
    if (begins) this.#transaction ??= this.#lender.limitTransaction(this.#connection);
    else if (PREFACE.test(sql)) this.#prefaced = true;
    else if (this.#transaction && END.test(sql)) this.#endTransaction();
    return result;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    const unfinished = this.#transaction !== undefined;
    this.#endTransaction();
    if (this.#lost || unfinished) this.#lender.drop(this.#connection, this.#lost);
    else this.#lender.release(this.#connection);
  }

  async #run(statement: Statement, again: boolean): Promise<[rows: unknown, fields: FieldPacket[]]> {
    try {
      return await this.#lender.run(this.#connection, statement);
    } catch (error) {
      this.#lost = isConnectionLost(error, !again);
      if (!this.#lost || !again) throw error;
      this.#lender.drop(this.#connection, true);
      this.#connection = await this.#lender.acquire();
      this.#lost = false;
      return this.#run(statement, false);
    }
  }

  #mayRunAgain(sql: string, begins: boolean): boolean {
    if (this.#transaction || this.#prefaced) return false;
    return begins || READ.test(sql) || PREFACE.test(sql);
  }

  #endTransaction(): void {
    this.#transaction?.();
    this.#transaction = undefined;
    this.#prefaced = false;
  }
}
