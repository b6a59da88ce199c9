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
  /** It cannot be watched: streams end with the error. */
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
  /** Whether a look for newcomers is about to begin. */
  #isAwaited = false;
  #failures = 0;

  constructor(options: ChangeFeedOptions<State, Event>) {
    this.#options = options;
  }

  /**
   * Subscribes to a thing. The stream begins with the next look, which who comes meanwhile shares: what changes after
   * it is told. It fails where the thing cannot be watched.
   */
  subscribe(key: string): EventStream<Event> {
    if (this.#things.size === 0) this.#dueAt = performance.now() + this.#pause();
    const thing = this.#things.get(key) ?? new Thing<State, Event>(key);
    this.#things.set(key, thing);
    const stream = new EventStream<Event>((left) => this.#leave(thing, left));
    thing.newcomers.add(stream);
    if (!this.#isLooking && !this.#isAwaited) this.#schedule();
    return stream;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#things.size === 0) {
      this.#failures = 0;
      return;
    }
    // While looks fail, who comes waits as the others do.
    this.#isAwaited = this.#failures === 0 && [...this.#things.values()].some(({ newcomers }) => newcomers.size > 0);
    const inMs = Math.max(this.#dueAt - performance.now(), 0);
    const pause = this.#isAwaited ? Math.min(inMs, TOGETHER_MS) : inMs;
    // Outside of the subscriber's request, and so outside of its transaction.
    outside.runInAsyncScope(() => {
      this.#timer = setTimeout(() => void this.#turn(), pause).unref();
    });
  }

  async #turn(): Promise<void> {
    const isDue = performance.now() >= this.#dueAt;
    const looked = [...this.#things.values()].filter(({ newcomers }) => isDue || newcomers.size > 0);
    // Timers count whole milliseconds, and may fire just before the look is due.
    if (looked.length === 0) {
      this.#schedule();
      return;
    }
    const arrived = looked.map((thing) => [thing, [...thing.newcomers]] as const);
    this.#isLooking = true;
    this.#isAwaited = false;
    try {
      await this.#options.look(looked);
      this.#note(undefined);
      for (const [thing, newcomers] of arrived) thing.admit(newcomers);
    } catch (error) {
      this.#note({ error });
    }
    this.#isLooking = false;
    for (const thing of looked) this.#forget(thing);
    if (isDue) this.#dueAt = performance.now() + this.#pause();
    this.#schedule();
  }

  #leave(thing: Thing<State, Event>, stream: EventStream<Event>): void {
    thing.members.delete(stream);
    thing.newcomers.delete(stream);
    this.#forget(thing);
    if (this.#things.size === 0 && !this.#isLooking) this.#schedule();
  }

  /** Nothing is kept of a thing that nobody watches. Who comes later watches it anew. */
  #forget(thing: Thing<State, Event>): void {
    const isWatched = thing.members.size > 0 || thing.newcomers.size > 0;
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
  /** Subscribers that no look has seen. */
  readonly newcomers = new Set<EventStream<Event>>();
  #fault: { readonly error: unknown } | undefined;
  #isOver = false;

  constructor(readonly key: string) {}

  tell(event: Event, about = this.key): void {
    for (const stream of this.members) stream.tell(about, event);
  }

  end(): void {
    this.#isOver = true;
    for (const stream of this.members) stream.end();
    this.members.clear();
  }

  fail(error: unknown): void {
    this.#fault = { error };
    for (const stream of [...this.members]) stream.fail(error);
  }

  /** Ends a look, which these newcomers waited for. */
  admit(newcomers: ReadonlyArray<EventStream<Event>>): void {
    const fault = this.#fault;
    this.#fault = undefined;
    for (const stream of newcomers) {
      // Who has left meanwhile is not among them any more.
      if (!this.newcomers.delete(stream)) continue;
      if (fault) {
        stream.fail(fault.error);
        continue;
      }
      if (this.greeting !== undefined) stream.tell(this.key, this.greeting);
      if (this.#isOver) stream.end();
      else this.members.add(stream);
    }
  }
}

/** Feeds run outside any request's context. */
const outside = new AsyncResource('ChangeFeed');
