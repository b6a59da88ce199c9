import type { PoolConnection } from 'mysql2';
import { isConnectionLost } from './loss';
import {
  type BoundValue,
  type Cell,
  type ColumnKind,
  cellsOf,
  columnKind,
  executeBytes,
  writeExecute,
} from './statement-packets';

/** A statement that only reads, outside of transactions, and who waits for its rows. */
export interface Read {
  readonly sql: string;
  readonly parameters: readonly BoundValue[];
  /** Until when it waits for a connection of its own, or on one behind others. Milliseconds of `Date.now()`. */
  readonly until: number;
  resolve(rows: ReadonlyArray<readonly Cell[]>): void;
  reject(error: unknown): void;
}

/** A packet as mysql2 hands it to a command. */
interface Packet {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
  asError(encoding: string): Error;
}

/** What mysql2's own commands use of a connection. */
interface Commanded {
  sequenceId: number;
  addCommand(command: Lane): void;
  write(bytes: Buffer): void;
}

/** What becomes of a lane's reads that it cannot finish. */
export interface LaneOwner {
  /** Runs a read on a connection of its own. */
  alone(read: Read): void;
  /** All that was asked is answered. */
  emptied(): void;
  /** The lane is no good any more. @param lost whether its server is to be left alone for a while */
  broken(lane: Lane, lost: boolean): void;
}

const END = 0xfe;
const ERROR = 0xff;

/**
 * A connection on which reads follow each other without waiting for answers. To mysql2 it is one command, from the
 * first of them until no answer is due: signing in, TLS and packets are the driver's.
 */
export class Lane {
  readonly connection: PoolConnection;
  /** How many answers came. */
  answered = 0;
  readonly #owner: LaneOwner;
  readonly #wire: Commanded;
  /** The reads whose answers are due, and what has been moved elsewhere meanwhile. */
  #due: Array<Read | undefined> = [];
  #isCommand = false;
  #columnsLeft: number | undefined;
  #columns: ColumnKind[] = [];
  #rows: Cell[][] | undefined;
  #isForeign = false;

  constructor(connection: PoolConnection, owner: LaneOwner) {
    this.connection = connection;
    this.#owner = owner;
    this.#wire = connection as unknown as Commanded;
  }

  get due(): number {
    return this.#due.length;
  }

  /** Sends reads whose statements are prepared, by one write. */
  send(reads: ReadonlyArray<{ readonly read: Read; readonly statement: number }>): void {
    let size = 0;
    for (const { read } of reads) size += executeBytes(read.parameters);
    const bytes = Buffer.allocUnsafe(size);
    let end = 0;
    for (const { read, statement } of reads) {
      end = writeExecute(bytes, end, statement, read.parameters);
      this.#due.push(read);
    }
    if (!this.#isCommand) {
      this.#isCommand = true;
      this.#wire.addCommand(this);
    }
    this.#wire.write(bytes.subarray(0, end));
  }

  /** Lets others run what waits behind the read that is under way; the answers here count for nothing then. */
  moveWaiting(): void {
    const waiting = this.#due;
    this.#due = waiting.map((read, index) => (index === 0 ? read : undefined));
    for (const read of waiting.slice(1)) if (read) this.#owner.alone(read);
  }

  /** mysql2 calls this to begin, and for each packet. @returns whether the command has ended */
  execute(packet?: Packet): boolean {
    if (!packet) {
      this.#wire.sequenceId = 1;
      return false;
    }
    const { buffer, offset, end } = packet;
    const first = buffer[offset];
    if (first === ERROR) return this.#fail(packet.asError('utf8'));
    if (this.#columnsLeft === undefined) {
      this.#columnsLeft = first === 0xfc ? buffer.readUInt16LE(offset + 1) : (first ?? 0);
    } else if (this.#columnsLeft > 0) {
      this.#columnsLeft--;
      const kind = columnKind(buffer, end);
      if (kind) this.#columns.push(kind);
      else this.#isForeign = true;
    } else if (!this.#rows) {
      this.#rows = [];
    } else if (first === END && end - offset < 9) {
      return this.#answer(this.#rows);
    } else if (!this.#isForeign && this.#due[0]) {
      this.#rows.push(cellsOf(buffer, offset, this.#columns));
    }
    return false;
  }

  /** mysql2 calls this where the connection fails. */
  onResult(error: unknown): void {
    const [current, ...waiting] = this.#due;
    this.#due = [];
    this.#isCommand = false;
    const lost = isConnectionLost(error, false);
    this.#owner.broken(this, lost);
    if (lost && current) this.#owner.alone(current);
    else current?.reject(error);
    for (const read of waiting) if (read) this.#owner.alone(read);
  }

  #answer(rows: Cell[][]): boolean {
    const isForeign = this.#isForeign;
    const read = this.#next();
    if (isForeign && read) this.#owner.alone(read);
    else read?.resolve(rows);
    return !this.#isCommand;
  }

  #fail(error: Error): boolean {
    if (isConnectionLost(error, false)) {
      this.onResult(error);
      return true;
    }
    this.#next()?.reject(error);
    return !this.#isCommand;
  }

  #next(): Read | undefined {
    this.answered++;
    this.#columnsLeft = undefined;
    this.#columns = [];
    this.#rows = undefined;
    this.#isForeign = false;
    const read = this.#due.shift();
    if (this.#due.length > 0) {
      // Each answer numbers its packets from one.
      this.#wire.sequenceId = 1;
      return read;
    }
    this.#isCommand = false;
    this.#owner.emptied();
    return read;
  }
}
