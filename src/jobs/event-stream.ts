import { GraphQLError } from 'graphql';

/** The most things that wait for one subscriber, each with its latest event. */
export const MOST_WAITING = 1_000;

interface Waiter<Event> {
  resolve(step: IteratorResult<Event, void>): void;
  reject(error: unknown): void;
}

/**
 * The events of one subscriber, and the only source that a subscription may have. Of each thing only the latest event
 * waits, so that a slow reader goes on with what is so now. `return` ends a waiting `next` at once: in an async
 * generator it would wait for the next event, and the source with it.
 */
export class EventStream<Event> implements AsyncGenerator<Event, void, void> {
  #left: ((stream: EventStream<Event>) => void) | undefined;
  readonly #waiters: Array<Waiter<Event>> = [];
  #kept: Map<string, Event> | undefined;
  #ended = false;
  #error: unknown;

  /** @param left called once, when the subscriber has left or the stream has failed */
  constructor(left?: (stream: EventStream<Event>) => void) {
    this.#left = left;
  }

  /** @param thing what the event is about: a later event about it replaces one that waits */
  tell(thing: string, event: Event): void {
    if (this.#ended) return;
    const waiter = this.#waiters.shift();
    if (waiter) {
      waiter.resolve({ value: event, done: false });
      return;
    }
    this.#kept ??= new Map();
    this.#kept.delete(thing);
    this.#kept.set(thing, event);
    if (this.#kept.size > MOST_WAITING) this.fail(tooSlow());
  }

  /** Ends the stream behind the events that wait. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(over);
  }

  /** Ends the stream with an error. What waits is dropped. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#kept = undefined;
    const [first, ...others] = this.#waiters.splice(0);
    if (first) first.reject(error);
    else this.#error = error;
    for (const waiter of others) waiter.resolve(over);
    this.#leave();
  }

  next(): Promise<IteratorResult<Event, void>> {
    for (const [thing, value] of this.#kept ?? []) {
      this.#kept?.delete(thing);
      return Promise.resolve({ value, done: false });
    }
    this.#kept = undefined;
    if (!this.#ended) return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? Promise.resolve(over) : Promise.reject(error);
  }

  async return(): Promise<IteratorResult<Event, void>> {
    this.end();
    this.#kept = undefined;
    this.#leave();
    return over;
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  #leave(): void {
    const left = this.#left;
    this.#left = undefined;
    left?.(this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

const over: IteratorResult<never, void> = { value: undefined, done: true };

const tooSlow = (): GraphQLError =>
  new GraphQLError(
    `More than ${MOST_WAITING} changes wait to be read; read the list of what there is, then subscribe again.`,
    { extensions: { code: 'TOO_MANY_EVENTS' } },
  );
