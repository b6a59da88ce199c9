import type { Identifier } from '../../identifiers/forms';
import { soughtIndexes } from '../../keys/blind-index';
import type { KeyStore } from '../../keys/key-store';
import type { Regions } from '../../storage/regions';
import { chunksOf } from '../../storage/sql';
import { Customer } from '../../subjects/customer';
import type { ErasedPeople } from '../../subjects/identifiers';
import { UNDER_ERASURE } from '../../tenancy/fence';
import { name, own, tenantSql } from '../../tenancy/tenant-sql';
import { tableOf } from '../../tenancy/tenant-table';
import type { Tombstones } from './tombstones';

const CHUNK = 1_000;

/**
 * Recognises erased people by tombstones, and people under erasure by their blind indexes. So nobody is imported again
 * under another id between request and erasure either.
 */
export class ErasedOrLeaving implements ErasedPeople {
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #tombstones: Tombstones;

  constructor(regions: Regions, keys: KeyStore, tombstones: Tombstones) {
    this.#regions = regions;
    this.#keys = keys;
    this.#tombstones = tombstones;
  }

  async erased<T extends Identifier>(client: string, identifiers: readonly T[]): Promise<T[]> {
    const [erased, leaving] = await Promise.all([
      this.#tombstones.erased(client, identifiers),
      this.#leaving(client, identifiers),
    ]);
    const found = new Set([...erased, ...leaving]);
    return identifiers.filter((identifier) => found.has(identifier));
  }

  async hasAny(client: string): Promise<boolean> {
    return (await this.#tombstones.hasAny(client)) || (await this.#isAnybodyLeaving(client));
  }

  async #isAnybodyLeaving(client: string): Promise<boolean> {
    const source = await this.#regions.of(client);
    const rows = await tenantSql(source, client).select<unknown>`
      SELECT 1 AS one FROM erasure_request WHERE ${own}
      AND status IN ('RECEIVED', 'IN_PROGRESS', 'ON_HOLD', 'PARTIALLY_COMPLETED', 'ATTENTION_REQUIRED') LIMIT 1`;
    return rows.length > 0;
  }

  async #leaving<T extends Identifier>(client: string, identifiers: readonly T[]): Promise<T[]> {
    if (identifiers.length === 0 || !(await this.#isAnybodyLeaving(client))) return [];
    const keys = await this.#keys.derivedKeys(client, 'blind-index');
    const sought = identifiers.map((identifier) => soughtIndexes(keys, identifier));
    const source = await this.#regions.of(client);
    const known = new Set<string>();
    for (const [kind, { column }] of tableOf(Customer).indexes) {
      const digests = new Set(
        identifiers.flatMap((identifier, at) => (identifier.kind === kind ? sought[at] : []) ?? []),
      );
      for (const chunk of chunksOf([...digests], CHUNK)) {
        const rows = await tenantSql(source, client).select<{
          digest: string;
        }>`
          SELECT ${name(column)} AS digest FROM customer
          WHERE ${own} AND ${name(column)} IN (${chunk}) AND restriction = ${UNDER_ERASURE}`;
        for (const { digest } of rows) known.add(digest);
      }
    }
    return identifiers.filter((_, at) => sought[at]?.some((digest) => known.has(digest)));
  }
}
