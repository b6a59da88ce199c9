import { performance } from 'node:perf_hooks';
import { type GatewayError, gatewayErrors } from './errors';
import type { ServerLimits } from './limits';

/** Whose an operation is: a principal, or '' for whoever shows no token, who share one part of the server. */
type Caller = string;

interface Queue {
  running: number;
  /** When it may run again, in milliseconds of `performance.now()`. */
  restsUntil: number;
  isToWake: boolean;
  /** Those that wait for their turn, the longest first. */
  readonly waiting: Array<() => void>;
}

/**
 * Counts operations from their arrival until they have really ended, over HTTP and WebSockets together, and lets callers
 * take turns: however much one of them sends, another's next operation waits for few of it.
 */
export class Executions {
  /** Who had the last turn, and when it passed from one caller to another. */
  #last: Caller | undefined;
  #passedAt = Number.NEGATIVE_INFINITY;
  readonly #limits: ServerLimits;
  readonly #arrived = new Map<string, number>();
  readonly #queues = new Map<Caller, Queue>();
  #underWay = 0;
  #running = 0;
  #isHandingOut = false;
  /** Busy time of the event loop, seen so far; and what each running operation had of it, in milliseconds. */
  #busy = 0;
  #share = 0;

  constructor(limits: ServerLimits) {
    this.#limits = limits;
  }

  /**
   * An operation arrives from an address, whosever it may be.
   * @returns to be called when it has ended
   * @throws {GatewayError} 503 where all have as much under way as there may be, 429 where the address has
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
   * Waits for a turn of the caller's.
   * @returns to be called when the operation has ended
   * @throws {GatewayError} 429 where the caller has as much under way as it may
   */
  async turn(caller: Caller): Promise<() => void> {
    const queue = this.#queues.get(caller) ?? { running: 0, restsUntil: 0, isToWake: false, waiting: [] };
    this.#queues.set(caller, queue);
    const most = caller === '' ? this.#limits.anonymousOperations : this.#limits.operationsPerCaller;
    if (queue.running + queue.waiting.length >= most) throw tooMuchOf(caller);
    if (this.#last !== undefined && this.#last !== caller) this.#passedAt = performance.now();
    this.#last = caller;
    if (queue.waiting.length === 0 && this.#mayRun(caller, queue)) this.#begin(queue);
    // Whoever lets it go has counted it already.
    else {
      this.#wake(queue);
      await new Promise<void>((resolve) => queue.waiting.push(resolve));
    }
    const shareBefore = this.#share;
    return once(() => {
      this.#meter();
      this.#rest(queue, this.#share - shareBefore);
      queue.running--;
      this.#running--;
      this.#handOut();
    });
  }

  /**
   * Charges a caller for time in which the process could do nothing else, such as that of validating a new document:
   * while others ask too, it rests for a multiple of it.
   */
  charge(caller: Caller, milliseconds: number): void {
    const queue = this.#queues.get(caller);
    if (queue) this.#rest(queue, milliseconds * RESTS);
  }

  /** Operations that run side by side share the time for which the event loop was busy. */
  #meter(): void {
    const busy = performance.eventLoopUtilization().active;
    if (this.#running > 0) this.#share += (busy - this.#busy) / this.#running;
    this.#busy = busy;
  }

  /** While others ask too, nobody has more than half of the process: after its share it rests as long. */
  #rest(queue: Queue, milliseconds: number): void {
    if (milliseconds < FREE_MS) return;
    const now = performance.now();
    const rest = Math.max(queue.restsUntil - now, 0) + milliseconds;
    queue.restsUntil = now + Math.min(rest, LONGEST_REST_MS);
    this.#wake(queue);
  }

  /** Hands out when a caller has rested. A timer counts whole milliseconds: it may come too soon, and is then set again. */
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

  /** Not at once: what other callers have sent meanwhile is received first. */
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
        // Its next turn comes after everybody else's.
        this.#queues.delete(caller);
        this.#queues.set(caller, queue);
        resolve?.();
        if (queue.waiting.length > 0) this.#handOut();
      }
    });
  }
}

/** How long after a turn passed from one caller to another they are looked at as asking side by side. */
const CONTENDED_MS = 1_000;
/** What a small document takes is nobody's to notice. */
const FREE_MS = 1;
/** How many times as long as it took up the process a caller rests. */
const RESTS = 4;
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
