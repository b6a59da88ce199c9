import type { DataSource } from 'typeorm';
import type { Regions } from '../../storage/regions';
import { acrossClients, limitOf, nothing, own, sql, tenantSql } from '../../tenancy/tenant-sql';
import type { DeliveryStatus } from './webhook-rows';

/** States of notices that did not reach their recipient. */
export const undeliveredStates = ['DEAD', 'NO_ENDPOINT', 'QUEUED'] as const satisfies readonly DeliveryStatus[];
type UndeliveredState = (typeof undeliveredStates)[number];

/** A notice that did not reach its recipient. */
export interface UndeliveredNotice {
  readonly id: string;
  readonly event: string;
  readonly reference: string;
  readonly recipientKind: string;
  readonly recipient: string;
  readonly status: UndeliveredState;
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly fault: string | null;
  /** When it is due, or was given up. Milliseconds since 1970. */
  readonly at: number;
}

type Row = Readonly<Record<Exclude<keyof UndeliveredNotice, 'fault'>, string>> & { readonly fault: string | null };

/** Notices of a client in one of the states, the newest first. */
export async function undeliveredNotices(
  source: DataSource,
  client: string,
  status: UndeliveredState,
  limit: number,
): Promise<UndeliveredNotice[]> {
  const rows = await tenantSql(source, client).select<Row>`
    SELECT id, event, reference, recipient_kind AS recipientKind, recipient_name AS recipient, status, attempts, fault,
    next_at AS at FROM webhook_delivery WHERE ${own} AND status = ${status} ORDER BY id DESC LIMIT ${limitOf(limit)}`;
  return rows.map((row) => ({
    ...row,
    status,
    attempts: Number(row.attempts),
    at: Number(row.at),
  }));
}

/** How many notices of all clients were given up. */
export async function countDeadNotices(regions: Regions): Promise<number> {
  let dead = 0;
  for (const source of regions.all()) {
    const [row] = await acrossClients(source).select<{ n: number | string }>`
      SELECT COUNT(*) AS n FROM webhook_delivery WHERE status = 'DEAD'`;
    dead += Number(row?.n ?? 0);
  }
  return dead;
}

/** Ids of some notices to a recipient that were given up, or had no endpoint. */
export async function unsentTo(
  source: DataSource,
  client: string,
  recipient: string,
  reference: string | undefined,
  limit: number,
): Promise<string[]> {
  const about = reference === undefined ? nothing : sql`AND reference = ${reference}`;
  const rows = await tenantSql(source, client).select<{ id: string }>`
    SELECT id FROM webhook_delivery WHERE ${own} AND recipient_id = ${recipient} AND status IN ('DEAD', 'NO_ENDPOINT')
    ${about} LIMIT ${limitOf(limit)}`;
  return rows.map(({ id }) => id);
}
