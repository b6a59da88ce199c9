import type { DataSource } from 'typeorm';
import { countriesIn } from '../identifiers/forms';
import { blindIndex } from '../keys/blind-index';
import { ClientKeyError } from '../keys/errors';
import type { KeyStore } from '../keys/key-store';
import { inTransaction } from '../storage/transaction';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { joined, name, own, sql, tenantSql } from '../tenancy/tenant-sql';
import { tableOf } from '../tenancy/tenant-table';
import { Customer } from './customer';
import { identifierFields } from './identifiers';

const CHUNK = 500;

/** Whether a database has blind indexes of older canonical forms. */
export async function isReindexPending(source: DataSource): Promise<boolean> {
  const rows = await source.query<unknown[]>('SELECT client_id FROM identifier_reindex LIMIT 1');
  return rows.length > 0;
}

/**
 * Recomputes blind indexes of customers where migration 1700000000014 has asked for it, some hundred rows at a time.
 * After an interruption it goes on where it stopped.
 * @returns how many rows have new indexes
 */
export async function reindexIdentifiers(source: DataSource, keys: KeyStore): Promise<number> {
  let changed = 0;
  for (;;) {
    const [note] = await source.query<Array<{ client_id: string; after_id: string }>>(
      'SELECT client_id, after_id FROM identifier_reindex ORDER BY client_id LIMIT 1',
    );
    if (!note) return changed;
    changed += await reindexChunk(source, keys, note.client_id, note.after_id);
  }
}

async function reindexChunk(source: DataSource, keys: KeyStore, client: string, after: string): Promise<number> {
  const key = await indexKeyOf(keys, client);
  const rows = key
    ? await new TenantReader(source, keys).select(Customer, {
        client,
        fields: identifierFields,
        where: after === '' ? [] : [{ field: 'id', is: '>', value: after }],
        orderBy: [{ field: 'id' }],
        limit: CHUNK,
      })
    : [];
  const last = rows.at(-1);
  const stored = last ? await storedIndexes(source, client, after, String(last.id)) : new Map<string, Row>();
  let changed = 0;
  await inTransaction(source, async (manager) => {
    changed = 0;
    for (const row of rows) {
      const before = stored.get(String(row.id));
      const columns = key && before ? changedIndexes(key, row, before) : [];
      if (columns.length === 0) continue;
      // A concurrent write sets the row's indexes itself, and keeps them.
      const unchanged = columns.map(({ column, old }) =>
        old === null ? sql`${name(column)} IS NULL` : sql`${name(column)} = ${old}`,
      );
      const changes = columns.map(({ column, index }) => sql`${name(column)} = ${index}`);
      await tenantSql(manager, client).change`UPDATE customer SET ${joined(changes, ', ')}
        WHERE ${own} AND id = ${String(row.id)} AND ${joined(unchanged, ' AND ')}`;
      changed++;
    }
    if (rows.length < CHUNK) await manager.query('DELETE FROM identifier_reindex WHERE client_id = ?', [client]);
    else await manager.query('UPDATE identifier_reindex SET after_id = ? WHERE client_id = ?', [last?.id, client]);
  });
  return changed;
}

/** Undefined for a client whose key is destroyed: its rows cannot be read, and will be deleted. */
async function indexKeyOf(keys: KeyStore, client: string): Promise<Buffer | undefined> {
  try {
    return await keys.derivedKey(client, 'blind-index');
  } catch (error) {
    if (error instanceof ClientKeyError && error.code === 'CLIENT_KEY_DESTROYED') return undefined;
    throw error;
  }
}

const indexes = () => [...tableOf(Customer).indexes];

async function storedIndexes(
  source: DataSource,
  client: string,
  after: string,
  last: string,
): Promise<Map<string, Row>> {
  const columns = indexes().map(([, { column }]) => name(column));
  const rows = await tenantSql(source, client).select<Row>`SELECT id, ${joined(columns, ', ')} FROM customer
    WHERE ${own} AND id > ${after} AND id <= ${last}`;
  return new Map(rows.map((row) => [String(row.id), row]));
}

interface ChangedIndex {
  readonly column: string;
  readonly old: string | null;
  readonly index: string | null;
}

function changedIndexes(key: Buffer, row: Row, before: Row): ChangedIndex[] {
  return indexes().flatMap(([field, { column, kind, countries }]) => {
    const value = row[field];
    // A value that does not open keeps its index.
    if (typeof value !== 'string' || kind === 'attributeKey') return [];
    const index = blindIndex(key, { kind, value, countries: countriesIn(countries.map((name) => row[name])) });
    const old = (before[column] ?? null) as string | null;
    return old === index ? [] : [{ column, old, index }];
  });
}
