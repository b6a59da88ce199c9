import { type Connection, type ConnectionOptions, createConnection } from 'mysql2';
import type { Dialer } from './dialer';
import type { Host } from './hosts';

/**
 * A session as its server knows it. Its number alone could be another's: of another server behind a balancer, or of the
 * same one after a restart.
 */
export interface ServerSession {
  /** A string where it exceeds 2^53. */
  readonly id: number | string;
  /** Where the server sees its client: address and port, or `localhost` behind a socket. */
  readonly peer: string;
}

/** Pauses before the second and later attempts to reach a host. Milliseconds. */
const PAUSES_MS = [1_000, 5_000, 15_000];

/**
 * Ends sessions on their servers. Servers do not look whether anybody still waits for a statement, and a network that
 * swallows packets swallows the end of a connection too: the statement would go on, and its transaction would keep its
 * locks. Hosts that cannot be reached for a while are left to their own limits.
 */
export class SessionEnder {
  readonly #dialer: Dialer;
  readonly #options: ConnectionOptions;
  readonly #limitMs: number;
  /** What waits to be ended. One connection at a time goes to each host. */
  readonly #waiting = new Map<Host, ServerSession[]>();
  #isClosed = false;

  /** @param limitMs for connecting, and for the whole of what is then said */
  constructor(dialer: Dialer, options: ConnectionOptions, limitMs: number) {
    this.#dialer = dialer;
    this.#options = options;
    this.#limitMs = limitMs;
  }

  /** Returns at once. */
  end(host: Host, session: ServerSession): void {
    const waiting = this.#waiting.get(host);
    if (waiting) waiting.push(session);
    else if (!this.#isClosed) {
      this.#waiting.set(host, [session]);
      this.#attempt(host, 0);
    }
  }

  /** Begins nothing any more. */
  close(): void {
    this.#isClosed = true;
  }

  #attempt(host: Host, failures: number): void {
    this.#endAllOn(host).then(
      () => this.#waiting.delete(host),
      () => {
        const pause = PAUSES_MS[failures];
        if (pause === undefined || this.#isClosed) this.#waiting.delete(host);
        else setTimeout(() => this.#attempt(host, failures + 1), pause).unref();
      },
    );
  }

  async #endAllOn(host: Host): Promise<void> {
    const connection = createConnection({
      ...this.#options,
      connectTimeout: this.#limitMs,
      stream: ({ config }: { config: ConnectionOptions }) => this.#dialer.dial(config, host),
    });
    // What it fails with is told to whoever waits for its answer.
    connection.on('error', () => undefined);
    try {
      for (let left = this.#first(host); left !== undefined; left = this.#first(host)) {
        await this.#endOne(connection, left);
        this.#waiting.get(host)?.shift();
      }
    } finally {
      connection.destroy();
    }
  }

  #first(host: Host): ServerSession | undefined {
    return this.#waiting.get(host)?.[0];
  }

  async #endOne(connection: Connection, { id, peer }: ServerSession): Promise<void> {
    const sql = 'SELECT ID AS id FROM information_schema.PROCESSLIST WHERE ID = ? AND HOST = ?';
    const found = (await this.#ask(connection, sql, [id, peer])) as unknown[];
    if (found.length > 0) await this.#ask(connection, `KILL ${BigInt(id)}`, []);
  }

  #ask(connection: Connection, sql: string, values: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        connection.destroy();
        reject(new Error('no answer'));
      }, this.#limitMs);
      connection.query(sql, values, (error, rows) => {
        clearTimeout(timer);
        if (error && error.errno !== UNKNOWN_SESSION) reject(error);
        else resolve(rows);
      });
    });
  }
}

/** ER_NO_SUCH_THREAD: it has ended by itself. */
const UNKNOWN_SESSION = 1094;
