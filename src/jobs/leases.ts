import { randomUUID } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { affectedRows, placesFor } from '../storage/sql';
import { committed, inTransaction } from '../storage/transaction';

/** A row of work that this process holds, for as long as it renews its lease. */
export interface Lease {
  readonly client: string;
  readonly id: string;
  /** How often the work was begun, this time included. */
  readonly attempts: number;
  /**
   * Renews the lease inside a transaction. The transaction so belongs to whoever holds the work: a process that was
   * slow enough to lose its lease changes nothing.
   * @throws {LeaseLostError}
   */
  fence(manager: EntityManager): Promise<void>;
}

/** Somebody else has the work by now. What was under way is rolled back. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'LEASE_LOST';
}

/**
 * A table of work: `client_id`, `id`, `attempts`, `lease_holder`, and the column that says until when a lease holds.
 */
export interface LeasedTable {
  readonly name: string;
  readonly until: string;
  /** Which rows may be taken now, as SQL with its parameters. */
  free(now: number): { readonly sql: string; readonly parameters: readonly number[] };
}

/**
 * The one lease mechanism of background work. A lease is taken by a conditional update, which needs no feature of an
 * engine. It ends by itself when its holder dies.
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

  /** Takes those of the rows that are still free. */
  async take(source: DataSource, rows: ReadonlyArray<{ client: string; id: string }>): Promise<Lease[]> {
    const holder = randomUUID();
    const byClient = new Map<string, string[]>();
    for (const { client, id } of rows) byClient.set(client, [...(byClient.get(client) ?? []), id]);
    const taken: Lease[] = [];
    for (const [client, ids] of byClient) taken.push(...(await this.#takeOf(source, client, ids, holder)));
    return taken;
  }

  async #takeOf(source: DataSource, client: string, ids: readonly string[], holder: string): Promise<Lease[]> {
    const { name, until, free } = this.#table;
    const now = this.#now();
    const { sql, parameters } = free(now);
    const mine = `client_id = ? AND id IN (${placesFor(ids)})`;
    const changed = await inTransaction(source, (manager) =>
      affectedRows(
        manager,
        `UPDATE ${name} SET lease_holder = ?, ${until} = ?, attempts = attempts + 1 WHERE ${mine} AND ${sql}`,
        [holder, now + this.#leaseMs, client, ...ids, ...parameters],
      ),
    );
    if (changed === 0) return [];
    const rows = await committed(source, () =>
      source.query<Array<{ id: string; attempts: number }>>(
        `SELECT id, attempts FROM ${name} WHERE ${mine} AND lease_holder = ?`,
        [client, ...ids, holder],
      ),
    );
    return rows.map(({ id, attempts }) => this.#lease(client, id, Number(attempts), holder));
  }

  #lease(client: string, id: string, attempts: number, holder: string): Lease {
    const { name, until } = this.#table;
    const fence = async (manager: EntityManager) => {
      const held = await affectedRows(
        manager,
        `UPDATE ${name} SET ${until} = ? WHERE client_id = ? AND id = ? AND lease_holder = ?`,
        [this.#now() + this.#leaseMs, client, id, holder],
      );
      if (held === 0) throw new LeaseLostError('another process has taken the work');
    };
    return { client, id, attempts, fence };
  }
}
