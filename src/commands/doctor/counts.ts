import type { DataSource } from 'typeorm';
import { acrossClients } from '../../tenancy/tenant-sql';

interface Counted {
  readonly n: number | string;
}

const numberOf = ([row]: readonly Counted[]): number => Number(row?.n ?? 0);

/** People with a key of their own: customers and users of clients. */
export async function countPeople(source: DataSource): Promise<number> {
  const customers = await acrossClients(source).select<Counted>`SELECT COUNT(*) AS n FROM customer`;
  const users = await acrossClients(source).select<Counted>`SELECT COUNT(*) AS n FROM client_user`;
  return numberOf(customers) + numberOf(users);
}

/** Webhooks that have waited since a moment. */
export async function countLateWebhooks(source: DataSource, since: number): Promise<number> {
  const late = await acrossClients(source).select<Counted>`
    SELECT COUNT(*) AS n FROM webhook_delivery WHERE status = 'QUEUED' AND next_at < ${since}`;
  return numberOf(late);
}

/** Approvals of transfers whose validity ends between two moments. */
export async function countEndingApprovals(source: DataSource, from: number, to: number): Promise<number> {
  const ending = await acrossClients(source).select<Counted>`
    SELECT COUNT(*) AS n FROM transfer_approval WHERE valid_until >= ${from} AND valid_until < ${to}`;
  return numberOf(ending);
}
