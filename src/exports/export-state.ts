import type { DataSource, EntityManager } from 'typeorm';
import { acrossClients, own, type Sql, sql, tenantSql } from '../tenancy/tenant-sql';
import type { DiscardReason, ExportStatus } from './client-export';

/** The state of an export. Times are milliseconds since 1970. */
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
  /** Encrypted. */
  readonly progress: Buffer | null;
}

type Source = DataSource | EntityManager;
type StateRow = Record<string, string | number | Buffer | null>;

const columns = sql`
  client_id, id, request_id, status, reason, requested_by, requested_role, requested_at, not_before, begun_at,
  ready_at, collect_by, collected_at, removed_at, byte_count, line_count, progress`;

/** Exports of a client that meet a condition, oldest first. */
export async function readExports(source: Source, client: string, where: Sql): Promise<ExportState[]> {
  const rows = await tenantSql(source, client).select<StateRow>`
    SELECT ${columns} FROM client_export WHERE ${own} AND ${where} ORDER BY id`;
  return rows.map(stateOf);
}

/** Exports of all clients that meet a condition, oldest first. */
export async function readExportsAnywhere(source: DataSource, where: Sql): Promise<ExportState[]> {
  const rows = await acrossClients(source).select<StateRow>`
    SELECT ${columns} FROM client_export WHERE ${where} ORDER BY id`;
  return rows.map(stateOf);
}

export async function readExport(source: Source, client: string, id: string): Promise<ExportState | undefined> {
  return (await readExports(source, client, sql`id = ${id}`))[0];
}

/** Reads exports and locks them until the transaction ends. */
export async function lockExports(manager: EntityManager, client: string, where: Sql): Promise<ExportState[]> {
  const tenant = tenantSql(manager, client);
  const rows = await tenant.select<StateRow>`
    SELECT ${columns} FROM client_export WHERE ${own} AND ${where} ORDER BY id${tenant.forUpdate}`;
  return rows.map(stateOf);
}

export async function lockExport(manager: EntityManager, client: string, id: string): Promise<ExportState | undefined> {
  return (await lockExports(manager, client, sql`id = ${id}`))[0];
}

/** The end of the client that an export is for, while nothing is destroyed yet. */
export async function waitingTermination(
  manager: Source,
  { client, requestId }: Pick<ExportState, 'client' | 'requestId'>,
): Promise<{ id: string; dueAt: number } | undefined> {
  if (requestId === null) return undefined;
  const [row] = await tenantSql(manager, client).select<{
    due_at: number;
  }>`
    SELECT due_at FROM erasure_request WHERE ${own} AND id = ${requestId} AND pass = 0
    AND status NOT IN ('CANCELLED', 'COMPLETED')`;
  return row && { id: requestId, dueAt: Number(row.due_at) };
}

/** Whether there is an open erasure of a whole person that was requested since then. */
export async function isSomebodyWithheldSince(source: Source, client: string, since: number): Promise<boolean> {
  const [row] = await tenantSql(source, client).select<unknown>`
      SELECT id FROM erasure_request WHERE ${own} AND kind = 'CUSTOMER' AND categories IS NULL
      AND requested_at >= ${since} AND status NOT IN ('CANCELLED', 'COMPLETED') LIMIT 1`;
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
