import { randomUUID } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../storage/transaction';
import { joined, name, own, type Sql, sql, tenantSql } from '../tenancy/tenant-sql';

/** A lease on a row of work, held by this process as long as it renews the lease. */
export interface Lease {
  readonly client: string;
  readonly id: string;
  /** How often the work was begun, including this time. */
  readonly attempts: number;
  /**
   * Renews the lease within a transaction. So only the holder's transactions commit: a process that lost its lease
   * changes nothing.
   * @throws {LeaseLostError}
   */
  fence(manager: EntityManager): Promise<void>;
}

/** Another process has taken the work. The transaction is rolled back. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'LEASE_LOST';
}

/**
 * A table of work: `client_id`, `id`, `attempts`, `lease_holder`, and the columns that say until when a lease holds.
 */
export interface LeasedTable {
  readonly name: string;
  readonly until: readonly string[];
  /** Which rows may be taken now. */
  free(now: number): Sql;
}

/**
 * The lease mechanism of all background work. A lease is taken by a conditional update, which every engine supports. It
 * ends by itself when its holder dies.
 */
export class Leases {
  readonly #table: LeasedTable;
  readonly #leaseMs: number;
  readonly #now: () => number;

  constructor(table: LeasedTable, leaseMs: number, now: () => number) {
    this.#table = table;
    this.#leaseMs = leaseMs;
    this.#now = now;
  }

  /** Takes leases on those of the rows that are still free. */
  async take(source: DataSource, rows: ReadonlyArray<{ client: string; id: string }>): Promise<Lease[]> {
    const holder = randomUUID();
    const byClient = new Map<string, string[]>();
    for (const { client, id } of rows) byClient.set(client, [...(byClient.get(client) ?? []), id]);
    const taken: Lease[] = [];
    for (const [client, ids] of byClient) taken.push(...(await this.#takeOf(source, client, ids, holder)));
    return taken;
  }

  async #takeOf(source: DataSource, client: string, ids: readonly string[], holder: string): Promise<Lease[]> {
    const table = name(this.#table.name);
    const now = this.#now();
    const changed = await inTransaction(
      source,
      (manager) => tenantSql(manager, client).change`
        UPDATE ${table} SET lease_holder = ${holder}, ${this.#renewed(now)}, attempts = attempts + 1
        WHERE ${own} AND id IN (${ids}) AND ${this.#table.free(now)}`,
    );
    if (changed === 0) return [];
    const rows = await tenantSql(source, client).select<{ id: string; attempts: number }>`
      SELECT id, attempts FROM ${table} WHERE ${own} AND id IN (${ids}) AND lease_holder = ${holder}`;
    return rows.map(({ id, attempts }) => this.#lease(client, id, Number(attempts), holder));
  }

  #lease(client: string, id: string, attempts: number, holder: string): Lease {
    const table = name(this.#table.name);
    const fence = async (manager: EntityManager) => {
      const held = await tenantSql(manager, client).change`
        UPDATE ${table} SET ${this.#renewed(this.#now())}
        WHERE ${own} AND id = ${id} AND lease_holder = ${holder}`;
      if (held === 0) throw new LeaseLostError('another process has taken the work');
    };
    return { client, id, attempts, fence };
  }

  #renewed(now: number): Sql {
    return joined(
      this.#table.until.map((column) => sql`${name(column)} = ${now + this.#leaseMs}`),
      ', ',
    );
  }
}
