import type { DataSource } from 'typeorm';
import type { KeyStore } from '../../storage/key-store';
import { type Row, TenantReader } from '../../storage/tenant-reader';
import type { Tombstones } from '../../storage/tombstones';
import { blindIndex, deriveKey } from '../../storage/vault';

type Entity = abstract new (...args: never[]) => object;

/** Where an import writes: one client's rows. */
export interface ImportTarget {
  readonly client: string;
  /** The database that the client's rows are in. */
  readonly source: DataSource;
  readonly keys: KeyStore;
  /** Refuses whoever was erased; absent where they are taken in again. */
  readonly tombstones?: Tombstones;
}

/** A row that is there, but opens no more: its person's key is destroyed, and the row is about to go. */
export const ERASED = 'ERASED';

/** Of people who share an external id, whoever had it first. */
function keepFirst(found: Map<string, Row | typeof ERASED>, id: string, row: Row): void {
  const known = found.get(id);
  const before = known === undefined || known === ERASED ? undefined : known.externalIdRank;
  if (before === undefined || Number(row.externalIdRank ?? 0) < Number(before)) found.set(id, row);
}

/** Finds rows by their ids in the client's own system, many at a time. */
export class ExternalIds {
  readonly #target: ImportTarget;
  readonly #reader: TenantReader;
  readonly #indexKey: Buffer;

  private constructor(target: ImportTarget, indexKey: Buffer) {
    this.#target = target;
    this.#reader = new TenantReader(target.source, target.keys);
    this.#indexKey = indexKey;
  }

  static async of(target: ImportTarget): Promise<ExternalIds> {
    return new ExternalIds(target, deriveKey(await target.keys.clientKey(target.client), 'blind-index'));
  }

  get reader(): TenantReader {
    return this.#reader;
  }

  /** @returns external id → its row with the fields asked for; ids without a row are not in it */
  async find(
    entity: Entity,
    ids: Iterable<string>,
    fields: readonly string[],
  ): Promise<Map<string, Row | typeof ERASED>> {
    const digests = new Map([...new Set(ids)].map((id) => [this.#digest(id), id]));
    const found = new Map<string, Row | typeof ERASED>();
    if (digests.size === 0) return found;
    const select = (where: Parameters<TenantReader['select']>[1]['where']) =>
      this.#reader.select(entity, {
        client: this.#target.client,
        fields: [...fields, 'externalId', 'externalIdRank'],
        where: where ?? [],
      });
    let unreadable = 0;
    for (const row of await select([{ index: 'externalId', is: 'in', value: [...digests.keys()] }])) {
      if (typeof row.externalId !== 'string') unreadable++;
      else keepFirst(found, row.externalId.trim(), row);
    }
    if (unreadable === 0) return found;
    for (const [digest, id] of digests) {
      if (found.has(id)) continue;
      const [row] = await select([{ index: 'externalId', is: '=', value: digest }]);
      if (row) found.set(id, ERASED);
    }
    return found;
  }

  #digest(id: string): string {
    const digest = blindIndex(this.#indexKey, 'externalId', id);
    if (digest === null) throw new Error('an external id is empty');
    return digest;
  }
}
