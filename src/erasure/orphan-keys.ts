import type { ChangeRecorder } from '../identity/change-recorder';
import type { KeyStore, OrphanSweep } from '../keys/key-store';
import { snakeCase } from '../storage/entity-class';
import type { Regions } from '../storage/regions';
import { acrossClients, limitOf, name, own, tenantSql } from '../tenancy/tenant-sql';
import type { TenantTable } from '../tenancy/tenant-table';

/** About how many keys one sweep looks at. The next one continues where it ended. */
const LOOK_LIMIT = 50_000;
const CLIENTS_PAGE = 100;

/** What the sweep of orphan keys needs. */
export interface OrphanKeyServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly tables: readonly TenantTable[];
  /** Whether the data is older than the keys' store knows, because a backup was restored. */
  readonly isDataBehind: () => Promise<boolean>;
}

/**
 * Destroys keys without a person: the row was never written, or the process died between deleting the row and the key.
 * Each sweep looks at a part of the keys.
 */
export class OrphanKeys {
  readonly #services: OrphanKeyServices;
  readonly #limit: number;
  /** The client behind which the next sweep begins, or the client and the subject within it. */
  #place: { readonly client: string; readonly subject?: string } = { client: '' };

  /** The clients that come next. */
  #clients: string[] = [];

  constructor(services: OrphanKeyServices, limit = LOOK_LIMIT) {
    this.#services = services;
    this.#limit = limit;
  }

  /** Where the next sweep begins, in a form to be kept; undefined at the first client. */
  get place(): string | undefined {
    const { client, subject } = this.#place;
    return client === '' ? undefined : [client, subject].filter((part) => part !== undefined).join(' ');
  }

  set place(kept: string | undefined) {
    if (kept === this.place) return;
    const [client = '', subject] = kept?.split(' ') ?? [];
    this.#place = subject === undefined ? { client } : { client, subject };
    this.#clients = [];
  }

  /**
   * @param onFailure called for a client whose keys could not be checked; the sweep continues with the next client
   * @returns how many keys were destroyed; 0 while the data is older than the keys' store knows
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
        const done = await this.#sweepClient(client, { after, limit: this.#limit - looked });
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

  /**
   * Looks at every key of every client, where a restored keys' store may have brought back what was destroyed.
   * @param bornBefore younger keys stay, milliseconds since 1970
   * @returns as {@link sweep}
   */
  async sweepAll(bornBefore: number, onFailure: (error: unknown) => void): Promise<number> {
    if (await this.#services.isDataBehind()) return 0;
    let swept = 0;
    this.place = undefined;
    for (let client = await this.#next(); client !== undefined; client = await this.#next()) {
      this.#place = { client };
      try {
        swept += (await this.#sweepClient(client, { bornBefore })).swept;
      } catch (error) {
        onFailure(error);
      }
    }
    this.#place = { client: '' };
    return swept;
  }

  /** The current client, or the next one; undefined behind the last. */
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

  async #sweepClient(client: string, range: Parameters<KeyStore['sweepOrphans']>[2]): Promise<OrphanSweep> {
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
    return keys.sweepOrphans(client, exists, range);
  }

  /**
   * Tables with rows about people, which need the people's keys. Tables of the people themselves come first, because
   * nearly all are found there.
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
