import type { DataSource } from 'typeorm';
import type { KeysPlace } from '../../keys/key-stores';
import { snakeCase } from '../../storage/entity-class';
import type { Regions } from '../../storage/regions';
import { chunksOf, placesFor } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import { acrossClients, limitOf, name, own, tenantSql } from '../../tenancy/tenant-sql';
import type { TenantTable } from '../../tenancy/tenant-table';
import type { OrphanKeys } from '../orphan-keys';
import { type StateRow, stateColumns, stateOf } from '../requests/request-state';
import { RestoredRecords, type RestoredRecordsServices } from './restored-records';

const PAGE = 500;

/** What the comparison of restored keys with the data needs. */
export interface RestoredKeysServices extends RestoredRecordsServices {
  readonly regions: Regions;
  readonly orphans: OrphanKeys;
  readonly tables: readonly TenantTable[];
}

/** What a restore of keys came to, by counts. */
export interface RestoredKeys {
  /** Keys whose person was erased since the backup. */
  readonly destroyedAgain: number;
  /** People who came since the backup: their keys are lost, and what is sealed for them is unreadable. */
  readonly unreadable: number;
  /** Clients that came since the backup: nothing of them is readable. */
  readonly unreadableClients: readonly string[];
  /** Requests for erasure whose record was lost, and is opened again. Other records are only brought up to date. */
  readonly reopened: number;
  /** Erasures that were completed and whose certificate was lost. A server certifies them again. */
  readonly uncertified: number;
}

/**
 * Makes restored keys fit the data, which is newer: nobody comes back whom the data does not have any more, records of
 * erasures are opened again, and what is lost is counted. It can run again.
 */
export class KeysAfterRestore {
  readonly #services: RestoredKeysServices;
  readonly #records: RestoredRecords;

  constructor(services: RestoredKeysServices) {
    this.#services = services;
    this.#records = new RestoredRecords(services);
  }

  /**
   * @param store the name of the store that was restored
   * @param madeAt when the backup was made; younger keys are those of a server that runs already, and stay
   * @param onFailure called for a client whose keys could not be compared
   */
  async run(store: string, madeAt: number, onFailure: (error: unknown) => void): Promise<RestoredKeys> {
    const { regions, keyStores, orphans } = this.#services;
    let [unreadable, reopened, uncertified] = [0, 0, 0];
    const unreadableClients: string[] = [];
    for (let client = await this.#clientAfter(''); client !== undefined; client = await this.#clientAfter(client)) {
      const place = await keyStores.of(client);
      if (place.name !== store) continue;
      const source = await regions.of(client);
      if (!(await hasKey(place, client))) {
        unreadableClients.push(client);
        continue;
      }
      unreadable += await this.#peopleWithoutKey(source, place, client);
      const lost = await this.#lostRecords(source, client);
      reopened += lost.reopened;
      uncertified += lost.uncertified;
    }
    const destroyedAgain = await orphans.sweepAll(madeAt + 1, onFailure);
    return { destroyedAgain, unreadable, unreadableClients, reopened, uncertified };
  }

  async #clientAfter(after: string): Promise<string | undefined> {
    const [row] = await acrossClients(this.#services.regions.home).select<{ client_id: string }>`
      SELECT client_id FROM client WHERE client_id > ${after} ORDER BY client_id LIMIT ${limitOf(1)}`;
    return row?.client_id;
  }

  async #peopleWithoutKey(source: DataSource, place: KeysPlace, client: string): Promise<number> {
    let missing = 0;
    for (const { name: table, key, subject } of this.#services.tables) {
      // Tables of people themselves: a client's user, a customer.
      if (!subject || key.length !== 2 || key[1] !== subject.id) continue;
      const id = name(snakeCase(subject.id));
      for (let after = ''; ; ) {
        const rows = await tenantSql(source, client).select<{ id: string }>`
          SELECT ${id} AS id FROM ${name(table)} WHERE ${own} AND ${id} > ${after} ORDER BY ${id} LIMIT ${limitOf(PAGE)}`;
        const last = rows.at(-1);
        if (!last) break;
        missing += rows.length - (await countKeys(place, client, rows));
        after = last.id;
      }
    }
    return missing;
  }

  /** Makes the records of a client's erasures say again what the data knows of them. */
  async #lostRecords(source: DataSource, client: string): Promise<{ reopened: number; uncertified: number }> {
    let [reopened, uncertified] = [0, 0];
    for (let after = ''; ; ) {
      const rows = await tenantSql(source, client).select<StateRow>`
        SELECT ${stateColumns} FROM erasure_request WHERE ${own} AND id > ${after} ORDER BY id LIMIT ${limitOf(PAGE)}`;
      const requests = rows.map(stateOf);
      const last = requests.at(-1);
      if (!last) return { reopened, uncertified };
      for (const request of requests) {
        const { isNew, isUncertified } = await this.#records.mend(source, request);
        reopened += Number(isNew);
        uncertified += Number(isUncertified);
      }
      after = last.id;
    }
  }
}

async function hasKey({ source }: KeysPlace, client: string): Promise<boolean> {
  const sql = 'SELECT 1 AS present FROM client_key WHERE client_id = ?';
  return (await committed(source, () => source.query<unknown[]>(sql, [client]))).length > 0;
}

async function countKeys({ source }: KeysPlace, client: string, people: readonly { id: string }[]): Promise<number> {
  let n = 0;
  for (const ids of chunksOf(
    people.map(({ id }) => id),
    PAGE,
  )) {
    const sql = `SELECT COUNT(*) AS n FROM subject_key WHERE client_id = ? AND subject_id IN (${placesFor(ids)})`;
    const [row] = await committed(source, () => source.query<Array<{ n: number }>>(sql, [client, ...ids]));
    n += Number(row?.n ?? 0);
  }
  return n;
}
