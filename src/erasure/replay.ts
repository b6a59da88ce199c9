import type { DataSource, EntityManager } from 'typeorm';
import { ClientKeyError } from '../keys/errors';
import { decidedRow } from '../storage/decided-row';
import { committed, inTransaction } from '../storage/transaction';
import type { Row } from '../tenancy/tenant-reader';
import { TenantWriter } from '../tenancy/tenant-writer';
import { rowsOf } from './eraser';
import { ErasureRequestRow, LegalHoldRow } from './erasure-request';
import { withhold } from './filing';
import type { LedgerEntry } from './ledger';
import type { ErasureParts } from './parts';
import { tablesAbout } from './plan';
import { readState } from './requests';
import { rowsOfClient } from './termination-saga';

export interface Replayed {
  readonly client: string;
  readonly request: string;
  readonly kind: LedgerEntry['kind'];
  /** Rows that a restored backup had brought back. */
  readonly rows: number;
}

export interface ReplayOptions {
  /** Milliseconds since 1970: when the backup was made, or earlier. */
  readonly since: number;
  /** Tells what it would do, and does nothing. */
  readonly dryRun?: boolean;
  readonly onProgress?: (looked: number) => void;
}

const PAGE = 200;

/**
 * Files erasures again whose persons a restored backup has brought back, and those whose requests it has lost
 * (pitfall 26). Their keys are gone already: what came back of sealed data cannot be read in the meantime.
 */
export async function replayErasures(parts: ErasureParts, options: ReplayOptions): Promise<Replayed[]> {
  const replayed: Replayed[] = [];
  let after: { client: string; id: string } | undefined;
  let looked = 0;
  for (;;) {
    const entries = await parts.ledger.list({ since: options.since, limit: PAGE, ...(after ? { after } : {}) });
    for (const entry of entries) {
      const again = entry.cancelledAt === null ? await replay(parts, entry, options.dryRun ?? false) : undefined;
      if (again) replayed.push(again);
    }
    looked += entries.length;
    options.onProgress?.(looked);
    const last = entries.at(-1);
    if (!last) return replayed;
    after = { client: last.client, id: last.id };
  }
}

async function replay(parts: ErasureParts, entry: LedgerEntry, dryRun: boolean): Promise<Replayed | undefined> {
  const { client, id, kind } = entry;
  const source = await parts.regions.of(client);
  const subject = kind === 'CUSTOMER' ? await subjectOf(entry) : null;
  if (subject === undefined) return undefined;
  const rows =
    subject === null ? await rowsOfClient(parts, source, client) : await rowsOfPerson(parts, source, client, subject);
  const state = await committed(source, () => readState(source, client, id));
  // A request that is there and open goes on by itself: its job came back with it.
  const isLost = state === undefined || (entry.completedAt !== null && state.status !== 'COMPLETED');
  const isBack = entry.completedAt !== null && entry.request.categories === null && rows > 0;
  if (rows === 0 || !(isLost || isBack)) return undefined;
  const again = { client, request: id, kind, rows };
  if (dryRun) return again;
  const holds = subject === null ? [] : await lostHolds(parts, source, entry, subject);
  await recordReplay(parts, entry, subject, rows, holds);
  await inTransaction(source, async (manager) => {
    await restoreRequest(parts, manager, entry, subject, state !== undefined);
    if (subject !== null) {
      await new TenantWriter(manager, parts.keys).insert(LegalHoldRow, client, holds);
      if (entry.request.categories === null) await withhold(manager, client, [subject], parts.now());
    }
    await parts.jobs(source).schedule(manager, client, [id], Math.max(parts.now(), startOf(entry)));
    if (state === undefined) await restoreExport(parts, manager, source, entry);
  });
  return again;
}

/** When destruction may begin: what had begun before the backup was put back goes on at once. */
const startOf = ({ passes, request }: LedgerEntry): number => (passes.length === 0 ? (request.notBefore ?? 0) : 0);

/** The export that a client's end waited for, where nothing of the client is destroyed yet. */
async function restoreExport(
  { exports, jobs, now }: ErasureParts,
  manager: EntityManager,
  source: DataSource,
  { client, id, passes, request }: LedgerEntry,
): Promise<void> {
  const { exportAt, role } = request;
  if (!exports || exportAt === undefined || passes.length > 0) return;
  const by = { principal: 'replay', role };
  const filed = await exports.file(manager, { client, request: id, by, at: now(), notBefore: exportAt });
  await jobs(source).schedule(manager, client, [filed], Math.max(now(), exportAt));
}

/** Whom an entry is about; undefined where the client's key is gone, whose own entry covers its people. */
async function subjectOf(entry: LedgerEntry): Promise<string | undefined> {
  try {
    return await entry.subject();
  } catch (error) {
    if (error instanceof ClientKeyError) return undefined;
    throw error;
  }
}

async function rowsOfPerson(parts: ErasureParts, source: DataSource, client: string, subject: string): Promise<number> {
  const tables = tablesAbout(parts.tables, 'CUSTOMER').filter(({ name }) => name !== 'erasure_request');
  const counts = await inTransaction(source, (manager) => rowsOf(manager, tables, { client, subject }));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** A new pass of the request, numbered after all that the ledger knows of. */
async function restoreRequest(
  parts: ErasureParts,
  manager: EntityManager,
  entry: LedgerEntry,
  subject: string | null,
  isThere: boolean,
): Promise<void> {
  const { client, id, request } = entry;
  const pass = Math.max(0, ...entry.passes.map((known) => known.pass));
  const now = parts.now();
  if (isThere) {
    await manager.query(
      `UPDATE erasure_request SET status = 'PARTIALLY_COMPLETED', customer_id = ?, pass = ?, replayed_at = ?, not_before = NULL
       WHERE client_id = ? AND id = ?`,
      [subject, pass, now, client, id],
    );
    return;
  }
  await new TenantWriter(manager, parts.keys).insert(ErasureRequestRow, client, [
    {
      id,
      kind: entry.kind,
      customerId: subject,
      grounds: request.grounds,
      categories: request.categories?.join(',') ?? null,
      status: pass === 0 ? 'RECEIVED' : 'PARTIALLY_COMPLETED',
      requestedBy: 'replay',
      requestedRole: request.role,
      requestedAt: entry.requestedAt,
      notBefore: startOf(entry) || null,
      dueAt: request.dueAt,
      pass,
      replayedAt: now,
    },
  ]);
}

/** Holds that the backup does not know: the ledger says what they kept, and for how long. */
async function lostHolds(
  parts: ErasureParts,
  source: DataSource,
  entry: LedgerEntry,
  subject: string,
): Promise<Array<Row & { id: string }>> {
  if (entry.completedAt !== null) return [];
  const byHold = new Map<string, { categories: string[]; until: string | null }>();
  for (const { category, reason, until } of entry.passes.at(-1)?.retained ?? []) {
    const hold = reason.replace('LEGAL_HOLD ', '');
    byHold.set(hold, { categories: [...(byHold.get(hold)?.categories ?? []), category], until });
  }
  const lost: Array<Row & { id: string }> = [];
  for (const [id, { categories, until }] of byHold) {
    const [known] = await committed(source, () =>
      source.query<unknown[]>('SELECT id FROM legal_hold WHERE client_id = ? AND id = ?', [entry.client, id]),
    );
    if (known) continue;
    lost.push({
      id,
      customerId: subject,
      categories: categories.join(','),
      matter: 'restored from the ledger',
      reason: 'the hold was placed after the backup was made',
      placedAt: parts.now(),
      placedBy: 'replay',
      until: until === null ? null : Date.parse(until),
    });
  }
  return lost;
}

/** What is done again is on record before it is, with the holds that come back with it. */
async function recordReplay(
  { recorder }: ErasureParts,
  { client, id, kind }: LedgerEntry,
  subject: string | null,
  rows: number,
  holds: readonly Row[],
): Promise<void> {
  await recorder.record('ERASURE_REPLAYED', {
    client,
    principal: 'replay',
    subject: subject ?? undefined,
    details: { request: id, kind, rows, holds: holds.length },
    decides: holds.map((hold) => decidedRow(LegalHoldRow, hold)),
  });
}
