import type { DataSource } from 'typeorm';
import { ClientKeyError } from '../keys/errors';
import type { KeyStore } from '../keys/key-store';
import { inTransaction } from '../storage/transaction';
import { Customer } from './customer';
import { findStale, type IndexedRows, refresh } from './index-rows';

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
  const { stale, last } = await staleAfter(source, keys, client, after);
  await inTransaction(source, async (manager) => {
    await refresh(manager, Customer, client, stale);
    if (last === undefined) await manager.query('DELETE FROM identifier_reindex WHERE client_id = ?', [client]);
    else await manager.query('UPDATE identifier_reindex SET after_id = ? WHERE client_id = ?', [last[0], client]);
  });
  return stale.length;
}

/** Nothing for a client whose key is destroyed: its rows cannot be read, and will be deleted. */
async function staleAfter(source: DataSource, keys: KeyStore, client: string, after: string): Promise<IndexedRows> {
  try {
    const key = await keys.derivedKey(client, 'blind-index');
    const behind = after === '' ? [] : [after];
    return await findStale({ source, keys, client }, Customer, key, behind, { emptyToo: true });
  } catch (error) {
    if (error instanceof ClientKeyError && error.code === 'CLIENT_KEY_DESTROYED') return { stale: [], last: undefined };
    throw error;
  }
}
