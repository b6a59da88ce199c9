import type { DataSource, EntityManager } from 'typeorm';
import type { DataCategory } from '../../governance/vocabulary';
import { listIn, listText } from '../../storage/lists';
import { joined, own, sql, tenantSql } from '../../tenancy/tenant-sql';
import type { ErasedStore } from '../records/certificate';
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
  return rows.map((row) => ({
    seq: Number(row.seq),
    store: row.store,
    action: row.action,
    categories: listIn<DataCategory>(row.categories) ?? [],
    rows: Number(row.row_count),
    status: row.status,
    finishedAt: row.finished_at === null ? null : new Date(Number(row.finished_at)),
  }));
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

/**
 * Adds to the row counts of steps, in the transaction that changed the rows. So each row is counted once, even after
 * crashes.
 */
export async function finishSteps(
  manager: EntityManager,
  client: string,
  request: string,
  counted: ReadonlyArray<{ readonly step: Step; readonly rows: number; readonly done: boolean }>,
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
