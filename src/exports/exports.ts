import { GraphQLError } from 'graphql';
import { v7 as uuid, validate } from 'uuid';
import type { DataCategory } from '../governance/vocabulary';
import { type ChangeRecorder, changing } from '../identity/change-recorder';
import { denied, type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { administration } from '../identity/roles';
import type { Jobs } from '../jobs/jobs';
import type { KeyStore } from '../keys/key-store';
import { noteThings } from '../storage/noted-ids';
import type { Regions } from '../storage/regions';
import { committed, inTransaction } from '../storage/transaction';
import { inSteps } from '../storage/write-outcome';
import { own, sql, tenantSql } from '../tenancy/tenant-sql';
import type { IntendedTransfer } from '../transfers/transfer-rules';
import { type ExportRemoval, insertExport, SKEW_MS } from './export-removal';
import {
  type ExportState,
  isSomebodyWithheldSince,
  readExport,
  readExports,
  readExportsAnywhere,
  waitingTermination,
} from './export-state';
import type { ExportedTable } from './exporter';
import { linePrefix } from './lines';
import { openProgress } from './progress';
import { exportKey, openPiece } from './sealed-pieces';

/** An export that is being downloaded. */
export interface Download {
  /** The size of all lines. */
  readonly bytes: number;
  /**
   * The pieces in order. Throws when the export is discarded meanwhile, so that a truncated download does not look
   * complete.
   */
  readonly pieces: AsyncIterable<Buffer>;
  /** To be called after the last byte was sent, and only then. */
  collected(): Promise<void>;
}

/** What requesting and downloading exports needs. */
export interface ExportsServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly jobs: Jobs;
  readonly removal: ExportRemoval;
  readonly tables: readonly ExportedTable[];
  readonly mayReceive: (transfer: IntendedTransfer) => Promise<{ allowed: boolean; rule: string }>;
  readonly now: () => number;
}

/** Exports of clients: requests, reads and downloads them. The exporter makes them. */
export class Exports {
  readonly #services: ExportsServices;

  constructor(services: ExportsServices) {
    this.#services = services;
  }

  /**
   * Requests an export of a client's data. When one is being made already, returns that one. The new export replaces
   * collected ones and those that the caller requested. One that somebody else is about to collect stays.
   * @throws {GraphQLError} CONFLICT when the client is being erased
   */
  async request(client: string, by: { principal: string; role: string }): Promise<ExportState> {
    const state = await this.find(client, await this.file(client, by));
    if (!state) throw denied.notFound('export');
    return state;
  }

  /** As {@link request}, and reads nothing after it is done. @returns the export's id */
  async file(client: string, by: { principal: string; role: string }): Promise<string> {
    const { regions, recorder, jobs, now } = this.#services;
    const source = await regions.of(client);
    const { principal, role } = by;
    const id = uuid();
    const at = now();
    const change = { client, principal, details: { record: id, role } };
    const replaced = (await this.list(client)).filter(
      (earlier) =>
        earlier.requestId === null &&
        earlier.removedAt === null &&
        (earlier.collectedAt !== null || earlier.requestedBy === principal),
    );
    const insert = () =>
      changing(recorder, 'EXPORT_REQUESTED', change, () =>
        inTransaction(source, async (manager) => {
          const [ending] = await tenantSql(manager, client).select<unknown>`
          SELECT id FROM erasure_request WHERE ${own} AND kind = 'CLIENT' AND pass > 0 AND status <> 'COMPLETED'`;
          if (ending) throw denied.conflict('The client is being erased: there is nothing to export any more.');
          const isOpen = sql`request_id IS NULL AND status IN ('WAITING', 'PREPARING')`;
          const [open] = await readExports(manager, client, isOpen);
          if (open) {
            noteThings(open.id);
            return open.id;
          }
          await insertExport(manager, {
            client,
            id,
            requestId: null,
            requestedBy: principal,
            requestedRole: role,
            requestedAt: at,
            notBefore: at,
          });
          await jobs.schedule(manager, client, [id], at);
          return id;
        }),
      );
    const replace = async () => {
      const filed = await insert();
      for (const earlier of replaced)
        if (earlier.id !== filed) await this.#services.removal.discard(source, earlier, 'REPLACED');
      return filed;
    };
    return replaced.length > 0 ? inSteps(replace) : insert();
  }

  async find(client: string, id: string): Promise<ExportState | undefined> {
    if (!validate(id)) return undefined;
    const source = await this.#services.regions.of(client);
    return committed(source, () => readExport(source, client, id));
  }

  /** An export of any client, for the operator. */
  async anywhere(id: string): Promise<ExportState | undefined> {
    if (!validate(id)) return undefined;
    for (const source of this.#services.regions.all()) {
      const [found] = await readExportsAnywhere(source, sql`id = ${id}`);
      if (found) return found;
    }
    return undefined;
  }

  /** Exports of a client, oldest first. */
  async list(client: string): Promise<ExportState[]> {
    const source = await this.#services.regions.of(client);
    return readExports(source, client, sql`1 = 1`);
  }

  /** The last export that was made for the end of a client. */
  async ofTermination(client: string, request: string): Promise<ExportState | undefined> {
    const source = await this.#services.regions.of(client);
    const made = await readExports(source, client, sql`request_id = ${request}`);
    return made.at(-1);
  }

  /**
   * Gives an export to an administrator of its client, when the law permits the transfer to the caller's country
   * (statement T2).
   * @throws {GraphQLError} UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT, TRANSFER_NOT_AUTHORIZED, AUDIT_UNAVAILABLE
   */
  async collect(context: RequestContext, id: string): Promise<Download> {
    requireRole(context, ...administration);
    const client = requireClient(context).id;
    const state = await this.find(client, id);
    if (!state) throw denied.notFound('export');
    await this.#requireTransfer(state, context);
    return this.download(state, context.claims.subject);
  }

  /**
   * Opens a finished export. The download is recorded before the first byte is sent.
   * @throws {GraphQLError} CONFLICT when it is not ready, or removed
   */
  async download(state: ExportState, principal: string): Promise<Download> {
    const { client, id, status } = state;
    await this.#requireNobodyWithheld(state);
    const key = state.removedAt === null ? await exportKey(this.#services.keys, client, id) : undefined;
    const isMade = state.removedAt === null && (status === 'READY' || status === 'COLLECTED');
    if (isMade && !key)
      await this.#services.removal.discard(await this.#services.regions.of(client), state, 'KEY_LOST');
    if (!isMade || !key || state.bytes === null) {
      throw denied.conflict(`The export is ${status}${isMade || state.removedAt ? ', and its content is gone' : ''}.`);
    }
    const details = { export: id, rows: state.lines, bytes: state.bytes };
    await this.#services.recorder.record('EXPORT_DOWNLOADED', { client, principal, details });
    return {
      bytes: state.bytes,
      pieces: this.#pieces(state, state.bytes, key),
      collected: () => this.#collected(state, principal),
    };
  }

  /** Removes what nobody collected in time. @returns how many */
  sweep(): Promise<number> {
    return this.#services.removal.sweep();
  }

  /** The lines of one table, for an import. This does not count as collected. */
  async *linesOf({ pieces }: Download, table: string): AsyncGenerator<Buffer> {
    const prefix = Buffer.from(linePrefix(table));
    for await (const piece of pieces) {
      for (let start = 0; start < piece.length; ) {
        const end = piece.indexOf(0x0a, start) + 1;
        if (piece.subarray(start, start + prefix.length).equals(prefix)) yield piece.subarray(start, end);
        start = end;
      }
    }
  }

  async *#pieces({ client, id }: ExportState, bytes: number, key: Buffer): AsyncGenerator<Buffer> {
    const source = await this.#services.regions.of(client);
    try {
      let read = 0;
      for (let seq = 0; read < bytes; seq++) {
        const place = seq;
        const [row] = await tenantSql(source, client).select<{
          content: Buffer;
        }>`SELECT content FROM export_chunk WHERE ${own} AND export_id = ${id} AND seq = ${place}`;
        if (!row) throw new Error('the export was discarded while it was read');
        const piece = openPiece(key, client, id, seq, row.content);
        read += piece.length;
        yield piece;
      }
    } finally {
      key.fill(0);
    }
  }

  /** Marks an export as collected. The end of a client that waited for it continues. */
  async #collected({ client, id }: ExportState, principal: string): Promise<void> {
    const { regions, recorder, jobs, now } = this.#services;
    const source = await regions.of(client);
    await recorder.record('EXPORT_COLLECTED', { client, principal, details: { export: id } });
    await inTransaction(source, async (manager) => {
      const changed = await tenantSql(manager, client).change`
        UPDATE client_export SET status = 'COLLECTED', collected_at = ${now()} WHERE ${own} AND id = ${id}
        AND status = 'READY'`;
      const state = changed > 0 ? await readExport(manager, client, id) : undefined;
      const termination = state && (await waitingTermination(manager, state));
      if (termination) await jobs.schedule(manager, client, [termination.id], now());
    });
  }

  /**
   * Discards an export that can contain people who are under erasure since: they can no longer be read.
   * @throws {GraphQLError} CONFLICT
   */
  async #requireNobodyWithheld(state: ExportState): Promise<void> {
    if (state.begunAt === null || state.removedAt !== null) return;
    const source = await this.#services.regions.of(state.client);
    const { client, begunAt } = state;
    const since = await committed(source, () => isSomebodyWithheldSince(source, client, begunAt - SKEW_MS));
    if (!since) return;
    await this.#services.removal.discard(source, state, 'PERSON_ERASED');
    const more = state.requestId === null ? 'ask for a new one' : 'another one is being made';
    throw denied.conflict(`Somebody who may be in the export is being erased; ${more}.`);
  }

  /** @throws {GraphQLError} TRANSFER_NOT_AUTHORIZED: an export gives no more than queries from the same country */
  async #requireTransfer(state: ExportState, { country }: RequestContext): Promise<void> {
    const { client, id } = state;
    const key = state.progress && (await exportKey(this.#services.keys, client, id));
    if (!state.progress || !key) return;
    const { residencies, tables } = openProgress(key, state, state.progress);
    key.fill(0);
    const categories = categoriesIn(
      this.#services.tables,
      Object.keys(tables).filter((name) => (tables[name]?.rows ?? 0) > 0),
    );
    for (const residency of residencies) {
      const { allowed, rule } = await this.#services.mayReceive({
        client,
        recipient: { kind: 'CLIENT', id: client },
        country,
        residency: residency === '' ? null : residency,
        categories,
        purposes: ['SERVICE_DELIVERY'],
      });
      if (!allowed) throw notAuthorised(rule);
    }
  }
}

/** Categories of customers' data in some tables. */
function categoriesIn(tables: readonly ExportedTable[], names: readonly string[]): DataCategory[] {
  const fields = tables
    .filter(([, table]) => names.includes(table.name) && table.subject?.kind === 'CUSTOMER')
    .flatMap(([, table]) => [...table.fields.values()]);
  return [...new Set(fields.flatMap(({ personal }) => personal?.category ?? []))];
}

const notAuthorised = (rule: string) =>
  new GraphQLError("No lawful basis carries everything in the export to the caller's country.", {
    extensions: { code: 'TRANSFER_NOT_AUTHORIZED', rule },
  });
