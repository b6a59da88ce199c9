import type { EntityManager } from 'typeorm';
import type { DataCategory } from '../../governance/vocabulary';
import { placesFor } from '../../storage/sql';
import type { ErasedStore } from '../records/certificate';
import type { PlannedStep, StepAction } from './plan';

/** A planned step as it stands: how many rows so far, and whether it is done. */
export interface Step extends PlannedStep {
  readonly seq: number;
  readonly rows: number;
  readonly status: 'PENDING' | 'DONE';
  readonly finishedAt: Date | null;
}

/** Steps of a pass are numbered from here. */
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

/** Which pass a step is of. */
export const passOf = ({ seq }: Pick<Step, 'seq'>): number => Math.floor(seq / PASS);

/** The steps of all passes, in their order. */
export async function stepsOf(manager: Pick<EntityManager, 'query'>, client: string, request: string): Promise<Step[]> {
  const rows = await manager.query<Row[]>(
    `SELECT seq, store, action, categories, row_count, status, finished_at FROM erasure_step
     WHERE client_id = ? AND request_id = ? ORDER BY seq`,
    [client, request],
  );
  return rows.map((row) => ({
    seq: Number(row.seq),
    store: row.store,
    action: row.action,
    categories: (row.categories ? row.categories.split(',') : []) as DataCategory[],
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
  await manager.query(
    `INSERT INTO erasure_step (client_id, request_id, seq, store, action, categories, row_count, status)
     VALUES ${steps.map(() => `(?, ?, ?, ?, ?, ?, 0, 'PENDING')`).join(', ')}`,
    steps.flatMap(({ store, action, categories }, index) => [
      client,
      request,
      pass * PASS + from + index,
      store,
      action,
      categories.join(','),
    ]),
  );
}

/** Adds to steps' rows, in the transaction that changed them: they are counted once, whoever dies when. */
export async function finishSteps(
  manager: EntityManager,
  client: string,
  request: string,
  counted: ReadonlyArray<{ readonly step: Step; readonly rows: number; readonly done: boolean }>,
  at: number,
): Promise<void> {
  if (counted.length === 0) return;
  const cases = counted.map(() => 'WHEN ? THEN ?').join(' ');
  const done = counted.filter((each) => each.done).map(({ step }) => step.seq);
  const isDone = done.length > 0 ? `seq IN (${placesFor(done)})` : '1 = 0';
  await manager.query(
    `UPDATE erasure_step SET row_count = row_count + CASE seq ${cases} ELSE 0 END,
     status = CASE WHEN ${isDone} THEN 'DONE' ELSE status END,
     finished_at = CASE WHEN ${isDone} THEN ? ELSE finished_at END
     WHERE client_id = ? AND request_id = ? AND seq IN (${placesFor(counted)})`,
    [
      ...counted.flatMap(({ step, rows }) => [step.seq, rows]),
      ...done,
      ...done,
      at,
      client,
      request,
      ...counted.map(({ step }) => step.seq),
    ],
  );
}

/** Opens steps again whose stores got rows after they were done; a table that a plan did not know yet gets one. */
export async function reopenSteps(
  manager: EntityManager,
  client: string,
  request: string,
  pass: { readonly number: number; readonly steps: readonly Step[] },
  stores: readonly string[],
): Promise<void> {
  await manager.query(
    `UPDATE erasure_step SET status = 'PENDING', finished_at = NULL
     WHERE client_id = ? AND request_id = ? AND seq >= ? AND seq < ? AND store IN (${placesFor(stores)})`,
    [client, request, pass.number * PASS, (pass.number + 1) * PASS, ...stores],
  );
  const missing = stores.filter((store) => !pass.steps.some((step) => step.store === store));
  const planned = missing.map((store) => ({ store, action: 'DELETE' as const, categories: [] }));
  await insertSteps(manager, client, request, pass.number, planned, pass.steps.length);
}

/** Ends the open steps of a pass that is planned anew: those that changed rows stay on record, the others were not done. */
export async function abandonSteps(manager: EntityManager, client: string, request: string, at: number): Promise<void> {
  const open = `client_id = ? AND request_id = ? AND status = 'PENDING'`;
  await manager.query(`DELETE FROM erasure_step WHERE ${open} AND row_count = 0`, [client, request]);
  await manager.query(`UPDATE erasure_step SET status = 'DONE', finished_at = ? WHERE ${open}`, [at, client, request]);
}

/** What was done, by store and action, over all passes. */
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
