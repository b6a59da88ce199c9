import { randomUUID } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { affectedRows, insertStatement, placesFor } from '../storage/sql';
import { committed, inTransaction } from '../storage/transaction';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';

const work = 'work to do; it names no person';

/** Work that outlives the process that takes it. Its id is that of what it is about; it carries nothing else. */
@TenantTable('job', { erasure: 'KEEP' })
export class Job {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(work, { plain: 'id' })
  id: string;

  @NonPersonal(work, { plain: { text: 30 } })
  queue: string;

  @NonPersonal(work, { plain: 'instant' })
  runAt: number;

  @NonPersonal(work, { plain: 'count' })
  attempts: number;

  @NonPersonal(work, { plain: { text: 36 } })
  leaseHolder: string | null;

  @NonPersonal(work, { plain: 'instant' })
  leaseUntil: number | null;

  /** A code, never an error's words: those may repeat a person's data. */
  @NonPersonal(work, { plain: { text: 100 } })
  fault: string | null;
}

/** A job that this process holds, for as long as it renews its lease. */
export interface Lease {
  readonly client: string;
  readonly id: string;
  readonly attempts: number;
  /**
   * Renews the lease inside a transaction, which so belongs to whoever holds the job: a worker that was slow enough to
   * lose it changes nothing.
   * @throws {LeaseLostError}
   */
  fence(manager: EntityManager): Promise<void>;
}

/** Another worker has the job by now; whatever was under way is rolled back. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'LEASE_LOST';
}

export interface JobsOptions {
  /** Milliseconds without a sign of life after which another worker takes a job. */
  readonly leaseMs?: number;
  readonly now?: () => number;
}

/** The durable queue of one database. Leases are taken by conditional updates: no engine's feature is needed. */
export class Jobs {
  readonly #source: DataSource;
  readonly #queue: string;
  readonly #leaseMs: number;
  readonly #now: () => number;

  constructor(source: DataSource, queue: string, { leaseMs = 30_000, now = Date.now }: JobsOptions = {}) {
    this.#source = source;
    this.#queue = queue;
    this.#leaseMs = leaseMs;
    this.#now = now;
  }

  /** Makes due what was parked: at a new time, with its attempts forgotten. In the caller's transaction. */
  async schedule(manager: EntityManager, client: string, ids: readonly string[], runAt: number): Promise<void> {
    if (ids.length === 0) return;
    const where = `WHERE client_id = ? AND id IN (${placesFor(ids)})`;
    const present = await manager.query<Array<{ id: string }>>(`SELECT id FROM job ${where}`, [client, ...ids]);
    if (present.length > 0)
      await manager.query(`UPDATE job SET run_at = ?, attempts = 0 ${where}`, [runAt, client, ...ids]);
    const known = new Set(present.map(({ id }) => id));
    const missing = ids.filter((id) => !known.has(id));
    if (missing.length === 0) return;
    await manager.query(
      insertStatement('job', ['client_id', 'id', 'queue', 'run_at', 'attempts'], missing.length),
      missing.flatMap((id) => [client, id, this.#queue, runAt, 0]),
    );
  }

  /** Takes up to `limit` jobs that are due and that nobody holds. */
  async claim(limit: number): Promise<Lease[]> {
    const now = this.#now();
    const due = await committed(this.#source, () =>
      this.#source.query<Array<{ client_id: string; id: string; attempts: number }>>(
        `SELECT client_id, id, attempts FROM job
         WHERE queue = ? AND run_at <= ? AND (lease_until IS NULL OR lease_until < ?) ORDER BY run_at LIMIT ${limit}`,
        [this.#queue, now, now],
      ),
    );
    if (due.length === 0) return [];
    const holder = randomUUID();
    const byClient = new Map<string, string[]>();
    for (const { client_id, id } of due) byClient.set(client_id, [...(byClient.get(client_id) ?? []), id]);
    for (const [client, ids] of byClient) {
      await inTransaction(this.#source, (manager) =>
        affectedRows(
          manager,
          `UPDATE job SET lease_holder = ?, lease_until = ?, attempts = attempts + 1
           WHERE client_id = ? AND id IN (${placesFor(ids)}) AND run_at <= ? AND (lease_until IS NULL OR lease_until < ?)`,
          [holder, now + this.#leaseMs, client, ...ids, now, now],
        ),
      );
    }
    const mine = await committed(this.#source, () =>
      this.#source.query<Array<{ client_id: string; id: string; attempts: number }>>(
        'SELECT client_id, id, attempts FROM job WHERE lease_holder = ?',
        [holder],
      ),
    );
    return mine.map((row) => this.#lease(row.client_id, row.id, Number(row.attempts), holder));
  }

  #lease(client: string, id: string, attempts: number, holder: string): Lease {
    const fence = async (manager: EntityManager) => {
      const held = await affectedRows(
        manager,
        'UPDATE job SET lease_until = ? WHERE client_id = ? AND id = ? AND lease_holder = ?',
        [this.#now() + this.#leaseMs, client, id, holder],
      );
      if (held === 0) throw new LeaseLostError('another worker has taken the job');
    };
    return { client, id, attempts, fence };
  }

  /** Ends a job for good, in the transaction that ends its work. */
  async finish(manager: EntityManager, lease: Lease): Promise<void> {
    await manager.query('DELETE FROM job WHERE client_id = ? AND id = ?', [lease.client, lease.id]);
  }

  /** Lays a job aside until a time; null until somebody schedules it. In the caller's transaction. */
  async park(manager: EntityManager, lease: Lease, runAt: number | null, fault: string | null = null): Promise<void> {
    await manager.query(
      'UPDATE job SET run_at = ?, lease_holder = NULL, lease_until = NULL, fault = ? WHERE client_id = ? AND id = ?',
      [runAt ?? Number.MAX_SAFE_INTEGER, fault, lease.client, lease.id],
    );
  }

  /** When the next job is due, in milliseconds since 1970; for whoever waits for it. */
  async nextAt(): Promise<number | undefined> {
    const [row] = await committed(this.#source, () =>
      this.#source.query<Array<{ at: number | null }>>('SELECT MIN(run_at) AS at FROM job WHERE queue = ?', [
        this.#queue,
      ]),
    );
    return row?.at === null || row?.at === undefined ? undefined : Number(row.at);
  }
}
