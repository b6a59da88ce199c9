const EVERY_MS = 60_000;

/** Sends notices that are due. */
export interface Teller {
  tellDue(): Promise<unknown>;
}

/** Has due notices sent, once a minute. */
export class DueNotices {
  readonly #tellers: readonly Teller[];
  readonly #onFailure: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(tellers: readonly Teller[], onFailure: (error: unknown) => void) {
    this.#tellers = tellers;
    this.#onFailure = onFailure;
  }

  start(): void {
    const tell = () => {
      this.#running = Promise.all(this.#tellers.map((teller) => teller.tellDue().catch(this.#onFailure)));
    };
    this.#timer ??= setInterval(tell, EVERY_MS).unref();
    tell();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
