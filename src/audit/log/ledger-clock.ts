import type { DataSource } from 'typeorm';
import { dialectOf } from '../../storage/dialect';
import { runStatement } from '../../storage/statements';

/** How often the database is asked. The quickest answer is the most exact. */
const SAMPLES = 5;

/**
 * The time of the ledger: the home database's. Entries about one row may come from processes whose clocks differ by
 * hours, and their ids have to order them.
 */
export class LedgerClock {
  /** What to add to `performance.now()`, which no correction of the system's clock moves. */
  readonly #base: number;

  private constructor(base: number) {
    this.#base = base;
  }

  /** This process's own clock. */
  static local(): LedgerClock {
    return new LedgerClock(Date.now() - performance.now());
  }

  static async of(source: DataSource): Promise<LedgerClock> {
    let best = { took: Number.POSITIVE_INFINITY, base: 0 };
    for (let sample = 0; sample < SAMPLES; sample++) {
      const asked = performance.now();
      const now = await timeOf(source);
      const took = performance.now() - asked;
      if (took < best.took) best = { took, base: now - asked - took / 2 };
    }
    return new LedgerClock(best.base);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Math.round(this.#base + performance.now());
  }
}

async function timeOf(source: DataSource): Promise<number> {
  const sql = `SELECT ${dialectOf(source).clock} AS clock`;
  const [row] = await runStatement<Array<{ clock: string }>>(source, sql, []);
  return Date.parse(`${row?.clock.replace(' ', 'T')}Z`);
}
