import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { Purger } from '../erasure/execution/purger';
import type { ChangeRecorder } from '../identity/change-recorder';
import type { Jobs } from '../jobs/jobs';
import { ClientKeyError } from '../keys/errors';
import type { KeyStore } from '../keys/key-store';
import type { Regions } from '../storage/regions';
import { inTransaction } from '../storage/transaction';
import { limitOf, own, sql, tenantSql } from '../tenancy/tenant-sql';
import type { DiscardReason } from './client-export';
import { type ExportState, lockExport, readExports, readExportsAnywhere, waitingTermination } from './export-state';
import { exportKey } from './sealed-pieces';

/** Pieces that one transaction deletes. Each can be a megabyte. */
const PIECES = 16;
/** How far apart the clocks of replicas can be, in milliseconds. */
export const SKEW_MS = 60_000;

/** What the removal of exports needs. */
export interface ExportRemovalServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly jobs: Jobs;
  readonly now: () => number;
}

/** Removes the content of exports: of discarded ones, and of those that nobody collected. */
export class ExportRemoval implements Purger {
  readonly store = 'exports';
  readonly #services: ExportRemovalServices;

  constructor(services: ExportRemovalServices) {
    this.#services = services;
  }

  /** Removes exports that can hold an erased person, or all exports of a client (docs/pitfalls.md, 28). */
  async purge(client: string, subject: string | null, since: number): Promise<number> {
    const source = await this.#services.regions.of(client);
    const found = await readExports(source, client, sql`removed_at IS NULL`);
    const reason = subject === null ? 'CLIENT_ERASED' : 'PERSON_ERASED';
    let removed = 0;
    for (const state of found) {
      const mayHold = state.begunAt !== null && state.begunAt <= since + SKEW_MS;
      if (subject !== null && !mayHold) continue;
      await this.discard(source, state, reason);
      removed++;
    }
    return removed;
  }

  /**
   * Removes an export's content for good. When a client's end waits for it, another export is requested. A second run
   * removes what is left.
   */
  async discard(source: DataSource, state: ExportState, reason: DiscardReason): Promise<void> {
    const { client, id } = state;
    if (state.status !== 'DISCARDED' && state.status !== 'EXPIRED') {
      const details = { export: id, reason };
      await this.#services.recorder.record('EXPORT_DISCARDED', { client, principal: 'exports', details });
      await inTransaction(source, async (manager) => {
        const now = await lockExport(manager, client, id);
        if (!now || now.status === 'DISCARDED' || now.status === 'EXPIRED') return;
        await tenantSql(manager, client)
          .change`UPDATE client_export SET status = 'DISCARDED', reason = ${reason} WHERE ${own} AND id = ${id}`;
        if (reason === 'PERSON_ERASED' || reason === 'KEY_LOST') await this.#makeAnew(manager, now);
      });
    }
    await this.#removeContent(source, state);
  }

  /** Removes collected and expired exports, and what an interrupted removal left. @returns how many */
  async sweep(): Promise<number> {
    const { regions, now } = this.#services;
    let removed = 0;
    for (const source of regions.all()) {
      const where = sql`removed_at IS NULL AND (collect_by <= ${now()} OR status IN ('DISCARDED', 'EXPIRED'))`;
      const due = await readExportsAnywhere(source, where);
      for (const state of due) {
        if (state.status === 'READY') await this.#expire(source, state);
        await this.#removeContent(source, state);
        removed++;
      }
    }
    return removed;
  }

  async #makeAnew(manager: EntityManager, state: ExportState): Promise<void> {
    if (state.collectedAt !== null || !(await waitingTermination(manager, state))) return;
    const { jobs, now } = this.#services;
    const again = { ...state, id: uuid(), requestedAt: now() };
    await insertExport(manager, again);
    await jobs.schedule(manager, state.client, [again.id], Math.max(now(), state.notBefore));
  }

  /** The key goes first: from then on no copy of the pieces can be read, also in backups. */
  async #removeContent(source: DataSource, { client, id }: ExportState): Promise<void> {
    const { keys, now } = this.#services;
    if (await hasKey(keys, client, id)) await keys.destroySubjectKey(client, id);
    while ((await inTransaction(source, (manager) => deletePieces(manager, client, id))) > 0);
    await inTransaction(
      source,
      (manager) =>
        tenantSql(manager, client)
          .change`UPDATE client_export SET removed_at = ${now()}, progress = NULL WHERE ${own} AND id = ${id}`,
    );
  }

  async #expire(source: DataSource, { client, id }: ExportState): Promise<void> {
    await this.#services.recorder.record('EXPORT_EXPIRED', { client, principal: 'exports', details: { export: id } });
    await inTransaction(
      source,
      (manager) =>
        tenantSql(manager, client)
          .change`UPDATE client_export SET status = 'EXPIRED' WHERE ${own} AND id = ${id} AND status = 'READY'`,
    );
  }
}

type Filed = Pick<
  ExportState,
  'client' | 'id' | 'requestId' | 'requestedBy' | 'requestedRole' | 'requestedAt' | 'notBefore'
>;

export async function insertExport(manager: EntityManager, filed: Filed): Promise<void> {
  const { client, id, requestId, requestedBy, requestedRole, requestedAt, notBefore } = filed;
  await tenantSql(manager, client).insert('client_export', [
    {
      ...{ id, request_id: requestId, status: 'WAITING', requested_by: requestedBy, requested_role: requestedRole },
      ...{ requested_at: requestedAt, not_before: notBefore },
    },
  ]);
}

/** @returns how many were deleted */
async function deletePieces(manager: EntityManager, client: string, id: string): Promise<number> {
  const rows = await tenantSql(manager, client).select<{
    seq: number;
  }>`SELECT seq FROM export_chunk WHERE ${own} AND export_id = ${id} ORDER BY seq LIMIT ${limitOf(PIECES)}`;
  const last = rows.at(-1);
  if (!last) return 0;
  return tenantSql(manager, client)
    .change`DELETE FROM export_chunk WHERE ${own} AND export_id = ${id} AND seq <= ${last.seq}`;
}

async function hasKey(keys: KeyStore, client: string, id: string): Promise<boolean> {
  try {
    const key = await exportKey(keys, client, id);
    key?.fill(0);
    return key !== undefined;
  } catch (error) {
    if (error instanceof ClientKeyError) return false;
    throw error;
  }
}
