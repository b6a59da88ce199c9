import { AsyncResource } from 'node:async_hooks';
import { EventStream } from './event-stream';

/** Told once of each outage of what a feed reads, however many subscribers it has. */
export interface Outages {
  began(error: unknown): void;
  ended(): void;
}

/** One thing that is watched, by one subscriber or many. */
export interface Watched<State, Event> {
  readonly key: string;
  /** What the last look saw. The feed leaves it to the look; undefined before the first. */
  state: State | undefined;
  /** What a new subscriber is told first, where there is such. */
  greeting: Event | undefined;
  /** Tells all who listened when this look began. */
  tell(event: Event, about?: string): void;
  /** There is nothing more to tell: streams end behind what waits. */
  end(): void;
  /** It cannot be watched: streams end with the error, and new subscribers are refused by it. */
  fail(error: unknown): void;
}

export interface ChangeFeedOptions<State, Event> {
  /** Milliseconds between two looks, give or take a tenth. */
  readonly everyMs: number;
  /** Looks for changes of all these things, by as few statements as it can. */
  look(things: ReadonlyArray<Watched<State, Event>>): Promise<void>;
  readonly outages: Outages;
  /** From 0 to 1, below 1: spreads the looks of processes. */
  readonly random?: () => number;
}

interface Newcomer<Event> {
  resolve(stream: EventStream<Event>): void;
  reject(error: unknown): void;
}

/** The longest pause between looks while they fail, in milliseconds. */
const LONGEST_PAUSE_MS = 10_000;
/** Subscribers that come within this time share a look. Milliseconds. */
const TOGETHER_MS = 20;

/**
 * One poller for all subscribers of a kind in this process, on one database. It looks while somebody listens, once for
 * all, and fans out what has changed. What it tells is what is so now: after an outage subscribers get the latest
 * state, and none has to come back.
 */
export class ChangeFeed<State, Event> {
  readonly #options: ChangeFeedOptions<State, Event>;
  readonly #things = new Map<string, Thing<State, Event>>();
  #timer: NodeJS.Timeout | undefined;
  /** When the next look at everything is due, in milliseconds of `performance.now()`. */
  #dueAt = 0;
  #isLooking = false;
  #failures = 0;

  constructor(options: ChangeFeedOptions<State, Event>) {
    this.#options = options;
  }

  /**
   * Subscribes to a thing. What changes after the first look is told.
   * @throws what the first look meets
   */
  subscribe(key: string): Promise<EventStream<Event>> {
    if (this.#things.size === 0) this.#dueAt = performance.now() + this.#pause();
    const thing = this.#things.get(key) ?? new Thing<State, Event>(key);
    this.#things.set(key, thing);
    return new Promise((resolve, reject) => {
      thing.newcomers.push({ resolve, reject });
      if (!this.#isLooking) this.#schedule();
    });
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#things.size === 0) {
      this.#failures = 0;
      return;
    }
    const isAwaited = [...this.#things.values()].some(({ newcomers }) => newcomers.length > 0);
    const inMs = Math.max(this.#dueAt - performance.now(), 0);
    // Outside of the subscriber's request, and so outside of its transaction.
    outside.runInAsyncScope(() => {
      this.#timer = setTimeout(() => void this.#turn(), isAwaited ? Math.min(inMs, TOGETHER_MS) : inMs).unref();
    });
  }

  async #turn(): Promise<void> {
    const isDue = performance.now() >= this.#dueAt;
    const looked = [...this.#things.values()].filter(({ newcomers }) => isDue || newcomers.length > 0);
    const arrived = looked.map((thing) => [thing, thing.newcomers.splice(0)] as const);
    for (const thing of looked) thing.fault = undefined;
    this.#isLooking = true;
    let failure: { error: unknown } | undefined;
    try {
      await this.#options.look(looked);
    } catch (error) {
      failure = { error };
    }
    this.#isLooking = false;
    this.#note(failure);
    for (const [thing, newcomers] of arrived) this.#admit(thing, newcomers, thing.fault ?? failure);
    if (isDue) this.#dueAt = performance.now() + this.#pause();
    this.#schedule();
  }

  #admit(
    thing: Thing<State, Event>,
    newcomers: ReadonlyArray<Newcomer<Event>>,
    fault: { error: unknown } | undefined,
  ): void {
    for (const { resolve, reject } of newcomers) {
      if (fault) {
        reject(fault.error);
        continue;
      }
      const stream = new EventStream<Event>((left) => this.#leave(thing, left));
      if (thing.greeting !== undefined) stream.tell(thing.key, thing.greeting);
      if (thing.isOver) stream.end();
      else thing.members.add(stream);
      resolve(stream);
    }
    this.#forget(thing);
  }

  #leave(thing: Thing<State, Event>, stream: EventStream<Event>): void {
    thing.members.delete(stream);
    this.#forget(thing);
    if (this.#things.size === 0 && !this.#isLooking) this.#schedule();
  }

  /** Nothing is kept of a thing that nobody watches. Who comes later watches it anew. */
  #forget(thing: Thing<State, Event>): void {
    const isWatched = thing.members.size > 0 || thing.newcomers.length > 0;
    if (!isWatched && this.#things.get(thing.key) === thing) this.#things.delete(thing.key);
  }

  #note(failure: { error: unknown } | undefined): void {
    const { outages } = this.#options;
    if (failure) {
      this.#failures++;
      if (this.#failures === 1) outages.began(failure.error);
    } else {
      if (this.#failures > 0) outages.ended();
      this.#failures = 0;
    }
  }

  /** While looks fail, pauses double and vary by half, so that a database that comes back is not met by all at once. */
  #pause(): number {
    const { everyMs, random = Math.random } = this.#options;
    if (this.#failures === 0) return everyMs * (0.9 + 0.2 * random());
    return Math.min(everyMs * 2 ** this.#failures, LONGEST_PAUSE_MS) * (0.5 + 0.5 * random());
  }
}

class Thing<State, Event> implements Watched<State, Event> {
  state: State | undefined;
  greeting: Event | undefined;
  readonly members = new Set<EventStream<Event>>();
  /** Subscribers whose first look has not begun. */
  readonly newcomers: Array<Newcomer<Event>> = [];
  fault: { error: unknown } | undefined;
  isOver = false;

  constructor(readonly key: string) {}

  tell(event: Event, about = this.key): void {
    for (const stream of this.members) stream.tell(about, event);
  }

  end(): void {
    this.isOver = true;
    for (const stream of this.members) stream.end();
    this.members.clear();
  }

  fail(error: unknown): void {
    this.fault = { error };
    for (const stream of [...this.members]) stream.fail(error);
  }
}

/** Feeds run outside any request's context. */
const outside = new AsyncResource('ChangeFeed');
