import type { DataSource } from 'typeorm';
import { storedIndexes } from '../../keys/blind-index';
import type { DerivedKeys } from '../../keys/derived-keys';
import type { KeyStore } from '../../keys/key-store';
import type { SealingThread } from '../../keys/sealing-thread';
import type { EntityClass } from '../../storage/entity-class';
import { type Row, TenantReader } from '../../tenancy/tenant-reader';
import type { ErasedPeople } from '../identifiers';

/** The target of an import: one client's rows. */
export interface ImportTarget {
  readonly client: string;
  /** The database that the client's rows are in. */
  readonly source: DataSource;
  readonly keys: KeyStore;
  /** Seals many rows. */
  readonly sealing?: SealingThread;
  /** Refuses erased people. Absent where they are allowed again. */
  readonly erased?: ErasedPeople;
  /** Stored with created rows: the import that they came with (C2). */
  readonly importId?: string;
  /** Whether nothing is written. */
  readonly isDryRun?: boolean;
  /** The client does not exist yet. In a dry run only. */
  readonly isNewClient?: boolean;
}

/** A row whose person's key is destroyed: it cannot be opened, and is about to be deleted. */
export const ERASED = 'ERASED';

/** Several rows match, so it is not certain which one is meant. */
export const SEVERAL = 'SEVERAL';
export type Found = Row | typeof ERASED | typeof SEVERAL;

/** What a row is found by: its id in the client's own system, or a person's email address. */
export type FoundBy = 'externalId' | 'email';

/**
 * Among people with the same external id, the first one counts. Among people with the same address, none is certain.
 */
function together(by: FoundBy, known: Found | undefined, row: Row): Found {
  if (known === undefined || (typeof known === 'object' && known.id === row.id)) return row;
  if (by !== 'externalId' || typeof known !== 'object') return SEVERAL;
  return Number(row.externalIdRank ?? 0) < Number(known.externalIdRank ?? 0) ? row : known;
}

/** Finds many rows at once, by ids of the client's own system. */
export class ExternalIds {
  readonly #target: ImportTarget;
  readonly #reader: TenantReader;

  constructor(target: ImportTarget) {
    this.#target = target;
    this.#reader = new TenantReader(target.source, target.keys);
  }

  get reader(): TenantReader {
    return this.#reader;
  }

  /** @returns the id → its row with the requested fields; ids without a row are missing */
  async find(
    entity: EntityClass,
    by: FoundBy,
    values: Iterable<string>,
    fields: readonly string[],
  ): Promise<Map<string, Found>> {
    const found = new Map<string, Found>();
    if (this.#target.isNewClient) return found;
    // Asked for with each batch: an import may last longer than a key is in use.
    const keys = await this.#target.keys.derivedKeys(this.#target.client, 'blind-index');
    const digests = new Map<string, string[]>();
    for (const value of values) {
      const under = digestsOf(keys, by, value);
      if (under.length > 0) digests.set(value, under);
    }
    if (digests.size === 0) return found;
    const select = (where: Parameters<TenantReader['select']>[1]['where']) =>
      this.#reader.select(entity, {
        client: this.#target.client,
        fields: [...fields, by, 'externalIdRank'],
        where: where ?? [],
      });
    const rows = new Map<string, Found>();
    let unreadable = 0;
    for (const row of await select([{ index: by, is: 'in', value: [...new Set([...digests.values()].flat())] }])) {
      const own = row[by];
      const name = typeof own === 'string' ? nameOf(keys, by, own) : undefined;
      if (name !== undefined) rows.set(name, together(by, rows.get(name), row));
      else unreadable++;
    }
    for (const [value, under] of digests) {
      const row = rows.get(under.join());
      if (row !== undefined) found.set(value, row);
      else if (unreadable > 0 && (await select([{ index: by, is: 'in', value: under }])).length > 0) {
        found.set(value, ERASED);
      }
    }
    return found;
  }
}

const digestsOf = (keys: DerivedKeys, by: FoundBy, value: string): string[] => storedIndexes(keys, { kind: by, value });

/** Equal for equal identifiers. */
function nameOf(keys: DerivedKeys, by: FoundBy, value: string): string | undefined {
  const under = digestsOf(keys, by, value);
  return under.length === 0 ? undefined : under.join();
}
