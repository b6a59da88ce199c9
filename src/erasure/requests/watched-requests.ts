import type { DataSource } from 'typeorm';
import { chunksOf } from '../../storage/sql';
import { acrossClients, joined, type Sql, sql } from '../../tenancy/tenant-sql';
import { type ErasureRequestState, isFinal, type StateRow, stateColumns, stateOf } from './request-state';

/** The name of a request: its client's id and its own. */
export interface RequestName {
  readonly client: string;
  readonly id: string;
}

/** How far a request has come. */
export interface RequestProgress {
  readonly state: ErasureRequestState;
  /** Differs after each change that the API tells. */
  readonly mark: string;
  /** It has ended, and so has all that its recipients were told. */
  readonly isOver: boolean;
}

const REQUESTS_PER_READ = 500;

/**
 * How far requests have come, of whatever clients: one statement for each 500 that wait, and two more where some have
 * begun. Requests that do not exist are left out.
 */
export async function readProgressOf(source: DataSource, names: readonly RequestName[]): Promise<RequestProgress[]> {
  const found: RequestProgress[] = [];
  for (const chunk of chunksOf(names, REQUESTS_PER_READ)) {
    const rows = await acrossClients(source).select<StateRow>`
      SELECT ${stateColumns} FROM erasure_request WHERE ${named(chunk, sql`id`)}`;
    const states = rows.map(stateOf);
    const begun = states.filter(({ pass }) => pass > 0);
    // Steps are taken while a request runs; what ends a run changes the request too.
    const steps = await stepsOf(source, begun.filter(isRunning));
    const told = await deliveriesOf(source, begun);
    for (const state of states) {
      const key = keyOf(state.client, state.id);
      const { pending = 0, ...deliveries } = told.get(key) ?? {};
      const mark = JSON.stringify([state, steps.get(key), pending, deliveries]);
      found.push({ state, mark, isOver: isFinal(state.status) && Number(pending) === 0 });
    }
  }
  return found;
}

type Counts = Readonly<Record<string, string | number | null>>;
type Counted = Counts & { readonly client_id: string; readonly request: string };

const isRunning = ({ status }: ErasureRequestState): boolean =>
  status === 'IN_PROGRESS' || status === 'ATTENTION_REQUIRED';

async function stepsOf(source: DataSource, requests: readonly RequestName[]): Promise<Map<string, Counts>> {
  if (requests.length === 0) return new Map();
  const rows = await acrossClients(source).select<Counted>`
    SELECT client_id, request_id AS request, COUNT(*) AS steps, SUM(row_count) AS changed,
    COUNT(finished_at) AS finished FROM erasure_step
    WHERE ${named(requests, sql`request_id`)} GROUP BY client_id, request_id`;
  return byRequest(rows);
}

/** What recipients were told of requests: how many notices, how often tried, how many wait for an end. */
async function deliveriesOf(source: DataSource, requests: readonly RequestName[]): Promise<Map<string, Counts>> {
  if (requests.length === 0) return new Map();
  const rows = await acrossClients(source).select<Counted>`
    SELECT client_id, reference AS request, COUNT(*) AS notices, SUM(attempts) AS attempts,
    COUNT(notified_at) AS notified, COUNT(acknowledged_at) AS acknowledged,
    SUM(CASE WHEN status = 'QUEUED' THEN 1 ELSE 0 END) AS queued,
    SUM(CASE WHEN status IN ('QUEUED', 'NOTIFIED') THEN 1 ELSE 0 END) AS pending FROM webhook_delivery
    WHERE ${named(requests, sql`reference`)} AND recipient_kind <> 'CLIENT' GROUP BY client_id, reference`;
  return byRequest(rows);
}

const byRequest = (rows: readonly Counted[]): Map<string, Counts> =>
  new Map(rows.map(({ client_id: client, request, ...counts }) => [keyOf(client, request), counts]));

const keyOf = (client: string, id: string): string => `${client} ${id}`;

/** That a row is of one of the requests: each client with its own. */
function named(requests: readonly RequestName[], column: Sql): Sql {
  const byClient = new Map<string, string[]>();
  for (const { client, id } of requests) {
    const ids = byClient.get(client);
    if (ids) ids.push(id);
    else byClient.set(client, [id]);
  }
  const each = [...byClient].map(([client, ids]) => sql`(client_id = ${client} AND ${column} IN (${ids}))`);
  return sql`(${joined(each, ' OR ')})`;
}
