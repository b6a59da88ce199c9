import { performance } from 'node:perf_hooks';
import { type GatewayError, gatewayErrors } from './errors';
import type { ServerLimits } from './limits';
import { Watchdog } from './watchdog';

/** Who runs an operation: a principal, or '' for every caller without a token. Those share one queue. */
type Caller = string;

interface Queue {
  running: number;
  /** When it may run again after a charge, in milliseconds of `performance.now()`. */
  restsUntil: number;
  isToWake: boolean;
  /** Operations that wait for their turn, oldest first. */
  readonly waiting: Array<() => void>;
}

/**
 * Counts operations over HTTP and WebSockets from arrival to real end, and runs callers in turn: a caller that sends
 * many operations delays others only a little.
 */
export class Executions {
  /** The caller that ran last, and when the turn last passed between two callers. */
  #last: Caller | undefined;
  #passedAt = Number.NEGATIVE_INFINITY;
  readonly #limits: ServerLimits;
  readonly #watchdog: Watchdog;
  readonly #arrived = new Map<string, number>();
  readonly #queues = new Map<Caller, Queue>();
  #underWay = 0;
  #running = 0;
  #isHandingOut = false;
  /** Busy time of the event loop, seen so far; and what each running operation had of it, in milliseconds. */
  #busy = 0;
  #share = 0;
  #window = { since: performance.now(), busy: performance.eventLoopUtilization().active };
  #isBusy = false;

  constructor(limits: ServerLimits, watchdog = new Watchdog(limits)) {
    this.#limits = limits;
    this.#watchdog = watchdog;
  }

  /**
   * Counts an operation that arrives from an address, before its caller is known.
   * @returns call it when the operation has ended
   * @throws {GatewayError} 503 where the server is full, 429 where the address has too many operations under way
   */
  arrive(address: string): () => void {
    if (this.#underWay >= this.#limits.operationsUnderWay) throw gatewayErrors.overloaded();
    const known = this.#arrived.get(address) ?? 0;
    if (known >= this.#limits.operationsPerAddress) throw gatewayErrors.tooMuch('from your address');
    this.#underWay++;
    this.#arrived.set(address, known + 1);
    return once(() => {
      this.#underWay--;
      const left = (this.#arrived.get(address) ?? 1) - 1;
      if (left > 0) this.#arrived.set(address, left);
      else this.#arrived.delete(address);
    });
  }

  /**
   * Waits until the caller may run another operation.
   * @returns call it when the operation has ended
   * @throws {GatewayError} 429 where the caller has too many operations under way
   */
  async turn(caller: Caller): Promise<() => void> {
    const queue = this.#queues.get(caller) ?? { running: 0, restsUntil: 0, isToWake: false, waiting: [] };
    this.#queues.set(caller, queue);
    const most = caller === '' ? this.#limits.anonymousOperations : this.#limits.operationsPerCaller;
    if (queue.running + queue.waiting.length >= most) throw tooMuchOf(caller);
    if (this.#last !== undefined && this.#last !== caller) this.#passedAt = performance.now();
    this.#last = caller;
    if (queue.waiting.length === 0 && this.#mayRun(caller, queue)) this.#begin(queue);
    // #handOut counts it as running before it resolves this promise.
    else {
      this.#wake(queue);
      await new Promise<void>((resolve) => queue.waiting.push(resolve));
    }
    const shareBefore = this.#share;
    const ended = this.#watchdog.begin();
    return once(() => {
      ended();
      this.#meter();
      if (this.#isBusy) this.#rest(queue, this.#share - shareBefore);
      queue.running--;
      this.#running--;
      this.#handOut();
    });
  }

  /**
   * Charges a caller for time in which the process could do nothing else, for example to validate a new document. While
   * others ask too, the caller pauses for a multiple of that time.
   */
  charge(caller: Caller, milliseconds: number): void {
    const queue = this.#queues.get(caller);
    if (queue && milliseconds >= FREE_MS) this.#rest(queue, milliseconds * RESTS);
  }

  /** Operations that run side by side share the time for which the event loop was busy. */
  #meter(): void {
    const busy = performance.eventLoopUtilization().active;
    if (this.#running > 0) this.#share += (busy - this.#busy) / this.#running;
    this.#busy = busy;
    const now = performance.now();
    if (now - this.#window.since < WINDOW_MS) return;
    this.#isBusy = busy - this.#window.busy > (now - this.#window.since) * BUSY;
    this.#window = { since: now, busy };
  }

  /** While others ask too, nobody has more than half of the process: after its share it rests as long. */
  #rest(queue: Queue, milliseconds: number): void {
    const now = performance.now();
    const rest = Math.max(queue.restsUntil - now, 0) + milliseconds;
    queue.restsUntil = now + Math.min(rest, LONGEST_REST_MS);
    this.#wake(queue);
  }

  /**
   * Hands out again when the caller's pause is over. Timers round to whole milliseconds and may fire early; then it is
   * set again.
   */
  #wake(queue: Queue): void {
    const rest = queue.restsUntil - performance.now();
    if (rest <= 0 || queue.isToWake) return;
    queue.isToWake = true;
    setTimeout(() => {
      queue.isToWake = false;
      this.#handOut();
    }, rest + 1).unref();
  }

  #mayRun(caller: Caller, queue: Queue): boolean {
    const { executions, executionsPerCaller, executionsBesideOthers, anonymousExecutions } = this.#limits;
    const now = performance.now();
    const isContended = now - this.#passedAt < CONTENDED_MS;
    if (isContended && queue.restsUntil > now) return false;
    const alone = caller === '' ? anonymousExecutions : executionsPerCaller;
    const most = isContended ? Math.min(alone, executionsBesideOthers) : alone;
    return this.#running < executions && queue.running < most;
  }

  #begin(queue: Queue): void {
    this.#meter();
    queue.running++;
    this.#running++;
  }

  /** Deferred, so that requests already received from other callers join the queue first. */
  #handOut(): void {
    if (this.#isHandingOut) return;
    this.#isHandingOut = true;
    setImmediate(() => {
      this.#isHandingOut = false;
      for (const [caller, queue] of [...this.#queues]) {
        if (queue.running === 0 && queue.waiting.length === 0 && queue.restsUntil < performance.now()) {
          this.#queues.delete(caller);
        }
        if (queue.waiting.length === 0) continue;
        if (!this.#mayRun(caller, queue)) {
          this.#wake(queue);
          continue;
        }
        const resolve = queue.waiting.shift();
        this.#begin(queue);
        // Moves this caller to the end of the order.
        this.#queues.delete(caller);
        this.#queues.set(caller, queue);
        resolve?.();
        if (queue.waiting.length > 0) this.#handOut();
      }
    });
  }
}

/** Callers compete if the turn passed between two of them within this time. Milliseconds. */
const CONTENDED_MS = 1_000;
/** Keeping the process for less is free. Milliseconds. */
const FREE_MS = 1;
/** A caller pauses this many times as long as it kept the process busy. */
const RESTS = 16;
/** The process is busy where the event loop was for this part of the last tenth of a second. */
const BUSY = 0.6;
const WINDOW_MS = 100;
const LONGEST_REST_MS = 500;

const tooMuchOf = (caller: Caller): GatewayError =>
  gatewayErrors.tooMuch(caller === '' ? 'of callers without a token' : 'of yours');

export function once(run: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    run();
  };
}
