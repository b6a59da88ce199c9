/** Work that a process does again and again beside answering requests. */
export interface Task {
  /** How it is called in the log and in metrics. */
  readonly name: string;
  /** Milliseconds from the end of one run to the beginning of the next, give or take a tenth. */
  readonly everyMs: number;
  /**
   * @param signal aborted when the scheduler stops: a long run ends at its next safe point
   * @returns whether there is more to do at once
   */
  run(signal: AbortSignal): Promise<boolean>;
  /** Waits for what the runs have left under way, when the scheduler stops. */
  settled?(): Promise<void>;
}

/** How a task goes in this process. */
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

/** Part of an interval by which it is longer or shorter. */
const JITTER = 0.1;
/** Milliseconds that `stop` waits unless told otherwise. */
const GRACE_MS = 30_000;

const notYet: TaskState = { lastSuccessAt: undefined, failedRuns: 0 };

/**
 * Runs the background tasks of a process, each in a loop of its own. A run that fails is told of, and the task goes on
 * after its interval. No run of a task begins before the last one has ended.
 */
export class Scheduler {
  readonly #tasks: readonly Task[];
  readonly #options: SchedulerOptions;
  readonly #states = new Map<string, TaskState>();
  readonly #stop = new AbortController();
  /** Ends the pauses between runs. */
  readonly #pauses = new Set<() => void>();
  #loops: Promise<unknown> | undefined;

  constructor(tasks: readonly Task[], options: SchedulerOptions) {
    const names = tasks.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new TypeError(`two background tasks are called ${twice}`);
    this.#tasks = tasks;
    this.#options = options;
  }

  /** Begins; at once where it has begun, or was stopped, already. */
  start(): void {
    this.#loops ??= Promise.all(this.#tasks.map((task) => this.#loop(task)));
  }

  /** How a task goes; a task that has not run yet, or is not known, has neither succeeded nor failed. */
  state(task: string): TaskState {
    return this.#states.get(task) ?? notYet;
  }

  /** How each task goes. */
  states(): ReadonlyMap<string, TaskState> {
    return new Map(this.#tasks.map(({ name }) => [name, this.state(name)]));
  }

  /**
   * Begins no run any more, and waits for those under way.
   * @param graceMs how long it waits for them
   * @returns whether all have ended; what has not is left to its lease
   */
  async stop(graceMs = GRACE_MS): Promise<boolean> {
    this.#stop.abort();
    for (const end of this.#pauses) end();
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
      const isMore = await task.run(signal);
      this.#states.set(task.name, { lastSuccessAt: now(), failedRuns: 0 });
      return isMore;
    } catch (error) {
      const { lastSuccessAt, failedRuns } = this.state(task.name);
      this.#states.set(task.name, { lastSuccessAt, failedRuns: failedRuns + 1 });
      onFailure(error, task.name);
      return false;
    }
  }

  #pause({ everyMs }: Task): Promise<void> {
    const { random = Math.random } = this.#options;
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, everyMs * (1 - JITTER + 2 * JITTER * random()));
      this.#pauses.add(end);
    });
  }
}
