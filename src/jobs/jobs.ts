import type { DataSource, EntityManager } from 'typeorm';
import { NonPersonal } from '../tenancy/personal-data';
import { acrossClients, limitOf, own, sql, tenantSql } from '../tenancy/tenant-sql';
import { Key, TenantTable } from '../tenancy/tenant-table';
import type { OnScheduled } from './due-work';
import { type Lease, Leases } from './leases';

const work = 'work to do; it names no person';

/** A durable job. Its id is that of what it is about, and it contains nothing else. */
@TenantTable('job', { erasure: 'KEEP' })
export class Job {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(work, { plain: 'id' })
  id: string;

  @NonPersonal(work, { plain: { text: 30 } })
  queue: string;

  /** When it is due. While somebody works on it, the end of the lease: the first due one is found by this alone. */
  @NonPersonal(work, { plain: 'instant' })
  runAt: number;

  @NonPersonal(work, { plain: 'count' })
  attempts: number;

  @NonPersonal(work, { plain: { text: 36 } })
  leaseHolder: string | null;

  @NonPersonal(work, { plain: 'instant' })
  leaseUntil: number | null;

  /** A code, never an error's text, which can contain personal data. */
  @NonPersonal(work, { plain: { text: 100 } })
  fault: string | null;
}

/** The name of the queue. It is older than the exports, which are in it too. */
const QUEUE = 'erasure';

/** When the first job of a database is due. */
export const firstJob = sql`SELECT MIN(run_at) FROM job WHERE queue = ${QUEUE}`;

export interface JobsOptions {
  /** Milliseconds after which another worker takes a job whose lease was not renewed. */
  readonly leaseMs?: number;
  readonly now?: () => number;
}

/** The durable queue of jobs, a table in each region's database. */
export class Jobs {
  /** Told of jobs that will be due; set by who works on them in this process. */
  onScheduled: OnScheduled = () => undefined;
  readonly #leases: Leases;
  readonly #now: () => number;

  constructor({ leaseMs = 30_000, now = Date.now }: JobsOptions = {}) {
    this.#now = now;
    const free = (at: number) => sql`run_at <= ${at} AND (lease_until IS NULL OR lease_until < ${at})`;
    this.#leases = new Leases({ name: 'job', until: ['lease_until', 'run_at'], free }, leaseMs, now);
  }

  /** Schedules jobs, new and parked ones, and resets their attempts. In the caller's transaction. */
  async schedule(manager: EntityManager, client: string, ids: readonly string[], runAt: number): Promise<void> {
    if (ids.length === 0) return;
    this.onScheduled(manager.dataSource, runAt);
    const rows = tenantSql(manager, client);
    const present = await rows.select<{ id: string }>`SELECT id FROM job WHERE ${own} AND id IN (${ids})`;
    if (present.length > 0)
      await rows.change`UPDATE job SET run_at = ${runAt}, attempts = 0 WHERE ${own} AND id IN (${ids})`;
    const known = new Set(present.map(({ id }) => id));
    const missing = ids.filter((id) => !known.has(id));
    if (missing.length === 0) return;
    await rows.insert(
      'job',
      missing.map((id) => ({ id, queue: QUEUE, run_at: runAt, attempts: 0 })),
    );
  }

  /** Takes up to `limit` due jobs of a region that nobody holds. */
  async claim(source: DataSource, limit: number): Promise<Lease[]> {
    const now = this.#now();
    const due = await acrossClients(source).select<{ client_id: string; id: string }>`
      SELECT client_id, id FROM job WHERE queue = ${QUEUE} AND run_at <= ${now}
      AND (lease_until IS NULL OR lease_until < ${now}) ORDER BY run_at LIMIT ${limitOf(limit)}`;
    return this.#leases.take(
      source,
      due.map(({ client_id: client, id }) => ({ client, id })),
    );
  }

  /** Deletes a finished job, in the transaction that ends its work. */
  async finish(manager: EntityManager, { client, id }: Lease): Promise<void> {
    await tenantSql(manager, client).change`DELETE FROM job WHERE ${own} AND id = ${id}`;
  }

  /** Postpones a job until a time, or with null until it is scheduled again. In the caller's transaction. */
  async park(
    manager: EntityManager,
    { client, id }: Lease,
    runAt: number | null,
    fault: string | null = null,
  ): Promise<void> {
    if (runAt !== null) this.onScheduled(manager.dataSource, runAt);
    await tenantSql(manager, client).change`
      UPDATE job
      SET run_at = ${runAt ?? Number.MAX_SAFE_INTEGER}, lease_holder = NULL, lease_until = NULL, fault = ${fault}
      WHERE ${own} AND id = ${id}`;
  }

  /** Gives back a job that did not fail. Another process can continue at once, and the attempt does not count. */
  async release(manager: EntityManager, lease: Lease): Promise<void> {
    await lease.fence(manager);
    this.onScheduled(manager.dataSource, this.#now());
    await tenantSql(manager, lease.client).change`
        UPDATE job SET run_at = ${this.#now()}, attempts = attempts - 1, lease_holder = NULL, lease_until = NULL
        WHERE ${own} AND id = ${lease.id}`;
  }
}
