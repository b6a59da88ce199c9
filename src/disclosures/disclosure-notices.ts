import type { Disclosures } from './disclosures';

const EVERY_MS = 60_000;

/** Tells clients of disclosures when the gag that covered them has ended (statement S4). */
export class DisclosureNotices {
  readonly #disclosures: Pick<Disclosures, 'tellDue'>;
  readonly #onFailure: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(disclosures: Pick<Disclosures, 'tellDue'>, onFailure: (error: unknown) => void) {
    this.#disclosures = disclosures;
    this.#onFailure = onFailure;
  }

  start(): void {
    const tell = () => {
      this.#running = this.#disclosures.tellDue().catch(this.#onFailure);
    };
    this.#timer ??= setInterval(tell, EVERY_MS).unref();
    tell();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
