import { performance } from 'node:perf_hooks';
import { type GatewayError, gatewayErrors } from './errors';
import type { ServerLimits } from './limits';
import { type Group, type Member, newGroup, newQueue, type Queue, Turns, type Usage } from './turns';
import { Watchdog } from './watchdog';

/** What an execution's fairness is measured by. */
interface Measured {
  readonly watchdog?: Watchdog;
  /** Whether operations wait for connections to a database. */
  readonly databaseIsBusy?: () => boolean;
}

/**
 * Counts operations over HTTP and WebSockets from arrival to real end. Clients take turns, and so do the callers of
 * each: one that sends many operations delays others only a little.
 */
export class Executions {
  readonly #limits: ServerLimits;
  readonly #watchdog: Watchdog;
  readonly #databaseIsBusy: () => boolean;
  readonly #arrived = new Map<string, number>();
  readonly #groups = new Map<string, Group>();
  readonly #turns = new Turns();
  #underWay = 0;
  #running = 0;
  #dear = 0;
  #isHandingOut = false;
  /** How many wait, to begin or to go on. */
  #waiting = 0;
  /** Busy time of the event loop, seen so far; and what each running operation had of it, in milliseconds. */
  #busy = 0;
  #share = 0;
  #window = { since: performance.now(), busy: performance.eventLoopUtilization().active };
  #isBusy = false;

  constructor(limits: ServerLimits, { watchdog, databaseIsBusy }: Measured = {}) {
    this.#limits = limits;
    this.#watchdog = watchdog ?? new Watchdog(limits);
    this.#databaseIsBusy = databaseIsBusy ?? (() => false);
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
   * @param caller a principal, or '' for every caller without a token: those share one queue
   * @param client whose principal it is; itself where it belongs to none
   * @returns call it when the operation has ended
   * @throws {GatewayError} 429 where the caller has too many operations under way
   */
  async turn(caller: string, client: string = caller): Promise<() => void> {
    const group = this.#groups.get(client) ?? newGroup(client);
    this.#groups.set(client, group);
    const queue = group.queues.get(caller) ?? newQueue(caller);
    group.queues.set(caller, queue);
    const most = caller === '' ? this.#limits.anonymousOperations : this.#limits.operationsPerCaller;
    if (queue.running + queue.waiting.length + queue.held.length >= most) throw tooMuchOf(caller);
    this.#turns.asks(client);
    group.turns.asks(caller);
    if (this.#passesNobody(queue.waiting) && this.#mayRun(group, queue)) this.#begin(group, queue);
    // #handOut counts it as running before it resolves this promise.
    else {
      this.#wake(group);
      this.#wake(queue);
      await this.#wait(queue.waiting);
    }
    const beganAt = performance.now();
    const shareBefore = this.#share;
    const ended = this.#watchdog.begin();
    return once(() => {
      ended();
      this.#meter();
      this.#account(group, queue, this.#share - shareBefore, performance.now() - beganAt);
      this.#pauses(group, queue);
    });
  }

  /**
   * Waits, in an operation that has its turn and is dear, until no other such one of its caller's runs while others
   * ask, and none of its client's while other clients ask. So nobody waits for several of them in a row. While it
   * waits, its caller's other operations may have its place.
   * @returns call it when the operation has ended; gives for how long it kept the process, in milliseconds
   */
  async alone(caller: string, client: string = caller): Promise<() => number> {
    const group = this.#groups.get(client);
    const queue = group?.queues.get(caller);
    if (!group || !queue) return () => 0;
    if (this.#passesNobody(queue.held) && this.#mayGoOn(group, queue)) this.#goesOn(group, queue);
    // #handOut counts it as running and dear before it resolves this promise.
    else {
      this.#wakeHeld(group);
      this.#wakeHeld(queue);
      this.#pauses(group, queue);
      await this.#wait(queue.held);
    }
    const shareBefore = this.#share;
    let keptMs: number | undefined;
    return () => {
      if (keptMs !== undefined) return keptMs;
      this.#meter();
      keptMs = (this.#share - shareBefore) * DEAR_SHARES;
      group.dear--;
      queue.dear--;
      this.#dear--;
      this.#handOut();
      return keptMs;
    };
  }

  /**
   * Charges a caller for time in which the process could do nothing else, for example to validate a new document. While
   * others ask too, the caller pauses for a multiple of that time. Where it and its client have used up what they are
   * allowed of such time, so do all its client's operations. Of an operation that was known to be dear, only the next
   * dear ones wait, and only for what is beyond that.
   * @param wasAlone whether it had waited until it was the only dear one
   */
  charge(caller: string, milliseconds: number, client: string = caller, wasAlone = false): void {
    const group = this.#groups.get(client);
    const queue = group?.queues.get(caller);
    if (!group || !queue) return;
    if (milliseconds >= FREE_MS && !wasAlone) this.#rest(queue, milliseconds * RESTS);
    if (milliseconds < FREE_OF_CLIENT_MS) return;
    group.blocked.add(milliseconds);
    const pause = group.allowance.take(milliseconds);
    const isMost = pause > 0 && this.#tookMost(group, ({ blocked }) => blocked);
    if (!wasAlone) {
      if (isMost) this.#rest(group, pause);
      return;
    }
    this.#spare(queue, queue.allowance.take(milliseconds));
    if (isMost) this.#spare(group, pause);
  }

  /**
   * After an operation: what it took of the event loop while that is busy, and how long it waited for statements while
   * those wait for connections. Whoever had more than its part rests as long.
   */
  #account(group: Group, queue: Queue, loopMs: number, heldMs: number): void {
    const waitedMs = this.#databaseIsBusy() ? Math.max(0, heldMs - loopMs) : 0;
    const took = (this.#isBusy ? loopMs : 0) + waitedMs;
    if (took === 0) return;
    group.usage.add(took);
    if (group.turns.othersBeside(queue.name)) this.#rest(queue, took);
    if (this.#turns.othersBeside(group.name) && this.#tookMost(group, ({ usage }) => usage)) this.#rest(group, took);
  }

  /** Whether a client took more than its part of something lately. */
  #tookMost(group: Group, of: (group: Group) => Usage): boolean {
    let all = 0;
    for (const each of this.#groups.values()) all += of(each).now();
    // Whoever asks little may be forgotten already, but somebody else did ask.
    return of(group).now() > all / Math.max(this.#groups.size, 2);
  }

  /** Operations that run side by side share the time for which the event loop was busy. A dear one has most of it. */
  #meter(): void {
    const busy = performance.eventLoopUtilization().active;
    const shares = this.#running + this.#dear * (DEAR_SHARES - 1);
    if (shares > 0) this.#share += (busy - this.#busy) / shares;
    this.#busy = busy;
    const now = performance.now();
    if (now - this.#window.since < WINDOW_MS) return;
    this.#isBusy = busy - this.#window.busy > (now - this.#window.since) * BUSY;
    this.#window = { since: now, busy };
  }

  #rest(member: Member, milliseconds: number): void {
    const now = performance.now();
    const rest = Math.max(member.restsUntil - now, 0) + milliseconds;
    member.restsUntil = now + Math.min(rest, LONGEST_REST_MS);
    this.#wake(member);
  }

  /** Dear operations wait, and nothing else does. */
  #spare(member: Member, milliseconds: number): void {
    member.sparesUntil = performance.now() + Math.min(milliseconds, LONGEST_SPARING_MS);
  }

  /**
   * Hands out again when the pause is over. Timers round to whole milliseconds and may fire early; then it is set
   * again.
   */
  #wake(member: Member, at = member.restsUntil): void {
    const rest = at - performance.now();
    if (rest <= 0 || member.wakesAt <= at) return;
    member.wakesAt = at;
    setTimeout(() => {
      if (member.wakesAt === at) member.wakesAt = Number.POSITIVE_INFINITY;
      this.#handOut();
    }, rest + 1).unref();
  }

  #wakeHeld(member: Member): void {
    this.#wake(member, Math.max(member.restsUntil, member.sparesUntil));
  }

  /**
   * Whether who comes now takes no place that others wait for: none of its own kind, nor anybody to whom places are
   * about to be handed out.
   */
  #passesNobody(ofItsKind: Queue['waiting']): boolean {
    return ofItsKind.length === 0 && !(this.#isHandingOut && this.#waiting > 0);
  }

  async #wait(line: Queue['waiting']): Promise<void> {
    this.#waiting++;
    await new Promise<void>((resolve) => line.push(resolve));
  }

  /** Lets the first one of a line go. */
  #let(line: Queue['waiting']): void {
    this.#waiting--;
    line.shift()?.();
  }

  #mayRun(group: Group, queue: Queue): boolean {
    const now = performance.now();
    const besideClients = this.#turns.othersBeside(group.name);
    if (besideClients) {
      if (group.restsUntil > now || group.running >= this.#limits.clientExecutionsBesideOthers) return false;
    }
    const isContended = besideClients || group.turns.othersBeside(queue.name);
    if (isContended && queue.restsUntil > now) return false;
    return this.#hasRoom(queue) && !(isContended && queue.running >= this.#limits.executionsBesideOthers);
  }

  /** Whether one more of a caller may run at all. */
  #hasRoom({ name, running }: Queue): boolean {
    const { executions, executionsPerCaller, anonymousExecutions } = this.#limits;
    return this.#running < executions && running < (name === '' ? anonymousExecutions : executionsPerCaller);
  }

  /** Whether a dear operation that has its turn may go on. */
  #mayGoOn(group: Group, queue: Queue): boolean {
    const isFree = (member: Member) => member.dear === 0 && isRested(member);
    if (this.#turns.othersBeside(group.name)) return isFree(group) && isFree(queue);
    return !group.turns.othersBeside(queue.name) || isFree(queue);
  }

  /** An operation that runs is found to be dear. */
  #goesOn(group: Group, queue: Queue): void {
    this.#meter();
    group.dear++;
    queue.dear++;
    this.#dear++;
  }

  #begin(group: Group, queue: Queue): void {
    this.#meter();
    group.running++;
    queue.running++;
    this.#running++;
  }

  #pauses(group: Group, queue: Queue): void {
    this.#meter();
    group.running--;
    queue.running--;
    this.#running--;
    this.#handOut();
  }

  /** Deferred, so that requests already received from other callers join the queue first. */
  #handOut(): void {
    if (this.#isHandingOut) return;
    this.#isHandingOut = true;
    setImmediate(() => {
      this.#isHandingOut = false;
      for (const [client, group] of [...this.#groups]) {
        if (!this.#runNext(group)) {
          if (group.queues.size === 0 && group.running === 0 && isForgotten(group)) this.#groups.delete(client);
          continue;
        }
        // Moves this client to the end of the order.
        this.#groups.delete(client);
        this.#groups.set(client, group);
        this.#handOut();
      }
    });
  }

  /** @returns whether an operation of the client has begun */
  #runNext(group: Group): boolean {
    for (const [caller, queue] of group.queues) {
      if (queue.held.length + queue.waiting.length > 0) {
        this.#turns.asks(group.name);
        group.turns.asks(caller);
      }
      if (queue.held.length > 0 && this.#hasRoom(queue) && this.#mayGoOn(group, queue)) {
        this.#begin(group, queue);
        this.#goesOn(group, queue);
        this.#let(queue.held);
        return true;
      }
      if (queue.held.length > 0) {
        this.#wakeHeld(group);
        this.#wakeHeld(queue);
      }
      if (queue.waiting.length === 0) {
        if (queue.running + queue.held.length === 0 && isRested(queue)) group.queues.delete(caller);
        continue;
      }
      if (!this.#mayRun(group, queue)) {
        this.#wake(group);
        this.#wake(queue);
        continue;
      }
      this.#begin(group, queue);
      // Moves this caller to the end of the client's order.
      group.queues.delete(caller);
      group.queues.set(caller, queue);
      this.#let(queue.waiting);
      return true;
    }
    return false;
  }
}

/** Whether nothing keeps even its dear operations. */
const isRested = ({ restsUntil, sparesUntil }: Member): boolean =>
  Math.max(restsUntil, sparesUntil) <= performance.now();

/** What is left of its usage changes nothing. */
const isForgotten = (group: Group): boolean => isRested(group) && group.usage.now() < 1;

/** A dear operation counts as so many others of those that share the event loop's time. */
const DEAR_SHARES = 30;
/** Keeping the process for less is free. Milliseconds. */
const FREE_MS = 1;
/** A caller pauses this many times as long as it kept the process busy. */
const RESTS = 16;
/** The process is busy where the event loop was for this part of the last tenth of a second. */
const BUSY = 0.6;
const WINDOW_MS = 100;
const LONGEST_REST_MS = 500;
/** Dear operations may wait longer than others, and well below the time in which they must be answered. */
const LONGEST_SPARING_MS = 2_000;
/** A client is charged for less too often to be asked for it: most operations take that. Milliseconds. */
const FREE_OF_CLIENT_MS = 10;

const tooMuchOf = (caller: string): GatewayError =>
  gatewayErrors.tooMuch(caller === '' ? 'of callers without a token' : 'of yours');

export function once(run: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    run();
  };
}
