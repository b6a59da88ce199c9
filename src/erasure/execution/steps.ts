import type { DataSource, EntityManager } from 'typeorm';
import type { DataCategory } from '../../governance/vocabulary';
import { listIn, listText } from '../../storage/lists';
import { joined, own, ownOf, sql, tenantSql } from '../../tenancy/tenant-sql';
import type { ErasedStore } from '../records/certificate';
import { type ErasureRequestState, type StateRow, stateColumnsOf, stateOf } from '../requests/request-state';
import type { PlannedStep, StepAction } from './plan';

/** A step of a plan with its progress. */
export interface Step extends PlannedStep {
  readonly seq: number;
  readonly rows: number;
  readonly status: 'PENDING' | 'DONE';
  readonly finishedAt: Date | null;
}

/** Steps of pass n are numbered from n * PASS. */
const PASS = 1_000;

interface Row {
  seq: number;
  store: string;
  action: StepAction;
  categories: string | null;
  row_count: number;
  status: 'PENDING' | 'DONE';
  finished_at: number | null;
}

/** The pass that a step belongs to. */
export const passOf = ({ seq }: Pick<Step, 'seq'>): number => Math.floor(seq / PASS);

/** The steps of all passes, in their order. */
export async function stepsOf(manager: DataSource | EntityManager, client: string, request: string): Promise<Step[]> {
  const rows = await tenantSql(manager, client).select<Row>`
      SELECT seq, store, action, categories, row_count, status, finished_at FROM erasure_step
      WHERE ${own} AND request_id = ${request} ORDER BY seq`;
  return rows.map(stepOf);
}

function stepOf(row: Row): Step {
  return {
    seq: Number(row.seq),
    store: row.store,
    action: row.action,
    categories: listIn<DataCategory>(row.categories) ?? [],
    rows: Number(row.row_count),
    status: row.status,
    finishedAt: row.finished_at === null ? null : new Date(Number(row.finished_at)),
  };
}

/** A request with the steps of all its passes, in their order. */
export interface Progress {
  readonly request: ErasureRequestState;
  readonly steps: readonly Step[];
}

/** A request's row with one of its steps; `seq` is null where it has none. */
type JoinedRow = StateRow &
  Pick<Row, 'store' | 'action' | 'row_count' | 'finished_at'> & {
    readonly seq: number | null;
    readonly step_categories: string | null;
    readonly step_status: Step['status'];
  };

/** Reads a request and its steps by one statement. Undefined when the request does not exist. */
export async function readProgress(manager: EntityManager, client: string, id: string): Promise<Progress | undefined> {
  const rows = await tenantSql(manager, client).select<JoinedRow>`
      SELECT ${stateColumnsOf('r')}, s.seq, s.store, s.action, s.categories AS step_categories, s.row_count,
      s.status AS step_status, s.finished_at
      FROM erasure_request r LEFT JOIN erasure_step s ON s.client_id = r.client_id AND s.request_id = r.id
      WHERE ${ownOf('r')} AND r.id = ${id} ORDER BY s.seq`;
  const [first] = rows;
  if (!first) return undefined;
  const steps = rows.flatMap(({ seq, step_categories: categories, step_status: status, ...row }) =>
    seq === null ? [] : [stepOf({ ...row, seq, categories, status })],
  );
  return { request: stateOf(first), steps };
}

export async function insertSteps(
  manager: EntityManager,
  client: string,
  request: string,
  pass: number,
  steps: readonly PlannedStep[],
  from = 0,
): Promise<void> {
  if (steps.length === 0) return;
  const rows = steps.map(({ store, action, categories }, index) => ({
    request_id: request,
    seq: pass * PASS + from + index,
    ...{ store, action, categories: listText(categories) },
    ...{ row_count: 0, status: 'PENDING' },
  }));
  await tenantSql(manager, client).insert('erasure_step', rows);
}

/** What was done for a step. */
export interface Counted {
  readonly step: Step;
  readonly rows: number;
  readonly done: boolean;
}

/**
 * Adds to the row counts of steps, in the transaction that changed the rows. So each row is counted once, even after
 * crashes.
 */
export async function finishSteps(
  manager: EntityManager,
  client: string,
  request: string,
  counted: readonly Counted[],
  at: number,
): Promise<void> {
  if (counted.length === 0) return;
  const seqs = counted.map(({ step }) => step.seq);
  const done = counted.filter((each) => each.done).map(({ step }) => step.seq);
  const isDone = done.length > 0 ? sql`seq IN (${done})` : sql`1 = 0`;
  const cases = counted.map(({ step, rows }) => sql`WHEN ${step.seq} THEN ${rows}`);
  await tenantSql(manager, client).change`
    UPDATE erasure_step SET row_count = row_count + CASE seq ${joined(cases, ' ')} ELSE 0 END,
    status = CASE WHEN ${isDone} THEN 'DONE' ELSE status END,
    finished_at = CASE WHEN ${isDone} THEN ${at} ELSE finished_at END
    WHERE ${own} AND request_id = ${request} AND seq IN (${seqs})`;
}

/** The steps as {@link finishSteps} leaves them, so that they need not be read again. */
export function withCounted(steps: readonly Step[], counted: readonly Counted[], at: number): Step[] {
  const bySeq = new Map(counted.map((each) => [each.step.seq, each]));
  return steps.map((step) => {
    const { rows = 0, done = false } = bySeq.get(step.seq) ?? {};
    return { ...step, rows: step.rows + rows, ...(done ? { status: 'DONE', finishedAt: new Date(at) } : {}) };
  });
}

/**
 * Sets steps back to pending whose stores got rows after they were done. A table that the plan did not know gets a
 * step.
 */
export async function reopenSteps(
  manager: EntityManager,
  client: string,
  request: string,
  pass: { readonly number: number; readonly steps: readonly Step[] },
  stores: readonly string[],
): Promise<void> {
  await tenantSql(manager, client).change`
    UPDATE erasure_step SET status = 'PENDING', finished_at = NULL
    WHERE ${own} AND request_id = ${request} AND seq >= ${pass.number * PASS}
    AND seq < ${(pass.number + 1) * PASS} AND store IN (${stores})`;
  const missing = stores.filter((store) => !pass.steps.some((step) => step.store === store));
  const planned = missing.map((store) => ({ store, action: 'DELETE' as const, categories: [] }));
  await insertSteps(manager, client, request, pass.number, planned, pass.steps.length);
}

/** Ends the pending steps of an abandoned pass. Steps that changed rows stay on record; the others are removed. */
export async function abandonSteps(manager: EntityManager, client: string, request: string, at: number): Promise<void> {
  const open = sql`${own} AND request_id = ${request} AND status = 'PENDING'`;
  const steps = tenantSql(manager, client);
  await steps.change`DELETE FROM erasure_step WHERE ${open} AND row_count = 0`;
  await steps.change`UPDATE erasure_step SET status = 'DONE', finished_at = ${at} WHERE ${open}`;
}

/** Row counts of all passes by store and action. */
export function erasedBy(steps: readonly Step[]): ErasedStore[] {
  const byStore = new Map<string, ErasedStore>();
  for (const { store, action, categories, rows } of steps) {
    const key = `${store} ${action}`;
    const known = byStore.get(key);
    byStore.set(key, {
      store,
      action,
      categories: [...new Set([...(known?.categories ?? []), ...categories])],
      rows: rows + (known?.rows ?? 0),
    });
  }
  return [...byStore.values()];
}
