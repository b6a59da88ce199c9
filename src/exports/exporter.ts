import type { DataSource, EntityManager } from 'typeorm';
import type { ChangeRecorder } from '../identity/change-recorder';
import type { JobHandler } from '../jobs/job-worker';
import type { Jobs } from '../jobs/jobs';
import type { Lease } from '../jobs/leases';
import { ClientKeyError } from '../keys/errors';
import type { KeyStore } from '../keys/key-store';
import type { EntityClass } from '../storage/entity-class';
import type { Regions } from '../storage/regions';
import { committed, inTransaction } from '../storage/transaction';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { own, tenantSql } from '../tenancy/tenant-sql';
import type { TenantTable } from '../tenancy/tenant-table';
import type { ExportRemoval } from './export-removal';
import { type ExportState, lockExport, readExport, waitingTermination } from './export-state';
import { collectableUntil } from './export-terms';
import { filter } from './filter';
import { manifestLine, piecesOf, rowLine, trailerLine } from './lines';
import { exportedFields, isUnreported, omittedTables } from './omitted';
import { beginning, openProgress, type Progress, rowsIn, sealProgress } from './progress';
import { exportKey, exportKeyOrNew, sealPiece } from './sealed-pieces';
import { keyOf, pageAfter } from './table-page';

/** A tenant table with the entity that declares it. */
export type ExportedTable = readonly [EntityClass, TenantTable];

/** What making exports needs. */
export interface ExporterServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly jobs: Jobs;
  readonly removal: ExportRemoval;
  /** The tenant tables: the same list as for erasure and the data inventory (docs/pitfalls.md, 27). */
  readonly tables: readonly ExportedTable[];
  /** The most rows that one transaction reads. */
  readonly pageRows: number;
  readonly now: () => number;
}

/** An export in the making, while the process holds its job. */
interface Making {
  readonly source: DataSource;
  readonly lease: Lease;
  readonly key: Buffer;
}

/**
 * Makes exports: some hundred rows in each transaction, in key order. So memory stays flat, and after a crash the next
 * worker continues behind the last piece.
 */
export class Exporter implements JobHandler {
  readonly #services: ExporterServices;
  readonly #tables: readonly ExportedTable[];

  constructor(services: ExporterServices) {
    this.#services = services;
    this.#tables = services.tables.filter(([, { name }]) => !omittedTables.has(name));
  }

  async carryOut(lease: Lease, signal: AbortSignal): Promise<boolean> {
    const { regions, jobs, now } = this.#services;
    const source = await regions.of(lease.client);
    const found = await committed(source, () => readExport(source, lease.client, lease.id));
    if (!found) return false;
    const { notBefore } = found;
    if (found.status === 'WAITING' && notBefore > now()) {
      await inTransaction(source, (manager) => jobs.park(manager, lease, notBefore));
      return true;
    }
    const key = await this.#keyOf(source, found);
    if (!key) await inTransaction(source, (manager) => jobs.finish(manager, lease));
    else await this.#make({ source, lease, key }, found, signal);
    key?.fill(0);
    return true;
  }

  /** The export's key; undefined when there is nothing to make. */
  async #keyOf(source: DataSource, found: ExportState): Promise<Buffer | undefined> {
    const { keys, removal } = this.#services;
    const { client, id, status } = found;
    try {
      if (status === 'WAITING') return await exportKeyOrNew(keys, client, id);
      if (status !== 'PREPARING') return undefined;
      const key = await exportKey(keys, client, id);
      if (!key) await removal.discard(source, found, 'KEY_LOST');
      return key;
    } catch (error) {
      if (!(error instanceof ClientKeyError)) throw error;
      await removal.discard(source, found, 'CLIENT_ERASED');
      return undefined;
    }
  }

  async #make(making: Making, found: ExportState, signal: AbortSignal): Promise<void> {
    const { source, lease } = making;
    const { jobs, recorder } = this.#services;
    if (found.status === 'WAITING') await inTransaction(source, (manager) => this.#begin(manager, making));
    for (;;) {
      if (signal.aborted) return inTransaction(source, (manager) => jobs.release(manager, lease));
      const page = await inTransaction(source, (manager) => this.#writePage(manager, making));
      if (page === 'MORE') continue;
      // Discarded while it was made. A new one was requested then if it is needed.
      if (page === 'GONE') return inTransaction(source, (manager) => jobs.finish(manager, lease));
      const details = { export: lease.id, rows: rowsIn(page), bytes: page.bytes };
      await recorder.record('EXPORT_MADE', { client: lease.client, principal: 'exports', details });
      return inTransaction(source, (manager) => this.#finish(manager, making, page));
    }
  }

  /** Stores the time of the beginning before anything is read: only people withheld later can be in the export. */
  async #begin(manager: EntityManager, { lease, key }: Making): Promise<void> {
    await lease.fence(manager);
    const state = await lockExport(manager, lease.client, lease.id);
    if (state?.status !== 'WAITING') return;
    const at = this.#services.now();
    const progress = beginning();
    const tables = this.#tables.map(([, table]) => table);
    await append(manager, state, key, progress, [manifestLine(state, at, tables)]);
    await tenantSql(manager, state.client).change`
      UPDATE client_export
      SET status = 'PREPARING', begun_at = ${at}, progress = ${sealProgress(key, state, progress)} WHERE ${own}
      AND id = ${state.id}`;
  }

  /** @returns the progress when all rows are written; GONE when the export was discarded */
  async #writePage(manager: EntityManager, making: Making): Promise<Progress | 'MORE' | 'GONE'> {
    const { lease, key } = making;
    await lease.fence(manager);
    const state = await lockExport(manager, lease.client, lease.id);
    if (state?.status !== 'PREPARING' || !state.progress) return 'GONE';
    const progress = openProgress(key, state, state.progress);
    const lines: Buffer[] = [];
    for (let budget = this.#services.pageRows; budget > 0; ) {
      const next = this.#tables.find(([, { name }]) => !progress.done.includes(name));
      if (!next) break;
      const read = await this.#readRows(manager, making, next, progress, budget, lines);
      // An empty table also costs a query.
      budget -= Math.max(read, 1);
    }
    const isRead = this.#tables.every(([, { name }]) => progress.done.includes(name));
    if (lines.length === 0 && isRead) return progress;
    await append(manager, state, key, progress, lines);
    await tenantSql(manager, state.client).change`
      UPDATE client_export SET progress = ${sealProgress(key, state, progress)} WHERE ${own} AND id = ${state.id}`;
    return 'MORE';
  }

  /** Reads the next rows of a table and adds their lines. @returns how many rows it read */
  async #readRows(
    manager: EntityManager,
    { source, lease: { client } }: Making,
    next: ExportedTable,
    progress: Progress,
    limit: number,
    lines: Buffer[],
  ): Promise<number> {
    const [, table] = next;
    const { keys, regions, now } = this.#services;
    const fields = exportedFields(table);
    // The directory of clients is in the home region, wherever a client's rows are.
    const place = table.name === 'client' && source !== regions.home ? regions.home : manager;
    const after = progress.after ?? undefined;
    const rows = await pageAfter(new TenantReader(place, keys), next, client, fields, after, limit);
    const counted = progress.tables[table.name] ?? { rows: 0, underErasure: 0, withoutKey: 0, damaged: 0 };
    progress.tables[table.name] = counted;
    const tellable = rows.filter((row) => !isUnreported(table, row, now()));
    const exported = await filter({ manager, keys, client }, table, tellable, counted);
    lines.push(...exported.map((row) => rowLine(table, fields, row, counted)));
    if (table.name === 'customer') progress.residencies = residenciesOf(progress, exported);
    const last = rows.at(-1);
    progress.after = rows.length === limit && last ? keyOf(table, last) : null;
    if (!progress.after) progress.done.push(table.name);
    return rows.length;
  }

  async #finish(manager: EntityManager, { lease, key }: Making, read: Progress): Promise<void> {
    const { jobs, now } = this.#services;
    await lease.fence(manager);
    // A transaction can run twice.
    const progress = structuredClone(read);
    const state = await lockExport(manager, lease.client, lease.id);
    if (state?.status === 'PREPARING') {
      const at = now();
      await append(manager, state, key, progress, [trailerLine(progress)]);
      const termination = await waitingTermination(manager, state);
      await tenantSql(manager, state.client).change`
        UPDATE client_export
        SET status = 'READY', ready_at = ${at}, collect_by = ${collectableUntil(at, termination?.dueAt)},
        byte_count = ${progress.bytes}, line_count = ${rowsIn(progress)}, progress = ${sealProgress(
          key,
          state,
          progress,
        )}
        WHERE ${own} AND id = ${state.id}`;
      if (termination) await jobs.schedule(manager, state.client, [termination.id], at);
    }
    await jobs.finish(manager, lease);
  }
}

const residenciesOf = ({ residencies }: Progress, customers: readonly Row[]): string[] => [
  ...new Set([...residencies, ...customers.map(({ residency }) => String(residency ?? ''))]),
];

async function append(
  manager: EntityManager,
  { client, id }: ExportState,
  key: Buffer,
  progress: Progress,
  lines: readonly Buffer[],
): Promise<void> {
  for (const piece of piecesOf(lines)) {
    const content = sealPiece(key, client, id, progress.seq, piece);
    await tenantSql(manager, client).insert('export_chunk', [{ export_id: id, seq: progress.seq, content }]);
    progress.seq++;
    progress.bytes += piece.length;
  }
}
