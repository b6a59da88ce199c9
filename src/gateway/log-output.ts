import cluster from 'node:cluster';
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** How much is written at once. */
interface Pieces {
  /** Bytes at most, unless one line has more. */
  readonly most: number;
  /** Lines are written together once there are this many characters, or after LONGEST_WAIT_MS. */
  readonly together: number;
}

/** Workers share one pipe, and their lines must not mix: a write of up to 4 KiB to a pipe is atomic (POSIX). */
const SHARED: Pieces = { most: 4_096, together: 3_072 };
/** One process alone writes as much as half a pipe takes. */
const ALONE: Pieces = { most: 32_768, together: 24_576 };
const LONGEST_WAIT_MS = 100;
/** The most characters kept in memory while nobody reads the log. */
const MOST_WAITING = 1 << 20;
/** How long a process that ends waits for a slow reader. */
const FAREWELL_MS = 1_000;
const PAUSE_MS = 50;

/**
 * A log destination that never blocks its process, even if the reader is slow, stalled or gone. While the reader
 * stalls, lines are kept up to a limit; the next line that gets through says how many were lost.
 */
export class LogOutput implements DestinationStream {
  /** Bytes are the rest of a piece that was written in part. */
  #waiting: Array<string | Buffer> = [];
  #length = 0;
  #lost = 0;
  #isGone = false;
  #isWriting = false;
  #timer: NodeJS.Timeout | undefined;
  #copy: ((line: string) => void) | undefined;

  /**
   * @param fd a file, or a pipe in non-blocking mode
   * @param isShared whether other processes write to it too
   */
  constructor(
    private readonly fd: number,
    private readonly isShared: () => boolean = () => true,
  ) {}

  get #pieces(): Pieces {
    return this.isShared() ? SHARED : ALONE;
  }

  /** Gives each line from now on to somebody else too, whether or not it can be written. */
  copyTo(take: (line: string) => void): void {
    this.#copy = take;
  }

  write(line: string): void {
    this.#copy?.(line);
    if (this.#isGone) return;
    if (this.#length + line.length > MOST_WAITING) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) this.#keep(this.#lossLine());
    this.#keep(line);
    if (this.#length >= this.#pieces.together) this.#writeOn();
    else this.#wait(LONGEST_WAIT_MS);
  }

  /** Writes the waiting lines before the process ends. */
  flushSync(): void {
    const until = performance.now() + FAREWELL_MS;
    while (this.#length > 0 && !this.#isGone) {
      const piece = this.#nextPiece();
      try {
        this.#wrote(piece, writeSync(this.fd, piece));
      } catch (error) {
        if (performance.now() > until) return;
        this.#failed(error as NodeJS.ErrnoException, piece);
        if (this.#length > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      }
    }
  }

  #keep(line: string): void {
    this.#waiting.push(line);
    this.#length += line.length;
  }

  #lossLine(): string {
    const lost = { level: 40, time: new Date().toISOString(), pid: process.pid, lost: this.#lost };
    this.#lost = 0;
    return `${JSON.stringify({ ...lost, msg: 'log lines were lost because nobody read the log' })}\n`;
  }

  #wait(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writeOn();
    }, ms).unref();
  }

  #writeOn(): void {
    if (this.#isWriting || this.#length === 0) return;
    this.#isWriting = true;
    const piece = this.#nextPiece();
    write(this.fd, piece, (error, bytes) => {
      this.#isWriting = false;
      if (error) this.#failed(error, piece);
      else this.#wrote(piece, bytes);
      if (error || this.#length < this.#pieces.together) this.#wait(error ? PAUSE_MS : LONGEST_WAIT_MS);
      else this.#writeOn();
    });
  }

  /** As many whole lines as one write takes, and at least one. They stay queued until written. */
  #nextPiece(): Buffer {
    const [rest] = this.#waiting;
    if (Buffer.isBuffer(rest)) return rest;
    const { most } = this.#pieces;
    let bytes = 0;
    let count = 0;
    for (const line of this.#waiting) {
      bytes += Buffer.byteLength(line);
      if (count > 0 && bytes > most) break;
      count++;
    }
    const piece = this.#waiting.slice(0, count).join('');
    this.#waiting.splice(0, count, piece);
    return Buffer.from(piece);
  }

  #wrote(piece: Buffer, bytes: number): void {
    const [first = ''] = this.#waiting;
    const rest = piece.subarray(bytes);
    this.#length += rest.length - first.length;
    if (rest.length === 0) this.#waiting.shift();
    else this.#waiting[0] = rest;
  }

  /** A stalled reader may recover, a closed pipe never does. On any other error, one piece is dropped. */
  #failed({ code }: NodeJS.ErrnoException, piece: Buffer): void {
    if (code === 'EAGAIN' || code === 'EBUSY' || code === 'EINTR') return;
    this.#lost += piece.toString('utf8').split('\n').length - 1;
    this.#wrote(piece, piece.length);
    if (code !== 'EPIPE' && code !== 'EBADF') return;
    this.#isGone = true;
    this.#waiting = [];
    this.#length = 0;
  }
}

let standard: LogOutput | undefined;

const hasWorkers = (): boolean => cluster.isWorker || Object.keys(cluster.workers ?? {}).length > 0;

/** Standard output; when the process ends, the rest is written as far as the reader allows. */
export function standardOutput(): LogOutput {
  if (standard) return standard;
  const output = new LogOutput(unblocked(process.stdout.fd), hasWorkers);
  process.once('exit', () => output.flushSync());
  standard = output;
  return output;
}

/**
 * Opens the pipe anew in non-blocking mode, for this process alone. Setting the mode on the inherited descriptor would
 * not do: it is shared by all processes that inherited the pipe, and each of them resets it when it ends. A blocking
 * write would delay even the process's end.
 */
function unblocked(fd: number): number {
  try {
    if (fstatSync(fd).isFIFO()) return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // Not Linux, or nobody reads.
  }
  return fd;
}
