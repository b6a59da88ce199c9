import type { DataSource } from 'typeorm';
import { dialectOf } from '../../storage/dialect';
import { affectedRows } from '../../storage/sql';
import { repeatable } from '../../storage/transaction';

/** A log whose process has not renewed its lease for this long counts as ended. Milliseconds. */
const LEASE_MS = 15 * 60_000;
/** A process renews its leases when this much of them is left; background work sees to it. */
const RENEW_BELOW_MS = 10 * 60_000;
/** A process stops using a log this long before others count it as ended. */
const MARGIN_MS = 2 * 60_000;

/** Another log has stated how this one ended, so it takes no more entries. */
export class LogEndedError extends Error {
  override readonly name = 'LogEndedError';
}

/**
 * Says in the database that a process still writes its log. Logs whose lease has ended are settled by the next log, so
 * that those of dead processes do not pile up. The database's clock counts, and this process measures the time that has
 * passed: neither needs the clock of any host to be right.
 */
export class LogLease {
  readonly #source: DataSource;
  readonly #logId: string;
  /** Of `performance.now()`. */
  #until = 0;

  constructor(source: DataSource, logId: string) {
    this.#source = source;
    this.#logId = logId;
  }

  /** The value of `alive_until` in SQL. It takes effect when `begun` is called. */
  get until(): string {
    return `${dialectOf(this.#source).now} * 1000 + ${LEASE_MS}`;
  }

  /** @param asked `performance.now()` before the lease was written */
  begun(asked: number): void {
    this.#until = asked + LEASE_MS;
  }

  /** Whether the log may be written without asking the database. */
  holds(): boolean {
    return performance.now() < this.#until - MARGIN_MS;
  }

  isAging(): boolean {
    return performance.now() > this.#until - RENEW_BELOW_MS;
  }

  /** @throws {LogEndedError} where a later log has stated how this one ended */
  async renew(): Promise<void> {
    const asked = performance.now();
    const renewed = await this.#set(this.until);
    if (renewed === 0) throw new LogEndedError('a later log of the ledger has settled this one');
    this.begun(asked);
  }

  /** The process stops to write: the next log may settle this one. */
  async end(): Promise<void> {
    this.#until = 0;
    await this.#set('0');
  }

  #set(until: string): Promise<number> {
    return repeatable(this.#source, (manager) =>
      affectedRows(manager, `UPDATE audit_log SET alive_until = ${until} WHERE log_id = ? AND settled = 0`, [
        this.#logId,
      ]),
    );
  }
}
