import { performance } from 'node:perf_hooks';
import { type GatewayError, gatewayErrors } from './errors';
import type { ServerLimits } from './limits';
import { LoopShares } from './loop-shares';
import {
  type Group,
  isIdle,
  isRested,
  type Member,
  newGroup,
  newQueue,
  type Queue,
  rest,
  spare,
  Turns,
  Usage,
} from './turns';
import { Watchdog } from './watchdog';

/** What an execution's fairness is measured by. */
interface Measured {
  readonly watchdog?: Watchdog;
  /** Whether operations wait for connections to a database. */
  readonly databaseIsBusy?: () => boolean;
}

/** To be called when an operation has really ended. Calling it again does nothing. */
export interface Leave {
  (): void;
  /** From now on it only waits until its entry is durable: another operation may have its place. */
  readonly makeRoom: () => void;
}

/**
 * Counts operations over HTTP and WebSockets from arrival to real end. Clients take turns, and so do the callers of
 * each: one that sends many operations delays others only a little. One that asks alone passes by a few additions.
 */
export class Executions {
  readonly #limits: ServerLimits;
  readonly #watchdog: Watchdog;
  readonly #databaseIsBusy: () => boolean;
  readonly #arrived = new Map<string, number>();
  readonly #groups = new Map<string, Group>();
  /** Those of which something waits, in the order of their turns. */
  readonly #line = new Set<Group>();
  readonly #turns = new Turns();
  readonly #shares = new LoopShares();
  /** For how long all clients kept the process to themselves lately. */
  readonly #blocked = new Usage();
  /** Who asked last. */
  #last: Queue | undefined;
  #underWay = 0;
  #running = 0;
  #dear = 0;
  #isHandingOut = false;
  /** How many wait, to begin or to go on. */
  #waiting = 0;
  #forgotAt = 0;

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
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#underWay--;
      const left = (this.#arrived.get(address) ?? 1) - 1;
      if (left > 0) this.#arrived.set(address, left);
      else this.#arrived.delete(address);
    };
  }

  /**
   * Waits until the caller may run another operation, where it may not at once.
   * @param caller a principal, or '' for every caller without a token: those share one queue
   * @param client whose principal it is; itself where it belongs to none
   * @returns call it when the operation has ended
   * @throws {GatewayError} 429 where the caller has too many operations under way
   */
  turn(caller: string, client: string = caller): Leave | Promise<Leave> {
    const now = performance.now();
    const queue = this.#queueOf(caller, client, now);
    const most = caller === '' ? this.#limits.anonymousOperations : this.#limits.operationsPerCaller;
    if (queue.running + queue.waiting.length + queue.held.length + queue.recorded >= most) throw tooMuchOf(caller);
    this.#asks(queue, now);
    if (this.#passesNobody(queue.waiting) && this.#mayRun(queue, now)) return this.#begin(queue, now);
    return new Promise((resolve) => {
      this.#joins(queue, queue.waiting, () => resolve(this.#begin(queue, performance.now())));
      this.#wake(queue.group, now);
      this.#wake(queue, now);
    });
  }

  /**
   * Waits, in an operation that has its turn and is dear, until no other such one of its caller's runs while others
   * ask, and none of its client's while other clients ask. So nobody waits for several of them in a row. While it
   * waits, its caller's other operations may have its place.
   * @returns call it when the operation has ended; gives for how long it kept the process, in milliseconds
   */
  async alone(caller: string, client: string = caller): Promise<() => number> {
    const queue = this.#groups.get(client)?.queues.get(caller);
    if (!queue) return () => 0;
    const { group } = queue;
    const now = performance.now();
    if (this.#passesNobody(queue.held) && this.#mayGoOn(queue, now)) this.#goesOn(queue, now);
    else {
      this.#wakeHeld(group, now);
      this.#wakeHeld(queue, now);
      await new Promise<void>((resolve) => {
        this.#joins(queue, queue.held, () => {
          const going = performance.now();
          this.#count(queue, 1, going);
          this.#goesOn(queue, going);
          resolve();
        });
        this.#count(queue, -1, now);
        this.#handOut();
      });
    }
    const shareBefore = this.#shares.total;
    let keptMs: number | undefined;
    return () => {
      if (keptMs !== undefined) return keptMs;
      this.#meter(performance.now());
      keptMs = (this.#shares.total - shareBefore) * DEAR_SHARES;
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
    if (milliseconds < FREE_MS) return;
    const queue = this.#groups.get(client)?.queues.get(caller);
    if (!queue) return;
    const { group } = queue;
    if (!wasAlone) rest(queue, milliseconds * RESTS);
    if (milliseconds < FREE_OF_CLIENT_MS) return;
    this.#forget(performance.now());
    group.blocked.add(milliseconds);
    this.#blocked.add(milliseconds);
    const pause = group.allowance.take(milliseconds);
    const isMost = pause > 0 && this.#keptMost(group);
    if (!wasAlone) {
      if (isMost) rest(group, pause);
      return;
    }
    spare(queue, queue.allowance.take(milliseconds));
    if (isMost) spare(group, pause);
  }

  #queueOf(caller: string, client: string, now: number): Queue {
    const last = this.#last;
    if (last?.name === caller && last.group.name === client) return last;
    const group = this.#groups.get(client) ?? newGroup(client);
    const known = group.queues.get(caller);
    if (known) return known;
    this.#forget(now);
    const queue = newQueue(caller, group);
    this.#groups.set(client, group);
    group.queues.set(caller, queue);
    return queue;
  }

  /** Somebody asks, or waits still. */
  #asks(queue: Queue, now: number): void {
    if (this.#last !== queue) {
      // Both know who asked before by its own word.
      this.#turns.asks(queue.group);
      queue.group.turns.asks(queue);
      this.#last = queue;
    }
    queue.askedAt = now;
    queue.group.askedAt = now;
  }

  /** Whether any two ask at once. Nobody else's time needs to be measured. */
  #isContended(now: number): boolean {
    return this.#last !== undefined && this.#hasOthers(this.#last, now);
  }

  /** Whether others ask beside a caller, of its client or of another. */
  #hasOthers(queue: Queue, now: number): boolean {
    return this.#turns.othersBeside(queue.group, now) || queue.group.turns.othersBeside(queue, now);
  }

  #begin(queue: Queue, now: number): Leave {
    this.#count(queue, 1, now);
    const operation = { since: now };
    this.#watchdog.begins(operation);
    const shareBefore = this.#shares.total;
    let hasRoom = true;
    let isOver = false;
    const makeRoom = () => {
      if (!hasRoom) return;
      hasRoom = false;
      queue.recorded++;
      const endedAt = performance.now();
      this.#count(queue, -1, endedAt);
      if (this.#isContended(endedAt)) this.#account(queue, this.#shares.total - shareBefore, endedAt - now, endedAt);
      this.#handOut();
    };
    const leave = () => {
      if (isOver) return;
      isOver = true;
      this.#watchdog.ended(operation, performance.now());
      makeRoom();
      queue.recorded--;
    };
    return Object.assign(leave, { makeRoom });
  }

  /**
   * After an operation, while others ask: what it took of the event loop while that is busy, and how long it waited for
   * statements while those wait for connections. Who wants more still rests as long, so that it has half of the process
   * at most. Who wants no more than it gets never rests for that.
   */
  #account(queue: Queue, loopMs: number, heldMs: number, now: number): void {
    const { group } = queue;
    const waitedMs = this.#databaseIsBusy() ? Math.max(0, heldMs - loopMs) : 0;
    const took = (this.#shares.isBusy ? loopMs : 0) + waitedMs;
    if (took === 0) return;
    if (queue.waiting.length > 0 && group.turns.othersBeside(queue, now)) rest(queue, took);
    if (hasWaiting(group) && this.#turns.othersBeside(group, now)) rest(group, took);
  }

  /** Whether a client kept the process to itself for more than its part lately. */
  #keptMost({ blocked }: Group): boolean {
    // Whoever asks little may be forgotten already, but somebody else did ask.
    return blocked.now() > this.#blocked.now() / Math.max(this.#groups.size, 2);
  }

  /** Operations that run side by side share the event loop's time. A dear one has most of it. */
  #meter(now: number): void {
    if (this.#dear > 0 || this.#isContended(now)) {
      this.#shares.divide(this.#running + this.#dear * (DEAR_SHARES - 1), now);
    } else this.#shares.rest();
  }

  /**
   * Hands out again when the pause is over. Timers round to whole milliseconds and may fire early; then it is set
   * again.
   * @param now when it was found that it may not run yet
   */
  #wake(member: Member, now: number, at = member.restsUntil): void {
    const rest = at - now;
    if (rest <= 0 || member.wakesAt <= at) return;
    member.wakesAt = at;
    setTimeout(() => {
      if (member.wakesAt === at) member.wakesAt = Number.POSITIVE_INFINITY;
      this.#handOut();
    }, rest + 1).unref();
  }

  #wakeHeld(member: Member, now: number): void {
    this.#wake(member, now, Math.max(member.restsUntil, member.sparesUntil));
  }

  /**
   * Whether who comes now takes no place that others wait for: none of its own kind, nor anybody to whom places are
   * about to be handed out.
   */
  #passesNobody(ofItsKind: Queue['waiting']): boolean {
    return ofItsKind.length === 0 && !(this.#isHandingOut && this.#waiting > 0);
  }

  #joins(queue: Queue, line: Queue['waiting'], go: () => void): void {
    this.#waiting++;
    line.push(go);
    queue.group.line.add(queue);
    this.#line.add(queue.group);
  }

  /** Lets the first one of a line go. */
  #let(line: Queue['waiting']): void {
    this.#waiting--;
    line.shift()?.();
  }

  #mayRun(queue: Queue, now: number): boolean {
    const { group } = queue;
    const besideClients = this.#turns.othersBeside(group, now);
    if (besideClients) {
      if (group.restsUntil > now || group.running >= this.#mostBesideOthers()) return false;
    }
    const isContended = besideClients || group.turns.othersBeside(queue, now);
    if (isContended && queue.restsUntil > now) return false;
    return this.#hasRoom(queue) && !(isContended && queue.running >= this.#limits.executionsBesideOthers);
  }

  /** The more of a client's run, the longer others wait at each of their steps: so only half of them, if it is busy. */
  #mostBesideOthers(): number {
    const most = this.#limits.clientExecutionsBesideOthers;
    return this.#shares.isBusy ? Math.ceil(most / 2) : most;
  }

  /** Whether one more of a caller may run at all. */
  #hasRoom({ name, running }: Queue): boolean {
    const { executions, executionsPerCaller, anonymousExecutions } = this.#limits;
    return this.#running < executions && running < (name === '' ? anonymousExecutions : executionsPerCaller);
  }

  /** Whether a dear operation that has its turn may go on. */
  #mayGoOn(queue: Queue, now: number): boolean {
    const isFree = (member: Member) => member.dear === 0 && isRested(member, now);
    const { group } = queue;
    if (this.#turns.othersBeside(group, now)) return isFree(group) && isFree(queue);
    return !group.turns.othersBeside(queue, now) || isFree(queue);
  }

  /** An operation that runs is found to be dear. */
  #goesOn(queue: Queue, now: number): void {
    this.#meter(now);
    queue.group.dear++;
    queue.dear++;
    this.#dear++;
  }

  /** @param difference 1 for an operation that begins or goes on, -1 for one that ends or pauses */
  #count(queue: Queue, difference: 1 | -1, now: number): void {
    this.#meter(now);
    queue.group.running += difference;
    queue.running += difference;
    this.#running += difference;
  }

  /** Deferred, so that requests already received from other callers join the queue first. */
  #handOut(): void {
    if (this.#isHandingOut || this.#waiting === 0) return;
    this.#isHandingOut = true;
    setImmediate(() => {
      this.#isHandingOut = false;
      for (const group of [...this.#line]) {
        if (!this.#runNext(group)) {
          if (group.line.size === 0) this.#line.delete(group);
          continue;
        }
        while (this.#isAlone(group) && this.#runNext(group));
        // Moves this client to the end of the order.
        this.#line.delete(group);
        if (group.line.size > 0) this.#line.add(group);
        this.#handOut();
      }
    });
  }

  /**
   * Whether one caller waits, and nobody else asks. Then all that may run begin in one go, so that what they need is
   * fetched and written together.
   */
  #isAlone(group: Group): boolean {
    return this.#line.size === 1 && group.line.size === 1 && !this.#isContended(performance.now());
  }

  /** @returns whether an operation of the client has begun, or goes on */
  #runNext(group: Group): boolean {
    for (const queue of [...group.line]) {
      const now = performance.now();
      if (queue.held.length + queue.waiting.length === 0) {
        group.line.delete(queue);
        continue;
      }
      this.#asks(queue, now);
      if (queue.held.length > 0) {
        if (this.#hasRoom(queue) && this.#mayGoOn(queue, now)) {
          this.#let(queue.held);
          return true;
        }
        this.#wakeHeld(group, now);
        this.#wakeHeld(queue, now);
      }
      if (queue.waiting.length === 0) continue;
      if (!this.#mayRun(queue, now)) {
        this.#wake(group, now);
        this.#wake(queue, now);
        continue;
      }
      this.#let(queue.waiting);
      // Moves this caller to the end of the client's order.
      group.line.delete(queue);
      group.line.add(queue);
      return true;
    }
    return false;
  }

  /** Now and then, those who ask no longer and of whom nothing has to be known. */
  #forget(now: number): void {
    if (now - this.#forgotAt < FORGETS_MS) return;
    this.#forgotAt = now;
    for (const group of this.#groups.values()) {
      for (const queue of group.queues.values()) {
        const waits = queue.waiting.length + queue.held.length + queue.recorded > 0;
        if (queue !== this.#last && !waits && isIdle(queue, now)) group.queues.delete(queue.name);
      }
      if (group.queues.size === 0 && isIdle(group, now) && group.blocked.now() < 1) this.#groups.delete(group.name);
    }
  }
}

const hasWaiting = ({ line }: Group): boolean => [...line].some(({ waiting }) => waiting.length > 0);

/** A dear operation counts as so many others of those that share the event loop's time. */
const DEAR_SHARES = 30;
/** Keeping the process for less is free. Milliseconds. */
const FREE_MS = 1;
/** A caller pauses this many times as long as it kept the process busy. */
const RESTS = 16;
/** A client is charged for less too often to be asked for it: most operations take that. Milliseconds. */
const FREE_OF_CLIENT_MS = 10;
/** How often those are looked for who can be forgotten. Milliseconds. */
const FORGETS_MS = 1_000;

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
