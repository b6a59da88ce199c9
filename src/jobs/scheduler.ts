import { withMoreTime } from '../connections/time';

/** Work that a process repeats in the background. */
export interface Task {
  /** Its name in the log and in metrics. */
  readonly name: string;
  /** Milliseconds from the end of one run to the beginning of the next, give or take a tenth. */
  readonly everyMs: number;
  /**
   * @param signal aborted when the scheduler stops: a long run ends at its next safe point
   * @returns whether there is more to do at once
   */
  run(signal: AbortSignal): Promise<boolean>;
  /** Waits on stop for work that runs have left under way. */
  settled?(): Promise<void>;
  /** Milliseconds to the next run, instead of `everyMs`. */
  pauseMs?(): number;
  /** @param end ends a pause before its time */
  onSooner?(end: () => void): void;
  /** When a run last succeeded in any process, in milliseconds since 1970, where that is known. */
  lastSuccessAt?(): number | undefined;
}

/** The state of a task in this process. */
export interface TaskState {
  /** When a run last ended without a failure, in milliseconds since 1970. */
  readonly lastSuccessAt: number | undefined;
  /** How many runs in a row have failed. */
  readonly failedRuns: number;
}

export interface SchedulerOptions {
  readonly onFailure: (error: unknown, task: string) => void;
  readonly now?: () => number;
  /** From 0 to 1, below 1: spreads the runs of processes that were started together. */
  readonly random?: () => number;
}

/** The fraction by which an interval is longer or shorter. */
const JITTER = 0.1;
/** The default wait of `stop`. */
const GRACE_MS = 30_000;

const notYet: TaskState = { lastSuccessAt: undefined, failedRuns: 0 };

/**
 * Runs the background tasks of a process, each in a loop of its own. A failed run is reported, and the task runs again
 * after its interval. Runs of a task do not overlap.
 */
export class Scheduler {
  readonly #tasks: readonly Task[];
  readonly #options: SchedulerOptions;
  readonly #states = new Map<string, TaskState>();
  readonly #stop = new AbortController();
  /** Ends the pauses between runs. */
  readonly #pauses = new Map<Task, () => void>();
  #loops: Promise<unknown> | undefined;
  /** When a run last ended, failed or not. Milliseconds of `performance.now()`. */
  #lastEnd = 0;

  constructor(tasks: readonly Task[], options: SchedulerOptions) {
    const names = tasks.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new TypeError(`two background tasks are called ${twice}`);
    this.#tasks = tasks;
    this.#options = options;
  }

  /** Starts all tasks. A second call does nothing. */
  start(): void {
    this.#lastEnd = performance.now();
    this.#loops ??= Promise.all(this.#tasks.map((task) => this.#loop(task)));
    for (const task of this.#tasks) task.onSooner?.(() => this.#pauses.get(task)?.());
  }

  /** The state of a task. One that has not run has neither succeeded nor failed. */
  state(task: string): TaskState {
    const own = this.#states.get(task) ?? notYet;
    const shared = this.#tasks.find(({ name }) => name === task)?.lastSuccessAt;
    return shared ? { ...own, lastSuccessAt: shared() } : own;
  }

  /** For how many milliseconds no run of any task has ended, failed or not; 0 where none is to run. */
  idleMs(): number {
    return this.#loops === undefined || this.#stop.signal.aborted ? 0 : performance.now() - this.#lastEnd;
  }

  /** The states of all tasks. */
  states(): ReadonlyMap<string, TaskState> {
    return new Map(this.#tasks.map(({ name }) => [name, this.state(name)]));
  }

  /**
   * Stops all tasks, and waits for runs under way.
   * @param graceMs the longest wait
   * @returns whether all runs have ended; jobs of the others are taken over when their leases end
   */
  async stop(graceMs = GRACE_MS): Promise<boolean> {
    this.#stop.abort();
    for (const end of this.#pauses.values()) end();
    const ended = Promise.resolve(this.#loops)
      .then(() => Promise.all(this.#tasks.map((task) => task.settled?.())))
      .then(() => true);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, graceMs, false);
    });
    return Promise.race([ended, late]).finally(() => clearTimeout(timer));
  }

  async #loop(task: Task): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const isMore = await this.#run(task, signal);
      if (!isMore && !signal.aborted) await this.#pause(task);
    }
  }

  async #run(task: Task, signal: AbortSignal): Promise<boolean> {
    const { now = Date.now, onFailure } = this.#options;
    try {
      const isMore = await withMoreTime('background', () => task.run(signal));
      this.#states.set(task.name, { lastSuccessAt: now(), failedRuns: 0 });
      return isMore;
    } catch (error) {
      const { lastSuccessAt, failedRuns } = this.state(task.name);
      this.#states.set(task.name, { lastSuccessAt, failedRuns: failedRuns + 1 });
      onFailure(error, task.name);
      return false;
    } finally {
      this.#lastEnd = performance.now();
    }
  }

  #pause(task: Task): Promise<void> {
    const { random = Math.random } = this.#options;
    const pauseMs = task.pauseMs?.() ?? task.everyMs * (1 - JITTER + 2 * JITTER * random());
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#pauses.delete(task);
        resolve();
      };
      const timer = setTimeout(end, pauseMs);
      this.#pauses.set(task, end);
    });
  }
}
