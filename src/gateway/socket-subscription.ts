/** The answer to an event as JSON, and whether the subscription ends with it. */
export interface AnsweredEvent {
  readonly payload: string;
  readonly last: boolean;
}

/** What all subscriptions of a server share. */
export interface EventAnswers<Terms> {
  /** @throws what ends the subscription */
  answer(subscription: SocketSubscription<Terms>, event: unknown): Promise<AnsweredEvent>;
  /** The last answer where the source of events fails. */
  broken(error: unknown): string;
  /** Sends an answer. Resolves once it has left, and a subscriber that reads slowly may be told the next one. */
  send(subscription: SocketSubscription<Terms>, payload: string): Promise<void>;
  /** Called once, when the subscription has ended, however it ended. */
  ended(subscription: SocketSubscription<Terms>): void;
}

/**
 * A subscription on a WebSocket: a stream that yields nothing. It sends the answers itself, as text that it shares with
 * others, and is over when the subscription is. `return` reaches the source at once. It keeps its terms and nothing of
 * the request that opened it, since it may be idle for months.
 */
export class SocketSubscription<Terms> implements AsyncGenerator<never, void, void> {
  readonly terms: Terms;
  readonly #events: AsyncIterator<unknown>;
  readonly #answers: EventAnswers<Terms>;
  #isOver = false;
  /** Ends the pause before an event is tried again. */
  #wake: (() => void) | undefined;

  constructor(events: AsyncIterable<unknown>, terms: Terms, answers: EventAnswers<Terms>) {
    this.#events = events[Symbol.asyncIterator]();
    this.terms = terms;
    this.#answers = answers;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Tells the subscriber its events, until it is over. @throws what ended it */
  async next(): Promise<IteratorResult<never, void>> {
    while (!this.#isOver) {
      const step = await this.#step();
      if (this.#isOver) break;
      if (step.done) this.#end();
      else await this.#tell(step.value);
    }
    return over;
  }

  async #step(): Promise<IteratorResult<unknown, unknown>> {
    try {
      return await this.#events.next();
    } catch (error) {
      if (!this.#isOver) {
        this.#end();
        await this.#answers.send(this, this.#answers.broken(error));
      }
      return over;
    }
  }

  async #tell(event: unknown): Promise<void> {
    try {
      const { payload, last } = await this.#answers.answer(this, event);
      if (this.#isOver) return;
      const sent = this.#answers.send(this, payload);
      if (last) await this.return();
      await sent;
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<never, void>> {
    if (!this.#isOver) {
      this.#end();
      await this.#events.return?.();
    }
    return over;
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  /** Waits before an event is tried again; no longer than the subscription lasts. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      if (this.#isOver) this.#wake();
    });
  }

  #end(): void {
    this.#isOver = true;
    this.#wake?.();
    this.#answers.ended(this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

const over: IteratorResult<never, void> = { done: true, value: undefined };
