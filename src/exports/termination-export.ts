import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { ErasureRequestState } from '../erasure/requests/request-state';
import type { TerminationExports, TerminationFiled } from '../erasure/requests/termination-exports';
import type { ChangeRecorder } from '../identity/change-recorder';
import type { Jobs } from '../jobs/jobs';
import type { Regions } from '../storage/regions';
import { own, sql, tenantSql } from '../tenancy/tenant-sql';
import { insertExport } from './export-removal';
import { type ExportState, lockExports, readExports } from './export-state';
import { HEADROOM_MS } from './export-terms';

/** What an export before the end of a client needs. */
export interface TerminationExportServices {
  readonly regions: Regions;
  readonly recorder: ChangeRecorder;
  readonly jobs: Jobs;
  /** Called when a client's end continues although nobody collected its export. */
  readonly onUncollected: (state: Pick<ExportState, 'client' | 'id' | 'status'>) => void;
}

/** Exports before the end of a client. The end waits until the export is collected, or its time has passed. */
export class ExportBeforeEnd implements TerminationExports {
  readonly #services: TerminationExportServices;

  constructor(services: TerminationExportServices) {
    this.#services = services;
  }

  async file(manager: EntityManager, { client, request, by, at, notBefore }: TerminationFiled): Promise<void> {
    const id = uuid();
    const filed = { client, id, requestId: request, requestedBy: by.principal, requestedRole: by.role };
    await insertExport(manager, { ...filed, requestedAt: at, notBefore });
    await this.#services.jobs.schedule(manager, client, [id], Math.max(at, notBefore));
  }

  /** Exports that are not finished are discarded. */
  async dismiss(manager: EntityManager, client: string, request: string): Promise<void> {
    await tenantSql(manager, client).change`
        UPDATE client_export SET status = 'DISCARDED', reason = 'TERMINATION_CANCELLED'
        WHERE ${own} AND request_id = ${request} AND status IN ('WAITING', 'PREPARING')`;
  }

  async awaits(
    manager: EntityManager,
    { client, id, dueAt }: Pick<ErasureRequestState, 'client' | 'id' | 'dueAt'>,
  ): Promise<number | null> {
    const made = await lockExports(manager, client, sql`request_id = ${id}`);
    const last = uncollected(made);
    if (!last) return null;
    if (last.status === 'WAITING' || last.status === 'PREPARING') return dueAt - HEADROOM_MS;
    return last.status === 'READY' ? (last.collectBy ?? 0) : 0;
  }

  async goneOn({ client, id: request }: Pick<ErasureRequestState, 'client' | 'id'>): Promise<void> {
    const { regions, recorder, onUncollected } = this.#services;
    const source = await regions.of(client);
    const last = uncollected(await readExports(source, client, sql`request_id = ${request}`));
    if (!last) return;
    const { id, status } = last;
    onUncollected({ client, id, status });
    await recorder.record('EXPORT_NOT_COLLECTED', { client, principal: 'exports', details: { export: id, status } });
  }
}

/** The last export for a client's end; undefined when one was collected, or none was requested. */
const uncollected = (made: readonly ExportState[]): ExportState | undefined =>
  made.some(({ collectedAt }) => collectedAt !== null) ? undefined : made.at(-1);
