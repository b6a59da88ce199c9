import { setTimeout as sleep } from 'node:timers/promises';
import { type SenderOptions, WebhookSender } from '../register/webhooks/webhook-sender';
import type { ErasureModule } from './module';
import { type OpenErasures, openErasures } from './monitoring';
import { ErasureWorker, type WorkerOptions, type WorkerState } from './worker';

export interface BackgroundOptions {
  readonly worker?: WorkerOptions;
  readonly sender?: SenderOptions;
  /** Milliseconds between two looks at what is to be sent. */
  readonly sendEveryMs?: number;
  /** Milliseconds between two sweeps of what has outlived its retention. */
  readonly sweepEveryMs?: number;
  readonly onFailure?: (error: unknown) => void;
  /** Told where terms end within a week, at each sweep. */
  readonly onNear?: (open: OpenErasures) => void;
}

const HOUR = 3_600_000;

/** What a server does beside answering: carries erasures out, tells recipients, files what has outlived its retention. */
export class ErasureBackground {
  readonly #room: ErasureModule;
  readonly #options: BackgroundOptions;
  readonly #worker: ErasureWorker;
  readonly #sender: WebhookSender;
  readonly #stop = new AbortController();
  #loops: Promise<unknown> | undefined;

  constructor(room: ErasureModule, options: BackgroundOptions = {}) {
    this.#room = room;
    this.#options = options;
    this.#worker = new ErasureWorker(room.parts, options.worker);
    this.#sender = new WebhookSender(room.parts.regions, room.webhooks, room.bodies, options.sender);
  }

  start(): void {
    this.#worker.start();
    const { sendEveryMs = 1_000, sweepEveryMs = HOUR, onFailure, onNear } = this.#options;
    const { retention, orphans, parts } = this.#room;
    this.#loops = Promise.all([
      this.#every(sendEveryMs, () => this.#sender.begin()),
      this.#every(sweepEveryMs, () => retention.sweep(onFailure)),
      this.#every(sweepEveryMs, async () => parts.exports?.sweep()),
      this.#every(sweepEveryMs, () => orphans.sweep(onFailure)),
      this.#every(sweepEveryMs, async () => {
        const open = await openErasures(parts);
        if (open.dueSoon > 0) onNear?.(open);
      }),
    ]);
  }

  /** How the work on erasures goes in this process. */
  get state(): WorkerState {
    return this.#worker.state;
  }

  /** Finishes what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#worker.stop();
    await this.#loops;
    await this.#sender.settled();
  }

  async #every(ms: number, work: () => Promise<unknown>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await work().catch((error: unknown) => this.#options.onFailure?.(error));
      await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }
}
