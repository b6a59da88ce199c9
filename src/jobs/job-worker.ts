import type { DataSource } from 'typeorm';
import { HOUR_MS, MINUTE_MS } from '../law/calendar';
import { dialectOf } from '../storage/dialect';
import type { Regions } from '../storage/regions';
import { inTransaction } from '../storage/transaction';
import type { Due } from './due-work';
import type { Jobs } from './jobs';
import { type Lease, LeaseLostError } from './leases';

/** Handles one kind of job. A job has only the id of what it is about, so each handler recognises its own. */
export interface JobHandler {
  /**
   * Does the work, and finishes or parks the job. When `signal` is aborted, it stops at the next safe point and
   * releases the job.
   * @returns false when the job belongs to another handler
   */
  carryOut(lease: Lease, signal: AbortSignal): Promise<boolean>;
  /** Called after a failure, when the job has been postponed. @param fault a code */
  failed?(lease: Lease, fault: string): Promise<void>;
}

export interface JobWorkerOptions {
  readonly regions: Regions;
  readonly jobs: Jobs;
  readonly handlers: readonly JobHandler[];
  /** Jobs at the same time in this process. The embedded database does one. */
  readonly concurrency?: number;
  readonly now?: () => number;
  readonly onFailure?: (error: unknown, job: { client: string; id: string }) => void;
  readonly onDone?: (job: { client: string; id: string }) => void;
}

/** Milliseconds to wait after each failure in a row. */
const BACKOFF_MS = [1_000, 5_000, 30_000, 2 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS];

/**
 * Takes jobs from the queue of each region and passes them to their handlers. Any number of workers can run, in any
 * number of processes.
 */
export class JobWorker {
  readonly #options: JobWorkerOptions;
  readonly #now: () => number;

  constructor(options: JobWorkerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Works until no job is due.
   * @returns how many jobs it took
   * @throws {AggregateError} when a region's queue could not be read; the others were processed
   */
  async drain(signal: AbortSignal = new AbortController().signal): Promise<number> {
    for (let all = 0; ; ) {
      const { taken, failures } = await this.#look(signal);
      all += taken;
      if (taken > 0) continue;
      if (failures.length > 0) throw unread(failures);
      return all;
    }
  }

  /**
   * Processes the due jobs of each region once. A region that fails does not stop the others.
   * @param due knows where there are some; without it every queue is asked
   * @returns how many jobs it took
   * @throws {AggregateError} with the failures of the regions
   */
  async round(signal: AbortSignal, due?: Due<'job'>): Promise<number> {
    const { taken, failures } = await this.#look(signal, due);
    if (failures.length > 0) throw unread(failures);
    return taken;
  }

  async #look(signal: AbortSignal, due?: Due<'job'>): Promise<{ taken: number; failures: unknown[] }> {
    const failures: unknown[] = [];
    let taken = 0;
    for (const source of this.#options.regions.all()) {
      if (signal.aborted) break;
      try {
        if (due && !(await due.isDue(source, 'job'))) continue;
        const here = await this.#work(source, signal);
        if (here > 0) due?.again(source);
        taken += here;
      } catch (error) {
        failures.push(error);
      }
    }
    return { taken, failures };
  }

  async #work(source: DataSource, signal: AbortSignal): Promise<number> {
    const { jobs, concurrency: most = 4 } = this.#options;
    const concurrency = dialectOf(source).embedded ? 1 : most;
    const leases = await jobs.claim(source, concurrency * 4);
    const waiting = [...leases];
    const lane = async () => {
      for (let lease = waiting.shift(); lease; lease = waiting.shift()) await this.#run(source, lease, signal);
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
    return leases.length;
  }

  async #run(source: DataSource, lease: Lease, signal: AbortSignal): Promise<void> {
    const { handlers, jobs, onFailure, onDone } = this.#options;
    let handler: JobHandler | undefined;
    try {
      if (signal.aborted) return await inTransaction(source, (manager) => jobs.release(manager, lease));
      for (handler of handlers) if (await handler.carryOut(lease, signal)) return onDone?.(lease);
      // What the job was about is gone.
      await inTransaction(source, (manager) => jobs.finish(manager, lease));
    } catch (error) {
      if (error instanceof LeaseLostError) return;
      onFailure?.(error, lease);
      // When this fails too, the lease ends by itself and the job is taken again.
      await this.#postpone(source, lease, handler, faultOf(error)).catch(() => undefined);
    }
  }

  async #postpone(source: DataSource, lease: Lease, handler: JobHandler | undefined, fault: string): Promise<void> {
    const wait = BACKOFF_MS[Math.min(lease.attempts, BACKOFF_MS.length) - 1] ?? 1_000;
    await inTransaction(source, async (manager) => {
      await lease.fence(manager);
      await this.#options.jobs.park(manager, lease, this.#now() + wait, fault);
    });
    await handler?.failed?.(lease, fault);
  }
}

const unread = (failures: readonly unknown[]) => new AggregateError(failures, 'a queue of jobs could not be worked on');

/** A code, never an error's text, which can contain personal data. */
function faultOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code.slice(0, 100) : 'FAILED';
}
