import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { Purger } from '../erasure/parts';
import { ClientKeyError } from '../keys/errors';
import { affectedRows } from '../storage/sql';
import { committed, inTransaction } from '../storage/transaction';
import type { DiscardReason } from './client-export';
import { type ExportState, lockExport, readExports, waitingTermination } from './export-state';
import type { ExportParts } from './parts';
import { exportKey } from './sealed-pieces';

/** Pieces that one transaction deletes: each may be as long as a megabyte. */
const PIECES = 16;
/** How far clocks of replicas may be apart, in milliseconds. */
export const SKEW_MS = 60_000;

/** Exports as copies of what is erased (pitfall 28): those that may hold a person go, and those of a client that ends. */
export function exportPurger(parts: ExportParts): Purger {
  return {
    store: 'exports',
    purge: async (client, subject, since) => {
      const source = await parts.regions.of(client);
      const found = await committed(source, () =>
        readExports(source, 'client_id = ? AND removed_at IS NULL', [client]),
      );
      const reason = subject === null ? 'CLIENT_ERASED' : 'PERSON_ERASED';
      let removed = 0;
      for (const state of found) {
        const mayHold = state.begunAt !== null && state.begunAt <= since + SKEW_MS;
        if (subject !== null && !mayHold) continue;
        await discard(parts, source, state, reason);
        removed++;
      }
      return removed;
    },
  };
}

/**
 * Takes an export's content away for good. Where a client's end waits for it, another is made.
 * Run again, it goes on with what is left.
 */
export async function discard(
  parts: ExportParts,
  source: DataSource,
  state: ExportState,
  reason: DiscardReason,
): Promise<void> {
  const { client, id } = state;
  if (state.status !== 'DISCARDED' && state.status !== 'EXPIRED') {
    const details = { export: id, reason };
    await parts.recorder.record('EXPORT_DISCARDED', { client, principal: 'exports', details });
    await inTransaction(source, async (manager) => {
      const now = await lockExport(manager, client, id);
      if (!now || now.status === 'DISCARDED' || now.status === 'EXPIRED') return;
      await manager.query(`UPDATE client_export SET status = 'DISCARDED', reason = ? WHERE client_id = ? AND id = ?`, [
        reason,
        client,
        id,
      ]);
      if (reason === 'PERSON_ERASED' || reason === 'KEY_LOST') await makeAnew(parts, manager, source, now);
    });
  }
  await removeContent(parts, source, state);
}

async function makeAnew(
  { jobs, now }: ExportParts,
  manager: EntityManager,
  source: DataSource,
  state: ExportState,
): Promise<void> {
  if (state.collectedAt !== null || !(await waitingTermination(manager, state))) return;
  const again = { ...state, id: uuid(), requestedAt: now() };
  await insertExport(manager, again);
  await jobs(source).schedule(manager, state.client, [again.id], Math.max(now(), state.notBefore));
}

type Filed = Pick<
  ExportState,
  'client' | 'id' | 'requestId' | 'requestedBy' | 'requestedRole' | 'requestedAt' | 'notBefore'
>;

export async function insertExport(manager: EntityManager, filed: Filed): Promise<void> {
  await manager.query(
    `INSERT INTO client_export (client_id, id, request_id, status, requested_by, requested_role, requested_at, not_before)
     VALUES (?, ?, ?, 'WAITING', ?, ?, ?, ?)`,
    [
      filed.client,
      filed.id,
      filed.requestId,
      filed.requestedBy,
      filed.requestedRole,
      filed.requestedAt,
      filed.notBefore,
    ],
  );
}

/** The key first: from then on no copy of the pieces can be read, here or in a backup. */
async function removeContent(parts: ExportParts, source: DataSource, { client, id }: ExportState): Promise<void> {
  if (await hasKey(parts, client, id)) await parts.keys.destroySubjectKey(client, id);
  for (;;) {
    const left = await inTransaction(source, async (manager) => {
      const rows = await manager.query<Array<{ seq: number }>>(
        `SELECT seq FROM export_chunk WHERE client_id = ? AND export_id = ? ORDER BY seq LIMIT ${PIECES}`,
        [client, id],
      );
      const last = rows.at(-1);
      if (!last) return 0;
      return affectedRows(manager, 'DELETE FROM export_chunk WHERE client_id = ? AND export_id = ? AND seq <= ?', [
        client,
        id,
        last.seq,
      ]);
    });
    if (left === 0) break;
  }
  await inTransaction(source, (manager) =>
    manager.query('UPDATE client_export SET removed_at = ?, progress = NULL WHERE client_id = ? AND id = ?', [
      parts.now(),
      client,
      id,
    ]),
  );
}

async function hasKey({ keys }: ExportParts, client: string, id: string): Promise<boolean> {
  try {
    const key = await exportKey(keys, client, id);
    key?.fill(0);
    return key !== undefined;
  } catch (error) {
    if (error instanceof ClientKeyError) return false;
    throw error;
  }
}

/** Removes what nobody collected in time, what was collected, and what a removal that died has left. @returns how many */
export async function sweepExports(parts: ExportParts): Promise<number> {
  let removed = 0;
  for (const source of parts.regions.all()) {
    const due = await committed(source, () =>
      readExports(source, `removed_at IS NULL AND (collect_by <= ? OR status IN ('DISCARDED', 'EXPIRED'))`, [
        parts.now(),
      ]),
    );
    for (const state of due) {
      if (state.status === 'READY') await expire(parts, source, state);
      await removeContent(parts, source, state);
      removed++;
    }
  }
  return removed;
}

async function expire({ recorder }: ExportParts, source: DataSource, { client, id }: ExportState): Promise<void> {
  await recorder.record('EXPORT_EXPIRED', { client, principal: 'exports', details: { export: id } });
  await inTransaction(source, (manager) =>
    manager.query(`UPDATE client_export SET status = 'EXPIRED' WHERE client_id = ? AND id = ? AND status = 'READY'`, [
      client,
      id,
    ]),
  );
}
