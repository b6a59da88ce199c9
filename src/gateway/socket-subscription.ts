import type { GovernedResult } from '../governance/govern';

/** The answer to an event, and whether the subscription ends with it. */
export interface AnsweredEvent {
  readonly result: GovernedResult;
  readonly last: boolean;
}

/** What all subscriptions of a server share. */
export interface EventAnswers<Terms> {
  /** @throws what ends the subscription */
  answer(subscription: SocketSubscription<Terms>, event: unknown): Promise<AnsweredEvent>;
  /** The last answer where the source of events fails. */
  broken(error: unknown): GovernedResult;
  /** Called once, when the subscription has ended, however it ended. */
  ended(subscription: SocketSubscription<Terms>): void;
}

/**
 * A subscription on a WebSocket: a stream of answers, one for each event. `return` reaches the source at once. It keeps
 * its terms and nothing of the request that opened it, since it may be idle for months.
 */
export class SocketSubscription<Terms> implements AsyncGenerator<GovernedResult, void, void> {
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

  async next(): Promise<IteratorResult<GovernedResult, void>> {
    if (this.#isOver) return over;
    let step: IteratorResult<unknown>;
    try {
      step = await this.#events.next();
    } catch (error) {
      if (this.#isOver) return over;
      this.#end();
      return { done: false, value: this.#answers.broken(error) };
    }
    if (step.done && !this.#isOver) this.#end();
    return this.#isOver ? over : this.#answered(step.value);
  }

  async #answered(event: unknown): Promise<IteratorResult<GovernedResult, void>> {
    try {
      const { result, last } = await this.#answers.answer(this, event);
      if (this.#isOver) return over;
      if (last) await this.return();
      return { done: false, value: result };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<GovernedResult, void>> {
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
