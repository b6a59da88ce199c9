import { type ConnectionOptions, createPool, type FieldPacket, type Pool, type PoolConnection } from 'mysql2';
import { Dialer } from './dialer';
import { StoreUnavailableError, UnfitServerError } from './errors';
import { describeHost, type Host } from './hosts';
import type { Read } from './lane';
import { type LaneLender, Lanes } from './lanes';
import { Lease, type Lender, type Statement } from './lease';
import { type Parameters, PreparedStatements } from './prepared-statements';
import type { ServerAddress, StoreLimits } from './server-url';
import { type ServerSession, SessionEnder } from './session-ender';
import { statementLimit } from './time';

/** The current connections of a pool. */
export interface PoolCounts {
  readonly used: number;
  readonly idle: number;
  readonly waiting: number;
  readonly limit: number;
}

/** Runs one statement without parameters. @returns its rows */
export type Ask = <T>(sql: string) => Promise<T>;

/** What is known of a session that was prepared. */
export interface PreparedSession {
  /**
   * The statement after which the server itself ends each statement that takes longer, and which stands already for
   * the store's limit. Undefined where the server cannot.
   */
  readonly limitedTo?: (milliseconds: number) => string;
  /** How its server knows it. Undefined where no other session may end it. */
  readonly known?: ServerSession;
  /** Whether it takes statements before it has answered others. */
  readonly pipelines?: boolean;
}

/** What a store does with each new connection before anybody has it. */
export interface Sessions {
  /**
   * @param ask runs a statement on the connection
   * @throws UnfitServerError where the server must not be used
   */
  prepare(
    ask: Ask,
    session: { readonly statementMs: number; readonly severalHosts: boolean },
  ): Promise<PreparedSession>;
}

/** A server that ends statements by itself has so much more time to say so. */
const GRACE_MS = 500;
const IDLE_MS = 60_000;
/** Characters or bytes of a parameter with which a read goes by itself: the driver knows packets of any length. */
const LONG_PARAMETER = 1_000_000;
/** MySQL's capability CLIENT_QUERY_ATTRIBUTES. Statements with it are left to the driver. */
const QUERY_ATTRIBUTES = 0x08000000;
/** A transaction may take this many times as long as a statement. */
const STATEMENTS_PER_TRANSACTION = 6;
/** How long closing waits for statements under way. Milliseconds. */
const CLOSE_MS = 5_000;

/**
 * The connections of a store, in mysql2's pool, with what that lacks: several hosts, a limit for everything that waits,
 * and a prepared session. TypeORM uses it as its driver's pool.
 *
 * mysql2's own time limit is not used. After it, the connection goes back into the pool with its statement under way,
 * and the next one waits behind that without a limit. It does not count while a statement is prepared (seen with
 * 3.24.6).
 */
export class StorePool<S extends Sessions = Sessions> implements Lender {
  readonly sessions: S;
  readonly #pool: Pool;
  readonly #dialer: Dialer;
  readonly #limits: StoreLimits;
  readonly #connections = new Set<PoolConnection>();
  /** Each with the limit that its server holds to now. */
  readonly #prepared = new WeakMap<PoolConnection, PreparedSession & { limitMs: number }>();
  readonly #ender: SessionEnder;
  readonly #leased = new Set<PoolConnection>();
  readonly #statements = new PreparedStatements();
  readonly #lanes: Lanes;
  #waiting = 0;
  /** Whether the driver made the latest caller wait for a connection. */
  #enqueued = false;

  /** @param options of the driver: user, TLS, and how values are read */
  constructor(address: ServerAddress, sessions: S, options: ConnectionOptions) {
    this.sessions = sessions;
    const dialer = new Dialer(address);
    this.#dialer = dialer;
    const { limits } = address;
    this.#limits = { ...limits, statementMs: statementLimit(limits.statementMs) };
    this.#ender = new SessionEnder(dialer, options, limits.connectMs);
    this.#lanes = new Lanes(this.#laneLender());
    this.#pool = createPool({
      ...options,
      connectionLimit: limits.poolSize,
      // With as many as the limit, the driver would close no idle connection.
      maxIdle: Math.max(1, limits.poolSize - 1),
      idleTimeout: IDLE_MS,
      connectTimeout: limits.connectMs,
      gracefulEnd: true,
      stream: ({ config }: { config: ConnectionOptions }) => dialer.dial(config),
    });
    this.#pool.on('connection', (connection) => this.#established(connection));
    this.#pool.on('enqueue', () => {
      this.#enqueued = true;
    });
  }

  counts(): PoolCounts {
    const used = Math.max(0, this.#leased.size - this.#lanes.resting);
    const idle = this.#connections.size - used;
    const { poolSize: limit } = this.#limits;
    // Whoever is about to be given an idle connection, or one that is being opened, does not wait for others.
    const opening = limit - this.#connections.size;
    return { used, idle, waiting: Math.max(0, this.#waiting - idle - opening), limit };
  }

  /** For TypeORM. */
  getConnection(callback: (error: unknown, connection?: Lease) => void): void {
    this.acquire().then((connection) => callback(null, new Lease(this, connection)), callback);
  }

  /** For TypeORM. Ends within a few seconds, whatever is under way. */
  end(callback: () => void): void {
    this.#ender.close();
    const end = () => {
      clearTimeout(timer);
      for (const connection of this.#connections) this.#dialer.wire(connection).socket.destroySoon();
      callback();
    };
    const timer = setTimeout(() => {
      // The driver then calls back.
      for (const connection of this.#connections) this.#dialer.sever(connection, 'the store was closed');
    }, CLOSE_MS);
    this.#pool.end(end);
  }

  /**
   * A connection of the first host that serves. Each is tried, and one of them twice: nothing was sent that may not be
   * sent again.
   * @throws StoreUnavailableError, or the driver's error for the last host
   */
  async acquire(deadline = this.#waitsUntil()): Promise<PoolConnection> {
    for (let tries = this.#dialer.hosts.all.length + 1; ; tries--) {
      try {
        const connection = await this.#usable(deadline);
        this.#leased.add(connection);
        return connection;
      } catch (error) {
        if (tries <= 1 || error instanceof StoreUnavailableError) throw error;
      }
    }
  }

  /** Runs one statement on a connection of its own. @returns its rows */
  async runAlone(statement: Statement, until = this.#waitsUntil()): Promise<unknown> {
    const lease = new Lease(this, await this.acquire(until));
    try {
      const [rows] = await lease.run(statement);
      return rows;
    } finally {
      lease.release();
    }
  }

  /** Runs a read outside of transactions, beside others on one connection. */
  read(asked: Omit<Read, 'until'>): void {
    const { statementMs } = this.#limits;
    const read = { ...asked, until: this.#waitsUntil() };
    const isLong = asked.parameters.some((value) => value !== null && value.length > LONG_PARAMETER);
    if (statementLimit(statementMs) === statementMs && !isLong) this.#lanes.read(read);
    else this.#readAlone(read);
  }

  /** Until when one that comes now waits for a connection. */
  #waitsUntil(): number {
    return Date.now() + statementLimit(this.#limits.waitMs);
  }

  #readAlone({ sql, parameters, until, resolve, reject }: Read): void {
    this.runAlone({ sql, parameters, prepared: true, asCells: true }, until).then(
      (rows) => resolve(rows as Parameters[]),
      reject,
    );
  }

  #laneLender(): LaneLender {
    const { statementMs, queue, poolSize: size } = this.#limits;
    return {
      statements: this.#statements,
      queue,
      size,
      isAskedFor: () => this.#waiting > 0 && this.#leased.size >= size,
      acquire: () => this.acquire(),
      release: (connection) => this.release(connection),
      drop: (connection, lost) => this.drop(connection, lost),
      pipelines: (connection) => {
        const { config, serverCapabilityFlags } = connection as unknown as Capable;
        const isPlain = (Number(config.clientFlags) & serverCapabilityFlags & QUERY_ATTRIBUTES) === 0;
        return isPlain && this.#prepared.get(connection)?.pipelines === true;
      },
      isFit: (connection) => this.#dialer.wire(connection).socket.writable && !this.#isLeaving(connection),
      limit: (connection) => this.#limit(connection, statementMs),
      late: (connection) => this.#late(connection, statementMs),
      alone: (read) => this.#readAlone(read),
    };
  }

  /** The server ends the statement where it can, and otherwise its connection is. */
  async run(
    connection: PoolConnection,
    statement: Statement,
    limitMs = statementLimit(this.#limits.statementMs),
  ): Promise<[rows: unknown, fields: FieldPacket[]]> {
    const session = this.#prepared.get(connection);
    // Mostly it holds to it already.
    const waitMs = session?.limitMs === limitMs ? waitFor(session) : await this.#limit(connection, limitMs);
    return this.#send(connection, statement, limitMs, waitMs);
  }

  /** Has a server hold to a limit, where it can. @returns how long an answer is waited for. Milliseconds */
  async #limit(connection: PoolConnection, limitMs: number): Promise<number> {
    const session = this.#prepared.get(connection);
    if (!session?.limitedTo) return limitMs;
    if (session.limitMs !== limitMs) {
      const sql = session.limitedTo(limitMs);
      await this.#send(connection, { sql, parameters: [], prepared: false }, limitMs, limitMs + GRACE_MS);
      session.limitMs = limitMs;
    }
    return waitFor(session);
  }

  limitTransaction(connection: PoolConnection): () => void {
    const limitMs = STATEMENTS_PER_TRANSACTION * statementLimit(this.#limits.statementMs);
    const why = `a transaction took longer than ${limitMs / 1_000} s`;
    const timer = setTimeout(() => this.#sever(connection, why), limitMs);
    return () => clearTimeout(timer);
  }

  release(connection: PoolConnection): void {
    this.#leased.delete(connection);
    this.#rest(connection);
  }

  drop(connection: PoolConnection, lost: boolean): void {
    const { host, socket } = this.#dialer.wire(connection);
    this.#forget(connection);
    connection.destroy();
    socket.destroy();
    if (!lost) return;
    this.#dialer.hosts.failed(host);
    this.#pingIdle();
  }

  /** @param waitMs how long its answer is waited for */
  #send(
    connection: PoolConnection,
    { sql, parameters, prepared, asCells = false }: Statement,
    limitMs: number,
    waitMs: number,
  ): Promise<[rows: unknown, fields: FieldPacket[]]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#late(connection, limitMs), waitMs);
      const done = (error: unknown, rows: unknown, fields: FieldPacket[]) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve([rows, fields]);
      };
      try {
        // A connection has one statement at a time, and the driver reads this as it begins.
        connection.config.rowsAsArray = asCells;
        if (prepared) this.#statements.run(connection, sql, parameters as Parameters, done);
        else connection.query({ sql, rowsAsArray: asCells }, [...parameters], done);
      } catch (error) {
        clearTimeout(timer);
        reject(error);
      }
    });
  }

  #late(connection: PoolConnection, limitMs: number): void {
    this.#sever(connection, `a statement took longer than ${limitMs / 1_000} s`);
    this.#pingIdle();
  }

  /** Ends a connection here, and its session with what it runs on the server, which may not notice. */
  #sever(connection: PoolConnection, why: string): void {
    const { host } = this.#dialer.wire(connection);
    const known = this.#prepared.get(connection)?.known;
    this.#dialer.sever(connection, why);
    if (known) this.#ender.end(host, known);
  }

  async #usable(deadline: number): Promise<PoolConnection> {
    for (;;) {
      const connection = await this.#next(deadline);
      // Closed by the server, which the driver has not noticed yet.
      if (!this.#dialer.wire(connection).socket.writable) this.drop(connection, false);
      else if (this.#prepared.has(connection)) return connection;
      else return this.#prepare(connection);
    }
  }

  #next(deadline: number): Promise<PoolConnection> {
    // Nobody waits while a connection has no work.
    if (this.#leased.size >= this.#limits.poolSize) this.#lanes.makeRoom();
    return new Promise((resolve, reject) => {
      if (this.#waiting >= this.#limits.queue) throw new StoreUnavailableError('too many wait for a connection');
      let timer: NodeJS.Timeout | undefined;
      let late = false;
      const done = () => {
        if (!late) this.#waiting--;
        clearTimeout(timer);
      };
      this.#waiting++;
      this.#enqueued = false;
      const dialled: Host | undefined = this.#dialer.dialledBy(() =>
        this.#pool.getConnection((error, connection) => {
          done();
          if (error && dialled) this.#dialer.hosts.failed(dialled);
          if (error) reject(error);
          else if (late) this.#rest(connection);
          else resolve(connection);
        }),
      );
      // An idle connection needs no waiting.
      if (!dialled && !this.#enqueued) return;
      timer = setTimeout(
        () => {
          done();
          late = true;
          reject(new StoreUnavailableError('no connection became free in time'));
        },
        Math.max(0, deadline - Date.now()),
      );
    });
  }

  async #prepare(connection: PoolConnection): Promise<PoolConnection> {
    const { host } = this.#dialer.wire(connection);
    const ask: Ask = async <T>(sql: string) => {
      const { connectMs } = this.#limits;
      const [rows] = await this.#send(connection, { sql, parameters: [], prepared: false }, connectMs, connectMs);
      return rows as T;
    };
    try {
      const severalHosts = this.#dialer.hosts.all.length > 1;
      const { statementMs } = this.#limits;
      const session = await this.sessions.prepare(ask, { statementMs, severalHosts });
      this.#prepared.set(connection, { ...session, limitMs: statementMs });
    } catch (error) {
      this.drop(connection, true);
      const unfit = error instanceof StoreUnavailableError ? new UnfitServerError('does not answer in time') : error;
      throw unfit instanceof UnfitServerError ? unfit.of(describeHost(host)) : unfit;
    }
    this.#dialer.hosts.worked(host);
    return connection;
  }

  #established(connection: PoolConnection): void {
    // The driver may report an error twice, and the first one takes its own listeners away.
    connection.on('error', () => undefined);
    this.#connections.add(connection);
    this.#dialer.wire(connection).socket.once('close', () => this.#forget(connection));
  }

  /** Gives a connection back, or closes it where its host has failed. */
  #rest(connection: PoolConnection): void {
    if (this.#isLeaving(connection)) this.drop(connection, false);
    else connection.release();
  }

  #isLeaving(connection: PoolConnection): boolean {
    return this.#dialer.hosts.isLeftAlone(this.#dialer.wire(connection).host);
  }

  #forget(connection: PoolConnection): void {
    this.#connections.delete(connection);
    this.#leased.delete(connection);
  }

  /** After one connection was lost, the idle ones show whether they are alive, before anybody gets them. */
  #pingIdle(): void {
    for (let idle = this.counts().idle; idle > 0; idle--) {
      this.#pool.getConnection((error, connection) => {
        if (error) return;
        if (this.#isLeaving(connection)) {
          this.drop(connection, false);
          return;
        }
        const timer = setTimeout(() => this.#sever(connection, 'it answered no ping'), this.#limits.connectMs);
        connection.ping((failed) => {
          clearTimeout(timer);
          if (failed) this.drop(connection, false);
          else this.#rest(connection);
        });
      });
    }
  }
}

/** What the driver's types leave out. */
interface Capable {
  readonly config: { readonly clientFlags?: number };
  readonly serverCapabilityFlags: number;
}

/** A server that ends statements by itself has some more time to say so. */
const waitFor = ({ limitedTo, limitMs }: PreparedSession & { limitMs: number }): number =>
  limitedTo ? limitMs + GRACE_MS : limitMs;
