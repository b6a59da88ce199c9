/** Milliseconds for which a budget is given, and begins anew. */
export const WINDOW_MS = 10_000;
/** Into how many leases the shared part of a budget is cut. */
export const LEASES = 4;
/** The part of a budget that is not shared: each process takes its own share of it without asking. */
const OWN_PART = 0.25;
/** The most budgets remembered. Whoever has used most of one is asked for soon again. */
const MOST_BUDGETS = 100_000;

/** What the processes of an installation know of each other. */
export interface Shares {
  /** How many there are. */
  readonly processes: number;
  /** Takes one of the window's leases. @returns false where all are taken */
  lease(budget: string, windowAt: number): Promise<boolean>;
}

interface Spent {
  readonly windowAt: number;
  used: number;
  /** What this process may use, own share and leases together. */
  granted: number;
  /** Nothing more can be leased in this window. */
  isLast: boolean;
  leasing: Promise<void> | undefined;
}

/**
 * Budgets for windows of ten seconds, shared by all processes. A quarter of a budget is divided among the processes,
 * each of which uses its share without asking. The rest is leased in four parts, by one small statement each: a
 * budget costs at most four statements a window, and one more of each process that gets none. With P processes that
 * know of each other at most the budget is used in a window, so at most (t ÷ 10 + 1) times the budget in t seconds.
 * Where nothing can be leased, a process uses its part of the whole budget, and no more.
 */
export class RateBudgets {
  readonly #shares: Shares;
  readonly #now: () => number;
  readonly #onFailure: (error: unknown) => void;
  readonly #spent = new Map<string, Spent>();

  constructor(shares: Shares, onFailure: (error: unknown) => void = () => undefined, now: () => number = Date.now) {
    this.#shares = shares;
    this.#onFailure = onFailure;
    this.#now = now;
  }

  /**
   * Takes an amount out of a budget.
   * @param size of the budget, for one window
   * @returns whether there was as much; a promise where the other processes have to be asked
   */
  take(budget: string, size: number, amount: number): boolean | Promise<boolean> {
    const spent = this.#spentOf(budget, size);
    if (spent.used + amount <= spent.granted) {
      spent.used += amount;
      return true;
    }
    if (spent.isLast) return false;
    spent.leasing ??= this.#lease(budget, size, spent).finally(() => {
      spent.leasing = undefined;
    });
    return spent.leasing.then(() => this.take(budget, size, amount));
  }

  /** In how many seconds every budget begins anew. */
  secondsLeft(): number {
    return Math.max(1, Math.ceil((WINDOW_MS - (this.#now() % WINDOW_MS)) / 1_000));
  }

  #spentOf(budget: string, size: number): Spent {
    const now = this.#now();
    const windowAt = now - (now % WINDOW_MS);
    const known = this.#spent.get(budget);
    if (known?.windowAt === windowAt) return known;
    const { processes } = this.#shares;
    const isAlone = processes === 1;
    const granted = isAlone ? size : (size * OWN_PART) / processes;
    const spent = { windowAt, used: 0, granted, isLast: isAlone, leasing: undefined };
    // The order is that of their windows: what comes first is oldest.
    this.#spent.delete(budget);
    this.#spent.set(budget, spent);
    const [oldest] = this.#spent.keys();
    if (this.#spent.size > MOST_BUDGETS && oldest !== undefined) this.#spent.delete(oldest);
    return spent;
  }

  async #lease(budget: string, size: number, spent: Spent): Promise<void> {
    try {
      if (await this.#shares.lease(budget, spent.windowAt)) spent.granted += (size * (1 - OWN_PART)) / LEASES;
      else spent.isLast = true;
    } catch (error) {
      spent.isLast = true;
      spent.granted = Math.max(spent.granted, size / this.#shares.processes);
      this.#onFailure(error);
    }
  }
}
