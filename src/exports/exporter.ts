import type { DataSource, EntityManager } from 'typeorm';
import type { Jobs, Lease } from '../jobs/jobs';
import { ClientKeyError } from '../keys/errors';
import { committed, inTransaction } from '../storage/transaction';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { type ExportState, lockExport, readExport, waitingTermination } from './export-state';
import { filter } from './filter';
import { manifestLine, piecesOf, rowLine, trailerLine } from './lines';
import { exportedFields, isUnreported, omittedTables } from './omitted';
import { collectableUntil, type ExportParts } from './parts';
import { beginning, openProgress, type Progress, rowsIn, sealProgress } from './progress';
import { discard } from './removal';
import { exportKey, exportKeyOrNew, sealPiece } from './sealed-pieces';
import { pageAfter, positionOf } from './table-page';

/** Clock and queue of the worker that carries an export out. */
export interface Tasks {
  readonly now: () => number;
  readonly jobs: (source: DataSource) => Jobs;
}

interface Pass {
  readonly parts: ExportParts;
  readonly tasks: Tasks;
  readonly source: DataSource;
  readonly lease: Lease;
  readonly key: Buffer;
}

/**
 * Carries an export out: some hundred rows a transaction, in the order of the tables' keys, so that memory is flat and
 * whoever dies on the way leaves pieces that the next worker goes on from.
 * @returns false where the job is none of an export
 */
export async function carryOut(parts: ExportParts, lease: Lease, tasks: Tasks): Promise<boolean> {
  const source = await parts.regions.of(lease.client);
  const jobs = tasks.jobs(source);
  const found = await committed(source, () => readExport(source, lease.client, lease.id));
  if (!found) return false;
  const { notBefore } = found;
  if (found.status === 'WAITING' && notBefore > tasks.now()) {
    await inTransaction(source, (manager) => jobs.park(manager, lease, notBefore));
    return true;
  }
  const key = await keyOf(parts, source, found);
  if (!key) await inTransaction(source, (manager) => jobs.finish(manager, lease));
  else await write({ parts, tasks, source, lease, key }, found);
  key?.fill(0);
  return true;
}

/** The export's key; undefined where nothing is to be made. */
async function keyOf(parts: ExportParts, source: DataSource, found: ExportState): Promise<Buffer | undefined> {
  const { client, id, status } = found;
  try {
    if (status === 'WAITING') return await exportKeyOrNew(parts.keys, client, id);
    if (status !== 'PREPARING') return undefined;
    const key = await exportKey(parts.keys, client, id);
    if (!key) await discard(parts, source, found, 'KEY_LOST');
    return key;
  } catch (error) {
    if (!(error instanceof ClientKeyError)) throw error;
    await discard(parts, source, found, 'CLIENT_ERASED');
    return undefined;
  }
}

async function write(pass: Pass, found: ExportState): Promise<void> {
  const { parts, source, lease } = pass;
  if (found.status === 'WAITING') await inTransaction(source, (manager) => begin(pass, manager));
  for (;;) {
    const page = await inTransaction(source, (manager) => writePage(pass, manager));
    if (page === 'MORE') continue;
    // Discarded while it was made; whoever did so has seen to a new one.
    if (page === 'GONE') return inTransaction(source, (manager) => pass.tasks.jobs(source).finish(manager, lease));
    const details = { export: lease.id, rows: rowsIn(page), bytes: page.bytes };
    await parts.recorder.record('EXPORT_MADE', { client: lease.client, principal: 'exports', details });
    return inTransaction(source, (manager) => finish(pass, manager, page));
  }
}

/** Says when it begins before it reads anything: whoever is withheld later may be in it, and nobody else. */
async function begin({ parts, tasks, lease, key }: Pass, manager: EntityManager): Promise<void> {
  await lease.fence(manager);
  const state = await lockExport(manager, lease.client, lease.id);
  if (state?.status !== 'WAITING') return;
  const at = tasks.now();
  const progress = beginning();
  const tables = parts.tables.map(([, table]) => table).filter(({ name }) => !omittedTables.has(name));
  await append(manager, state, key, progress, [manifestLine(state, at, tables)]);
  await manager.query(
    `UPDATE client_export SET status = 'PREPARING', begun_at = ?, progress = ? WHERE client_id = ? AND id = ?`,
    [at, sealProgress(key, state, progress), state.client, state.id],
  );
}

/** @returns what it holds once nothing is left; GONE where it is not wanted any more */
async function writePage(pass: Pass, manager: EntityManager): Promise<Progress | 'MORE' | 'GONE'> {
  const { parts, lease, key } = pass;
  await lease.fence(manager);
  const state = await lockExport(manager, lease.client, lease.id);
  if (state?.status !== 'PREPARING' || !state.progress) return 'GONE';
  const progress = openProgress(key, state, state.progress);
  const lines: Buffer[] = [];
  for (let budget = parts.pageRows; budget > 0; ) {
    const next = parts.tables.find(([, { name }]) => !omittedTables.has(name) && !progress.done.includes(name));
    if (!next) break;
    const read = await readRows(pass, manager, next, progress, budget, lines);
    // An empty table is a query, too.
    budget -= Math.max(read, 1);
  }
  if (lines.length === 0 && isRead(parts, progress)) return progress;
  await append(manager, state, key, progress, lines);
  await manager.query('UPDATE client_export SET progress = ? WHERE client_id = ? AND id = ?', [
    sealProgress(key, state, progress),
    state.client,
    state.id,
  ]);
  return 'MORE';
}

const isRead = ({ tables }: ExportParts, { done }: Progress): boolean =>
  tables.every(([, { name }]) => omittedTables.has(name) || done.includes(name));

/** Reads on in a table, and adds its lines. @returns how many rows it read */
async function readRows(
  { parts, tasks, source, lease: { client } }: Pass,
  manager: EntityManager,
  next: ExportParts['tables'][number],
  progress: Progress,
  limit: number,
  lines: Buffer[],
): Promise<number> {
  const [, table] = next;
  const { keys, regions } = parts;
  const fields = exportedFields(table);
  // The directory of clients is at home, wherever a client's rows are hosted.
  const place = table.name === 'client' && source !== regions.home ? regions.home : manager;
  const after = progress.after ?? undefined;
  const rows = await pageAfter(new TenantReader(place, keys), next, client, fields, after, limit);
  const counted = progress.tables[table.name] ?? { rows: 0, underErasure: 0, withoutKey: 0, damaged: 0 };
  progress.tables[table.name] = counted;
  const tellable = rows.filter((row) => !isUnreported(table, row, tasks.now()));
  const sifted = await filter({ manager, keys, client }, table, tellable, counted);
  lines.push(...sifted.map((row) => rowLine(table, fields, row, counted)));
  if (table.name === 'customer') progress.residencies = residenciesOf(progress, sifted);
  const last = rows.at(-1);
  progress.after = rows.length === limit && last ? positionOf(table, last) : null;
  if (!progress.after) progress.done.push(table.name);
  return rows.length;
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
    await manager.query('INSERT INTO export_chunk (client_id, export_id, seq, content) VALUES (?, ?, ?, ?)', [
      client,
      id,
      progress.seq,
      sealPiece(key, client, id, progress.seq, piece),
    ]);
    progress.seq++;
    progress.bytes += piece.length;
  }
}

async function finish({ tasks, source, lease, key }: Pass, manager: EntityManager, read: Progress): Promise<void> {
  await lease.fence(manager);
  // A transaction may run twice.
  const progress = structuredClone(read);
  const jobs = tasks.jobs(source);
  const state = await lockExport(manager, lease.client, lease.id);
  if (state?.status === 'PREPARING') {
    const at = tasks.now();
    await append(manager, state, key, progress, [trailerLine(progress)]);
    const termination = await waitingTermination(manager, state);
    await manager.query(
      `UPDATE client_export SET status = 'READY', ready_at = ?, collect_by = ?, byte_count = ?, line_count = ?, progress = ?
       WHERE client_id = ? AND id = ?`,
      [
        at,
        collectableUntil(at, termination?.dueAt),
        progress.bytes,
        rowsIn(progress),
        sealProgress(key, state, progress),
        state.client,
        state.id,
      ],
    );
    if (termination) await jobs.schedule(manager, state.client, [termination.id], at);
  }
  await jobs.finish(manager, lease);
}
