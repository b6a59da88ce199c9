import type { PoolConnection } from 'mysql2';
import { StoreUnavailableError } from './errors';
import { Lane, type LaneOwner, type Read } from './lane';
import { isConnectionLost, keepsNoMoreStatements } from './loss';
import type { PreparedStatements } from './prepared-statements';

/** What lanes need of their pool. */
export interface LaneLender {
  readonly statements: PreparedStatements;
  /** How many reads may wait for a connection. */
  readonly queue: number;
  readonly size: number;
  /** Whether somebody waits for a connection that others have. */
  isAskedFor(): boolean;
  acquire(): Promise<PoolConnection>;
  release(connection: PoolConnection): void;
  drop(connection: PoolConnection, lost: boolean): void;
  /** Whether the server takes statements before it has answered others. */
  pipelines(connection: PoolConnection): boolean;
  /** Whether a connection may be used further. */
  isFit(connection: PoolConnection): boolean;
  /** Has the server hold to the store's limit. @returns how long an answer is waited for. Milliseconds */
  limit(connection: PoolConnection): Promise<number>;
  /** Ends a connection whose statement is late. */
  late(connection: PoolConnection): void;
  /** Runs a read on a connection of its own. */
  alone(read: Read): void;
}

/** Lanes at most, within half of a pool. More are opened where these are held up. */
const LANES = 3;
/** Reads that follow each other on one connection; and while somebody else waits for one. */
const DEPTH = 64;
const DEPTH_BESIDE_OTHERS = 8;
/** How often it is seen whether something is late. Milliseconds. */
const LOOK_EVERY_MS = 25;
/** What waits for longer behind another read is run elsewhere. Milliseconds. */
const HELD_UP_MS = 50;

interface Open {
  readonly lane: Lane;
  readonly waitMs: number;
  /** How many answers had come when it was last looked at, and since when no other came. */
  answered: number;
  since: number;
  /** It prepares a statement, and takes no reads meanwhile. */
  isBusy: boolean;
}

/**
 * Reads of all requests on few connections: those of one turn of the event loop leave together. A read that takes long
 * holds nobody up, since what waits behind it is run elsewhere. A lane without work goes back to the pool.
 */
export class Lanes implements LaneOwner {
  readonly #pool: LaneLender;
  readonly #most: number;
  readonly #open: Open[] = [];
  #waiting: Read[] = [];
  #isScheduled = false;
  #isOpening = false;
  #isOff = false;
  #clock: NodeJS.Timeout | undefined;

  constructor(pool: LaneLender) {
    this.#pool = pool;
    this.#most = Math.max(1, Math.min(LANES, Math.floor(pool.size / 2)));
  }

  /** Connections without work. */
  get resting(): number {
    return this.#open.filter(isResting).length;
  }

  read(read: Read): void {
    if (this.#isOff) this.#pool.alone(read);
    else this.#waiting.push(read);
    this.#schedule();
  }

  alone(read: Read): void {
    this.#pool.alone(read);
  }

  broken(lane: Lane, lost: boolean): void {
    this.#remove(lane);
    this.#pool.drop(lane.connection, lost);
  }

  emptied(): void {
    if (this.#pool.isAskedFor()) this.makeRoom();
    this.#schedule();
  }

  /** Gives a connection without work back. */
  makeRoom(): void {
    const resting = this.#open.find(isResting);
    if (resting) this.#close(resting.lane);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    // After everything that has come in by now.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    for (let open = this.#choose(); open && this.#waiting.length > 0; open = this.#choose()) {
      const { connection } = open.lane;
      const sent: Array<{ read: Read; statement: number }> = [];
      const left: Read[] = [];
      for (const read of this.#waiting) {
        const statement = this.#pool.statements.numberOf(connection, read.sql);
        if (statement === undefined || sent.length + open.lane.due >= this.#depth) left.push(read);
        else sent.push({ read, statement });
      }
      this.#waiting = left;
      if (open.lane.due === 0) open.since = Date.now();
      if (sent.length > 0) open.lane.send(sent);
      const unknown = left.find(({ sql }) => this.#pool.statements.numberOf(connection, sql) === undefined);
      if (unknown) this.#prepare(open, unknown.sql);
    }
    if (this.#waiting.length === 0) return;
    const now = Date.now();
    if (this.#open.length < this.#most || this.#open.every((one) => isHeldUp(one, now))) void this.#openAnother();
    for (const read of this.#waiting.splice(this.#pool.queue)) {
      read.reject(new StoreUnavailableError('too many wait for a connection'));
    }
    this.#startLooking();
  }

  get #depth(): number {
    return this.#pool.isAskedFor() ? DEPTH_BESIDE_OTHERS : DEPTH;
  }

  /** The lane with the least work that is not held up. */
  #choose(): Open | undefined {
    const now = Date.now();
    // It is emptied then, and goes to whoever waits.
    const most = this.#pool.isAskedFor() ? 1 : DEPTH;
    let best: Open | undefined;
    for (const one of [...this.#open]) {
      const { connection, due } = one.lane;
      if (!this.#pool.isFit(connection)) {
        if (isResting(one)) this.broken(one.lane, false);
      } else if (one.isBusy || due >= most || isHeldUp(one, now)) {
        // Others are better.
      } else if (!best || due < best.lane.due) best = one;
    }
    if (best && best.lane.due > 0 && this.#waiting.length > 0 && this.#open.length < this.#most)
      void this.#openAnother();
    return best;
  }

  async #openAnother(): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    const asking = new Set(this.#waiting);
    try {
      await this.#openOne(await this.#pool.acquire());
    } catch (error) {
      // Where another lane is open, it serves them.
      if (this.#open.length === 0) for (const read of this.#takeWaiting((one) => asking.has(one))) read.reject(error);
    }
    this.#isOpening = false;
    this.#flush();
  }

  async #openOne(connection: PoolConnection): Promise<void> {
    if (!this.#pool.pipelines(connection)) {
      this.#isOff = true;
      this.#pool.release(connection);
      for (const read of this.#takeWaiting(() => true)) this.#pool.alone(read);
      return;
    }
    try {
      const waitMs = await this.#pool.limit(connection);
      this.#open.push({ lane: new Lane(connection, this), waitMs, answered: 0, since: Date.now(), isBusy: false });
      this.#startLooking();
    } catch (error) {
      this.#pool.drop(connection, isConnectionLost(error, false));
      throw error;
    }
  }

  #prepare(open: Open, sql: string): void {
    open.isBusy = true;
    this.#pool.statements.prepare(open.lane.connection, sql, (error) => {
      Object.assign(open, { isBusy: false, since: Date.now() });
      if (error) this.#unprepared(open.lane, sql, error);
      this.#schedule();
    });
  }

  #unprepared(lane: Lane, sql: string, error: Error): void {
    const lost = isConnectionLost(error, false);
    if (lost || error instanceof StoreUnavailableError) this.broken(lane, lost);
    const isToldAlone = lost || keepsNoMoreStatements(error);
    for (const read of this.#takeWaiting((one) => one.sql === sql)) {
      if (isToldAlone) this.#pool.alone(read);
      else read.reject(error);
    }
  }

  #takeWaiting(which: (read: Read) => boolean): Read[] {
    const taken = this.#waiting.filter(which);
    this.#waiting = this.#waiting.filter((read) => !which(read));
    return taken;
  }

  #startLooking(): void {
    // What has arrived by now is read before it is called late.
    this.#clock ??= setInterval(() => setImmediate(() => this.#look()), LOOK_EVERY_MS).unref();
  }

  #look(): void {
    const now = Date.now();
    for (const read of this.#takeWaiting(({ until }) => until < now)) {
      read.reject(new StoreUnavailableError('no connection became free in time'));
    }
    for (const open of [...this.#open]) {
      const { lane } = open;
      const silentMs = now - open.since;
      if (lane.answered !== open.answered) Object.assign(open, { answered: lane.answered, since: now });
      else if (isResting(open)) this.#close(lane);
      else if (silentMs > open.waitMs) this.#pool.late(lane.connection);
      else if (silentMs > HELD_UP_MS) lane.moveWaiting();
    }
    this.#schedule();
    if (this.#open.length + this.#waiting.length > 0) return;
    clearInterval(this.#clock);
    this.#clock = undefined;
  }

  #close(lane: Lane): void {
    this.#remove(lane);
    this.#pool.release(lane.connection);
  }

  #remove(lane: Lane): void {
    const at = this.#open.findIndex((one) => one.lane === lane);
    if (at >= 0) this.#open.splice(at, 1);
  }
}

const isHeldUp = ({ lane, isBusy, since }: Open, now: number): boolean =>
  (lane.due > 0 || isBusy) && now - since > HELD_UP_MS;

const isResting = ({ lane, isBusy }: Open): boolean => lane.due === 0 && !isBusy;
