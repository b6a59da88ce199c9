import type { ChangeRecorder } from '../identity/change-recorder';
import type { KeyStore, OrphanSweep } from '../keys/key-store';
import { snakeCase } from '../storage/entity-class';
import type { Regions } from '../storage/regions';
import { acrossClients, limitOf, name, own, tenantSql } from '../tenancy/tenant-sql';
import type { TenantTable } from '../tenancy/tenant-table';

/** Keys that one sweep looks at, roughly; the next one goes on where it ended. */
const LOOK_LIMIT = 50_000;
const CLIENTS_PAGE = 100;

/** What the sweep of orphan keys needs. */
export interface OrphanKeyServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly tables: readonly TenantTable[];
  /** Whether the data is older than the keys' store has seen it: a backup was put back. */
  readonly isDataBehind: () => Promise<boolean>;
}

/**
 * Keys of nobody: of somebody whose row was never written, or is gone while the process that would destroy the key
 * died. Each sweep looks at a part of them, from where the last one ended.
 */
export class OrphanKeys {
  readonly #services: OrphanKeyServices;
  readonly #limit: number;
  /** The client's id after which the next sweep begins, or the client and the subject within it. */
  #place: { readonly client: string; readonly subject?: string } = { client: '' };

  /** Clients whose turn comes next. */
  #clients: string[] = [];

  constructor(services: OrphanKeyServices, limit = LOOK_LIMIT) {
    this.#services = services;
    this.#limit = limit;
  }

  /**
   * @param onFailure told of a client whose keys could not be looked at; it keeps nobody else's from it
   * @returns how many keys were destroyed; none while the data is older than the keys' store has seen it
   */
  async sweep(onFailure: (error: unknown) => void = () => undefined): Promise<number> {
    if (await this.#services.isDataBehind()) return 0;
    let [looked, swept] = [0, 0];
    while (looked < this.#limit) {
      const client = await this.#next();
      if (client === undefined) {
        this.#place = { client: '' };
        return swept;
      }
      try {
        const after = this.#place.subject ?? '';
        const done = await this.#sweepClient(client, after, this.#limit - looked);
        looked += done.looked;
        swept += done.swept;
        this.#place = done.next === undefined ? { client } : { client, subject: done.next };
      } catch (error) {
        onFailure(error);
        this.#place = { client };
      }
    }
    return swept;
  }

  /** The client that is looked at, or the one after it; undefined after the last. */
  async #next(): Promise<string | undefined> {
    if (this.#place.subject !== undefined) return this.#place.client;
    if (this.#clients.length === 0) {
      const rows = await acrossClients(this.#services.regions.home).select<{ client_id: string }>`
        SELECT client_id FROM client WHERE client_id > ${this.#place.client}
        ORDER BY client_id LIMIT ${limitOf(CLIENTS_PAGE)}`;
      this.#clients = rows.map((row) => row.client_id);
    }
    return this.#clients.shift();
  }

  async #sweepClient(client: string, after: string, limit: number): Promise<OrphanSweep> {
    const { keys, regions, recorder } = this.#services;
    const source = await regions.of(client);
    const exists = async (ids: string[]) => {
      const known = new Set<string>();
      for (const { table, column } of this.#holders()) {
        const open = ids.filter((id) => !known.has(id));
        if (open.length === 0) break;
        const rows = await tenantSql(source, client).select<{ id: string }>`
          SELECT DISTINCT ${name(column)} AS id FROM ${name(table)} WHERE ${own} AND ${name(column)} IN (${open})`;
        for (const { id } of rows) known.add(id);
      }
      const orphans = ids.length - known.size;
      if (orphans > 0) {
        await recorder.record('ORPHAN_KEYS_DESTROYED', { client, principal: 'keys', details: { keys: orphans } });
      }
      return known;
    };
    return keys.sweepOrphans(client, exists, { after, limit });
  }

  /**
   * Every table that says whom its rows are about: what is sealed there, or an erasure that is under way, needs the
   * key. The persons' own come first: hardly anybody has to be looked for in the others.
   */
  #holders(): Array<{ table: string; column: string }> {
    const about = this.#services.tables.flatMap(({ name, key, subject }) =>
      subject
        ? [{ table: name, column: snakeCase(subject.id), isPerson: key.length === 2 && key[1] === subject.id }]
        : [],
    );
    return about.sort((one, other) => Number(other.isPerson) - Number(one.isPerson));
  }
}
