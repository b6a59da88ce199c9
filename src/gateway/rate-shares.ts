import { randomUUID } from 'node:crypto';
import { Column, type DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm';
import { macOf } from '../keys/derived-keys';
import { HOUR_MS, MINUTE_MS } from '../law/calendar';
import { countColumn, digestColumn, instantColumn } from '../storage/columns';
import { dialectOf } from '../storage/dialect';
import { affectedRows, insertStatement } from '../storage/sql';
import { inTransaction } from '../storage/transaction';
import { writeStatement } from '../storage/write-statement';
import { LEASES, type Shares } from './rate-budgets';

/** One caller's budget in its latest window, or one process. */
@Entity('rate_share')
export class RateShareRow {
  /** A keyed digest: who asks cannot be read from the table. A process is named by `process/` and its id. */
  @PrimaryColumn({ ...digestColumn })
  bucket: string;

  /** Of a process: when it last announced itself. */
  @Column({ name: 'window_at', ...instantColumn })
  windowAt: number;

  /** How many of the window's leases are taken. */
  @Column({ ...countColumn })
  leased: number;
}

/** A process that has announced itself within this time counts. It does so every minute. */
const ALIVE_MS = 3 * MINUTE_MS;
/** Until it knows how many there are, a process counts on many: it may take less than its part, never more. */
const MANY = 64;

const COLUMNS = ['bucket', 'window_at', 'leased'];
const LEASE =
  'UPDATE rate_share SET leased = CASE WHEN window_at < ? THEN 1 ELSE leased + 1 END, ' +
  'window_at = CASE WHEN window_at < ? THEN ? ELSE window_at END ' +
  `WHERE bucket = ? AND (window_at < ? OR leased < ${LEASES})`;

/** Budgets that all processes of an installation share, by a table in the home database. */
export class RateShares implements Shares {
  readonly #source: DataSource;
  readonly #key: Buffer;
  readonly #id = randomUUID();
  #processes = MANY;

  /** @param key the platform's, for `rate-share` */
  constructor(source: DataSource, key: Buffer) {
    this.#source = source;
    this.#key = key;
  }

  get processes(): number {
    return this.#processes;
  }

  async lease(budget: string, windowAt: number): Promise<boolean> {
    const bucket = macOf(this.#key, budget);
    return inTransaction(this.#source, async (manager) => {
      const leased = await affectedRows(manager, LEASE, [windowAt, windowAt, windowAt, bucket, windowAt]);
      return leased > 0 || (await this.#insert(manager, [bucket, windowAt, 1]));
    });
  }

  /**
   * Says that this process is there, counts those that are, and forgets what nobody used for an hour.
   * @returns false: there is no more to do at once
   */
  async announce(now = Date.now()): Promise<boolean> {
    const me = `process/${this.#id.slice(0, 32)}`;
    await inTransaction(this.#source, async (manager) => {
      const known = await affectedRows(manager, 'UPDATE rate_share SET window_at = ? WHERE bucket = ?', [now, me]);
      if (known === 0) await this.#insert(manager, [me, now, 0]);
    });
    const [row] = await this.#source.query<Array<{ processes: number }>>(
      "SELECT COUNT(*) AS processes FROM rate_share WHERE bucket LIKE 'process/%' AND window_at > ?",
      [now - ALIVE_MS],
    );
    this.#processes = Math.max(1, Number(row?.processes ?? MANY));
    await writeStatement(this.#source, 'DELETE FROM rate_share WHERE window_at < ?', [now - HOUR_MS]);
    return false;
  }

  async #insert(manager: EntityManager, values: unknown[]): Promise<boolean> {
    const { insertIgnore } = dialectOf(this.#source);
    return (await affectedRows(manager, insertStatement('rate_share', COLUMNS, 1, insertIgnore), values)) > 0;
  }
}
