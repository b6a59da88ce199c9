import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { type Lease, LeaseLostError } from '../jobs/jobs';
import { dialectOf } from '../storage/dialect';
import { committed, inTransaction } from '../storage/transaction';
import { recordAct } from './acts';
import type { ErasureParts } from './parts';
import { readState } from './requests';
import { runErasure } from './saga';

export interface WorkerOptions {
  /** Erasures at once in this process; the embedded database takes one. */
  readonly concurrency?: number;
  /** Milliseconds between looks at an empty queue. */
  readonly idleMs?: number;
  readonly onFailure?: (error: unknown, job: { client: string; id: string }) => void;
  readonly onDone?: (job: { client: string; id: string }) => void;
}

/** How the work goes in this process. */
export interface WorkerState {
  /** When every region's queue was last looked at and worked on without a fault, in milliseconds since 1970. */
  readonly lastSuccessAt: number | undefined;
  /** Looks in a row that failed: a queue could not be read, or nothing of it be taken. */
  readonly failedRounds: number;
}

/** Failures in a row after which somebody should look; it is tried again all the same. */
const ATTENTION_AFTER = 5;
const BACKOFF_MS = [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000];

/** Takes erasures from every region's queue and carries them out. As many as one likes run, in as many processes. */
export class ErasureWorker {
  readonly #parts: ErasureParts;
  readonly #options: WorkerOptions;
  #stopped = false;
  #running: Promise<void> | undefined;
  #wake = new AbortController();
  #lastSuccessAt: number | undefined;
  #failedRounds = 0;

  constructor(parts: ErasureParts, options: WorkerOptions = {}) {
    this.#parts = parts;
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#loop();
  }

  /** Finishes what is under way and takes nothing more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake.abort();
    await this.#running;
  }

  get state(): WorkerState {
    return { lastSuccessAt: this.#lastSuccessAt, failedRounds: this.#failedRounds };
  }

  /** Works until nothing is due. @returns how many jobs it took */
  async drain(): Promise<number> {
    let taken = 0;
    for (;;) {
      const round = await this.#round();
      if (round === 0) return taken;
      taken += round;
    }
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      const taken = await this.#round();
      if (taken === 0 && !this.#stopped) await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    await sleep(this.#options.idleMs ?? 1_000, undefined, { signal: this.#wake.signal }).catch(() => undefined);
  }

  /** A look at every region's queue; one that fails keeps no other from being worked on. */
  async #round(): Promise<number> {
    let [taken, failed] = [0, 0];
    for (const source of this.#parts.regions.all()) {
      if (this.#stopped) return taken;
      try {
        taken += await this.#work(source);
      } catch (error) {
        failed++;
        this.#options.onFailure?.(error, { client: '', id: '' });
      }
    }
    this.#failedRounds = failed > 0 ? this.#failedRounds + 1 : 0;
    if (failed === 0) this.#lastSuccessAt = this.#parts.now();
    return taken;
  }

  async #work(source: DataSource): Promise<number> {
    const concurrency = dialectOf(source).embedded ? 1 : (this.#options.concurrency ?? 4);
    const leases = await this.#parts.jobs(source).claim(concurrency * 4);
    const waiting = [...leases];
    const lane = async () => {
      for (let lease = waiting.shift(); lease; lease = waiting.shift()) await this.#run(source, lease);
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
    return leases.length;
  }

  async #run(source: DataSource, lease: Lease): Promise<void> {
    try {
      await runErasure(this.#parts, lease);
      this.#options.onDone?.(lease);
    } catch (error) {
      if (error instanceof LeaseLostError) return;
      this.#options.onFailure?.(error, lease);
      await this.#postpone(source, lease, error).catch(() => undefined);
    }
  }

  /** Lays a failed job aside for a while. A process that dies here leaves a lease that ends. */
  async #postpone(source: DataSource, lease: Lease, error: unknown): Promise<void> {
    const wait = BACKOFF_MS[Math.min(lease.attempts, BACKOFF_MS.length) - 1] ?? 1_000;
    const { code } = error as { code?: unknown };
    const fault = typeof code === 'string' ? code.slice(0, 100) : 'FAILED';
    await inTransaction(source, async (manager) => {
      await lease.fence(manager);
      await this.#parts.jobs(source).park(manager, lease, this.#parts.now() + wait, fault);
      if (lease.attempts < ATTENTION_AFTER) return;
      await manager.query(
        `UPDATE erasure_request SET status = 'ATTENTION_REQUIRED' WHERE client_id = ? AND id = ?
         AND status NOT IN ('CANCELLED', 'COMPLETED', 'PARTIALLY_COMPLETED')`,
        [lease.client, lease.id],
      );
    });
    if (lease.attempts !== ATTENTION_AFTER) return;
    const state = await committed(source, () => readState(source, lease.client, lease.id));
    if (state) await recordAct(this.#parts, 'ERASURE_FAILED', state, { fault, attempts: lease.attempts });
  }
}
