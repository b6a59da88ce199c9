import type { DataSource, EntityManager } from 'typeorm';
import type { ChangeRecorder } from '../../identity/change-recorder';
import type { Jobs } from '../../jobs/jobs';
import { ClientKeyError } from '../../keys/errors';
import type { KeyStore } from '../../keys/key-store';
import { decidedRow } from '../../storage/decided-row';
import type { Regions } from '../../storage/regions';
import { committed, inTransaction } from '../../storage/transaction';
import type { Row } from '../../tenancy/tenant-reader';
import { own, tenantSql } from '../../tenancy/tenant-sql';
import type { TenantTable } from '../../tenancy/tenant-table';
import { TenantWriter } from '../../tenancy/tenant-writer';
import { tablesOfClients } from '../execution/client-erasure';
import { rowsOf } from '../execution/eraser';
import { REQUEST_TABLE } from '../execution/person-erasure';
import { tablesAbout } from '../execution/plan';
import { LegalHoldRow } from '../holds/legal-hold';
import { ErasureRequestRow } from '../requests/erasure-request';
import { withhold } from '../requests/filing';
import { readRequest } from '../requests/request-state';
import type { TerminationExports } from '../requests/termination-exports';
import type { ErasureRecord, ErasureRecords } from './erasure-records';

export interface Replayed {
  readonly client: string;
  readonly request: string;
  readonly kind: ErasureRecord['kind'];
  /** Rows that the restored backup brought back. */
  readonly rows: number;
}

export interface ReplayOptions {
  /** Milliseconds since 1970: when the backup was made, or earlier. */
  readonly since: number;
  /** Only report, and change nothing. */
  readonly dryRun?: boolean;
  readonly onProgress?: (looked: number) => void;
}

const PAGE = 200;

/** What the replay of erasures needs. */
export interface ReplayServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly records: ErasureRecords;
  readonly jobs: Jobs;
  readonly tables: readonly TenantTable[];
  readonly terminationExports: TerminationExports | undefined;
  readonly now: () => number;
}

/**
 * Repeats erasures after a restore: of people whom the backup brought back, and those whose requests the backup lost
 * (docs/pitfalls.md, 26). Destroyed keys stay destroyed, so sealed data that came back is unreadable meanwhile.
 */
export class ErasureReplay {
  readonly #services: ReplayServices;

  constructor(services: ReplayServices) {
    this.#services = services;
  }

  async run(options: ReplayOptions): Promise<Replayed[]> {
    const replayed: Replayed[] = [];
    let after: { client: string; id: string } | undefined;
    let looked = 0;
    for (;;) {
      const position = after ? { after } : {};
      const records = await this.#services.records.list({ since: options.since, limit: PAGE, ...position });
      for (const record of records) {
        const again = record.cancelledAt === null ? await this.#replay(record, options.dryRun ?? false) : undefined;
        if (again) replayed.push(again);
      }
      looked += records.length;
      options.onProgress?.(looked);
      const last = records.at(-1);
      if (!last) return replayed;
      after = { client: last.client, id: last.id };
    }
  }

  async #replay(record: ErasureRecord, dryRun: boolean): Promise<Replayed | undefined> {
    const { client, id, kind } = record;
    const { regions, keys, jobs, now } = this.#services;
    const source = await regions.of(client);
    const subject = kind === 'CUSTOMER' ? await subjectOf(record) : null;
    if (subject === undefined) return undefined;
    const rows = await this.#rowsThere(source, client, subject);
    const state = await committed(source, () => readRequest(source, client, id));
    // An open request continues by itself: its job came back with it.
    const isLost = state === undefined || (record.completedAt !== null && state.status !== 'COMPLETED');
    const isBack = record.completedAt !== null && record.request.categories === null && rows > 0;
    // Nothing came back of whom it was about, but nobody would certify the erasure.
    const isUncertified = state === undefined && record.completedAt === null && record.keysDeleted !== null;
    if (!isUncertified && (rows === 0 || !(isLost || isBack))) return undefined;
    const again = { client, request: id, kind, rows };
    if (dryRun) return again;
    const holds = subject === null ? [] : await this.#lostHolds(source, record, subject);
    await this.#record(record, subject, rows, holds);
    await inTransaction(source, async (manager) => {
      await this.#restoreRequest(manager, record, subject, state !== undefined);
      if (subject !== null) {
        await new TenantWriter(manager, keys).insert(LegalHoldRow, client, holds);
        if (record.request.categories === null) await withhold(manager, client, [subject], now());
      }
      await jobs.schedule(manager, client, [id], Math.max(now(), startOf(record)));
      if (state === undefined) await this.#restoreExport(manager, record);
    });
    return again;
  }

  /** How many rows are back, of a person or of a client. */
  async #rowsThere(source: DataSource, client: string, subject: string | null): Promise<number> {
    const { tables } = this.#services;
    const searched =
      subject === null
        ? tablesOfClients(tables)
        : tablesAbout(tables, 'CUSTOMER').filter(({ name }) => name !== REQUEST_TABLE);
    const range = subject === null ? { client } : { client, subject };
    const counts = await inTransaction(source, (manager) => rowsOf(manager, searched, range));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Requests the export again that a client's end waited for, when nothing of the client is destroyed yet. */
  async #restoreExport(manager: EntityManager, { client, id, passes, request }: ErasureRecord): Promise<void> {
    const { terminationExports, now } = this.#services;
    const { exportAt, role } = request;
    if (exportAt === undefined || passes.length > 0) return;
    const by = { principal: 'replay', role };
    await terminationExports?.file(manager, { client, request: id, by, at: now(), notBefore: exportAt });
  }

  /** Restores the request for a new pass, behind all passes that the record knows. */
  async #restoreRequest(
    manager: EntityManager,
    record: ErasureRecord,
    subject: string | null,
    isThere: boolean,
  ): Promise<void> {
    const { client, id, request } = record;
    const pass = Math.max(0, ...record.passes.map((known) => known.pass));
    const now = this.#services.now();
    if (isThere) {
      await tenantSql(manager, client).change`
        UPDATE erasure_request
        SET status = 'PARTIALLY_COMPLETED', customer_id = ${subject}, pass = ${pass}, replayed_at = ${now},
        not_before = NULL
        WHERE ${own} AND id = ${id}`;
      return;
    }
    await new TenantWriter(manager, this.#services.keys).insert(ErasureRequestRow, client, [
      {
        id,
        kind: record.kind,
        customerId: subject,
        grounds: request.grounds,
        categories: request.categories,
        status: pass === 0 ? 'RECEIVED' : 'PARTIALLY_COMPLETED',
        requestedBy: 'replay',
        requestedRole: request.role,
        requestedAt: record.requestedAt,
        notBefore: startOf(record) || null,
        dueAt: request.dueAt,
        pass,
        replayedAt: now,
      },
    ]);
  }

  /** Holds that the backup lost. The record says what they kept, and until when. */
  async #lostHolds(source: DataSource, record: ErasureRecord, subject: string): Promise<Array<Row & { id: string }>> {
    if (record.completedAt !== null) return [];
    const byHold = new Map<string, { categories: string[]; until: string | null }>();
    for (const { category, reason, until } of record.passes.at(-1)?.retained ?? []) {
      const hold = reason.replace('LEGAL_HOLD ', '');
      byHold.set(hold, { categories: [...(byHold.get(hold)?.categories ?? []), category], until });
    }
    const lost: Array<Row & { id: string }> = [];
    for (const [id, { categories, until }] of byHold) {
      const [known] = await tenantSql(source, record.client)
        .select<unknown>`SELECT id FROM legal_hold WHERE ${own} AND id = ${id}`;
      if (known) continue;
      lost.push({
        id,
        customerId: subject,
        categories,
        matter: 'restored from the ledger',
        reason: 'the hold was placed after the backup was made',
        placedAt: this.#services.now(),
        placedBy: 'replay',
        until: until === null ? null : Date.parse(until),
      });
    }
    return lost;
  }

  /** Records the repetition before it begins, with the restored holds. */
  async #record(
    { client, id, kind }: ErasureRecord,
    subject: string | null,
    rows: number,
    holds: readonly Row[],
  ): Promise<void> {
    await this.#services.recorder.record('ERASURE_REPLAYED', {
      client,
      principal: 'replay',
      subject: subject ?? undefined,
      details: { request: id, kind, rows, holds: holds.length },
      decides: holds.map((hold) => decidedRow(LegalHoldRow, hold)),
    });
  }
}

/** When destruction can begin. What had begun before the restore continues at once. */
const startOf = ({ passes, request }: ErasureRecord): number => (passes.length === 0 ? (request.notBefore ?? 0) : 0);

/** Whom a record is about; undefined when the client's key is destroyed: the client's own record covers its people. */
async function subjectOf(record: ErasureRecord): Promise<string | undefined> {
  try {
    return await record.subject();
  } catch (error) {
    if (error instanceof ClientKeyError) return undefined;
    throw error;
  }
}
