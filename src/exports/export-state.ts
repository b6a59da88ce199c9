import type { EntityManager } from 'typeorm';
import { dialectOf } from '../storage/dialect';
import type { DiscardReason, ExportStatus } from './client-export';

/** An export as its workings read it. Times are milliseconds since 1970. */
export interface ExportState {
  readonly client: string;
  readonly id: string;
  readonly requestId: string | null;
  readonly status: ExportStatus;
  readonly reason: DiscardReason | null;
  readonly requestedBy: string;
  readonly requestedRole: string;
  readonly requestedAt: number;
  readonly notBefore: number;
  readonly begunAt: number | null;
  readonly readyAt: number | null;
  readonly collectBy: number | null;
  readonly collectedAt: number | null;
  readonly removedAt: number | null;
  readonly bytes: number | null;
  readonly lines: number | null;
  /** Sealed. */
  readonly progress: Buffer | null;
}

type Queryable = Pick<EntityManager, 'query'>;
type StateRow = Record<string, string | number | Buffer | null>;

const columns = `client_id, id, request_id, status, reason, requested_by, requested_role, requested_at, not_before, begun_at,
  ready_at, collect_by, collected_at, removed_at, byte_count, line_count, progress`;

/** Exports that meet a condition, oldest first. */
export async function readExports(
  source: Queryable,
  where: string,
  values: ReadonlyArray<string | number>,
  rest = 'ORDER BY id',
): Promise<ExportState[]> {
  const rows = await source.query<StateRow[]>(`SELECT ${columns} FROM client_export WHERE ${where} ${rest}`, [
    ...values,
  ]);
  return rows.map(stateOf);
}

export async function readExport(source: Queryable, client: string, id: string): Promise<ExportState | undefined> {
  return (await readExports(source, 'client_id = ? AND id = ?', [client, id]))[0];
}

/** Reads exports that nobody else changes until the transaction ends. */
export async function lockExports(
  manager: EntityManager,
  where: string,
  values: ReadonlyArray<string | number>,
): Promise<ExportState[]> {
  return readExports(manager, where, values, `ORDER BY id${dialectOf(manager).forUpdate}`);
}

export async function lockExport(manager: EntityManager, client: string, id: string): Promise<ExportState | undefined> {
  return (await lockExports(manager, 'client_id = ? AND id = ?', [client, id]))[0];
}

/** The termination that an export is for, as long as nothing is destroyed yet. */
export async function waitingTermination(
  manager: Queryable,
  { client, requestId }: Pick<ExportState, 'client' | 'requestId'>,
): Promise<{ id: string; dueAt: number } | undefined> {
  if (requestId === null) return undefined;
  const [row] = await manager.query<Array<{ due_at: number }>>(
    `SELECT due_at FROM erasure_request WHERE client_id = ? AND id = ? AND pass = 0
     AND status NOT IN ('CANCELLED', 'COMPLETED')`,
    [client, requestId],
  );
  return row && { id: requestId, dueAt: Number(row.due_at) };
}

/** Whether an erasure of a whole person was asked for since, and is not taken back or done. */
export async function isSomebodyWithheldSince(source: Queryable, client: string, since: number): Promise<boolean> {
  const [row] = await source.query<unknown[]>(
    `SELECT id FROM erasure_request WHERE client_id = ? AND kind = 'CUSTOMER' AND categories IS NULL
     AND requested_at >= ? AND status NOT IN ('CANCELLED', 'COMPLETED') LIMIT 1`,
    [client, since],
  );
  return row !== undefined;
}

function stateOf(row: StateRow): ExportState {
  const number = (name: string) => (row[name] === null ? null : Number(row[name]));
  const word = (name: string) => (row[name] === null ? null : String(row[name]));
  return {
    client: String(row.client_id),
    id: String(row.id),
    requestId: word('request_id'),
    status: String(row.status) as ExportStatus,
    reason: word('reason') as DiscardReason | null,
    requestedBy: String(row.requested_by),
    requestedRole: String(row.requested_role),
    requestedAt: Number(row.requested_at),
    notBefore: Number(row.not_before),
    begunAt: number('begun_at'),
    readyAt: number('ready_at'),
    collectBy: number('collect_by'),
    collectedAt: number('collected_at'),
    removedAt: number('removed_at'),
    bytes: number('byte_count'),
    lines: number('line_count'),
    progress: Buffer.isBuffer(row.progress) ? row.progress : null,
  };
}
