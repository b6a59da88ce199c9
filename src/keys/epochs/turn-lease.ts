import { randomUUID } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { dialectOf } from '../../storage/dialect';
import { affectedRows } from '../../storage/sql';
import { settled } from '../settled';

/** A process that has not renewed its lease for this long has died. Milliseconds. */
const LEASE_MS = 60_000;

/** What a transaction of a turning did, counted in the epoch's row. */
export interface TurnCounts {
  readonly clients?: number;
  readonly buckets?: number;
  readonly subjects?: number;
  readonly destroyed?: number;
}

/** Another process has taken the turning over. The transaction is rolled back. */
class TurnLostError extends Error {
  override readonly name = 'TurnLostError';
  readonly code = 'TURN_LOST';
}

/**
 * The right to turn an epoch, of one process at a time. It is a part of the epoch's row: the database's clock counts,
 * and a dead holder's lease ends by itself.
 */
export class TurnLease {
  readonly #source: DataSource;
  readonly #number: number;
  readonly #holder = randomUUID();
  readonly #now: string;

  private constructor(source: DataSource, number: number) {
    this.#source = source;
    this.#number = number;
    this.#now = `${dialectOf(source).now} * 1000`;
  }

  /** Runs `work` while this process may turn the epoch. @returns undefined where another process does */
  static async holding<T>(
    source: DataSource,
    number: number,
    work: (lease: TurnLease) => Promise<T>,
  ): Promise<{ readonly result: T } | undefined> {
    const lease = new TurnLease(source, number);
    if (!(await lease.#take())) return undefined;
    // The next renewal comes before the lease ends.
    const renewal = setInterval(() => void lease.renew().catch(() => undefined), LEASE_MS / 4).unref();
    try {
      return { result: await work(lease) };
    } finally {
      clearInterval(renewal);
      await lease.#release();
    }
  }

  /**
   * Renews the lease within a transaction of the turning, and counts what the transaction does. So only the holder's
   * transactions commit.
   * @throws TurnLostError
   */
  async fence(manager: EntityManager, counts: TurnCounts = {}): Promise<void> {
    const { clients = 0, buckets = 0, subjects = 0, destroyed = 0 } = counts;
    const held = await affectedRows(
      manager,
      `UPDATE key_epoch SET lease_until = ${this.#now} + ${LEASE_MS}, turned_clients = turned_clients + ?,
       turned_buckets = turned_buckets + ?, turned_subjects = turned_subjects + ?,
       turned_destroyed = turned_destroyed + ? WHERE number = ? AND lease_holder = ?`,
      [clients, buckets, subjects, destroyed, this.#number, this.#holder],
    );
    if (held === 0) throw new TurnLostError('another process turns the epoch');
  }

  /** Renews the lease by itself. @throws TurnLostError */
  async renew(): Promise<void> {
    await settled(this.#source, (manager) => this.fence(manager));
  }

  async #take(): Promise<boolean> {
    const sql = `UPDATE key_epoch SET lease_holder = ?, lease_until = ${this.#now} + ${LEASE_MS}
                 WHERE number = ? AND (lease_holder IS NULL OR lease_holder = ? OR lease_until < ${this.#now})`;
    const taken = await settled(this.#source, (manager) =>
      affectedRows(manager, sql, [this.#holder, this.#number, this.#holder]),
    );
    return taken > 0;
  }

  async #release(): Promise<void> {
    const sql = 'UPDATE key_epoch SET lease_holder = NULL WHERE number = ? AND lease_holder = ?';
    await settled(this.#source, (manager) => manager.query(sql, [this.#number, this.#holder]));
  }
}
