import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { TerminationExports } from '../erasure/parts';
import { inTransaction } from '../storage/transaction';
import { type ExportState, lockExports } from './export-state';
import { carryOut } from './exporter';
import { type ExportParts, HEADROOM_MS } from './parts';
import { insertExport, sweepExports } from './removal';

/** Exports as the end of a client needs them: it files one, and waits until it is collected or its term has passed. */
export function terminationExports(parts: ExportParts): TerminationExports {
  return {
    file: async (manager, end) => {
      const { client, request, by, at, notBefore } = end;
      const id = uuid();
      const filed = { client, id, requestId: request, requestedBy: by.principal, requestedRole: by.role };
      await insertExport(manager, { ...filed, requestedAt: at, notBefore });
      return id;
    },
    dismiss: (manager, client, request) => dismiss(manager, client, request),
    waits: async (lease, { client, id, dueAt }, tasks) => {
      const source = await parts.regions.of(client);
      // The export is locked before the job is parked: whoever collects it wakes the job after that, or is seen here.
      const uncollected = await inTransaction(source, async (manager) => {
        const made = await lockExports(manager, 'client_id = ? AND request_id = ?', [client, id]);
        const until = awaitedUntil(made, dueAt);
        if (until === undefined) return undefined;
        if (until <= tasks.now()) return made.at(-1);
        await lease.fence(manager);
        await tasks.jobs(source).park(manager, lease, until);
        return 'WAITS' as const;
      });
      if (uncollected === 'WAITS') return true;
      if (uncollected) await tell(parts, uncollected);
      return false;
    },
    carryOut: (lease, tasks) => carryOut(parts, lease, tasks),
    sweep: () => sweepExports(parts),
  };
}

/** Until when a client's end waits, in milliseconds since 1970; undefined where it was collected, or none was asked for. */
function awaitedUntil(made: readonly ExportState[], dueAt: number): number | undefined {
  const last = made.at(-1);
  if (!last || made.some(({ collectedAt }) => collectedAt !== null)) return undefined;
  if (last.status === 'WAITING' || last.status === 'PREPARING') return dueAt - HEADROOM_MS;
  return last.status === 'READY' ? (last.collectBy ?? 0) : 0;
}

async function tell({ recorder, onUncollected }: ExportParts, state: ExportState): Promise<void> {
  const { client, id, status } = state;
  onUncollected({ client, id, status });
  await recorder.record('EXPORT_NOT_COLLECTED', { client, principal: 'exports', details: { export: id, status } });
}

/** The client stays: what is not made yet is not made any more. */
async function dismiss(manager: EntityManager, client: string, request: string): Promise<void> {
  await manager.query(
    `UPDATE client_export SET status = 'DISCARDED', reason = 'TERMINATION_CANCELLED'
     WHERE client_id = ? AND request_id = ? AND status IN ('WAITING', 'PREPARING')`,
    [client, request],
  );
}
