import type { EntityManager } from 'typeorm';
import type { DataCategory } from '../governance/vocabulary';
import { placesFor } from '../storage/sql';
import type { ErasedStore } from './certificate';
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

export async function stepsOf(
  manager: Pick<EntityManager, 'query'>,
  client: string,
  request: string,
  pass?: number,
): Promise<Step[]> {
  const rows = await manager.query<Row[]>(
    `SELECT seq, store, action, categories, row_count, status, finished_at FROM erasure_step
     WHERE client_id = ? AND request_id = ? ORDER BY seq`,
    [client, request],
  );
  return rows
    .filter(({ seq }) => pass === undefined || Math.floor(Number(seq) / PASS) === pass)
    .map((row) => ({
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
  pass: number,
  stores: readonly string[],
): Promise<void> {
  if (stores.length === 0) return;
  await manager.query(
    `UPDATE erasure_step SET status = 'PENDING', finished_at = NULL
     WHERE client_id = ? AND request_id = ? AND seq >= ? AND seq < ? AND store IN (${placesFor(stores)})`,
    [client, request, pass * PASS, (pass + 1) * PASS, ...stores],
  );
  const steps = await stepsOf(manager, client, request, pass);
  const missing = stores.filter((store) => !steps.some((step) => step.store === store));
  const planned = missing.map((store) => ({ store, action: 'DELETE' as const, categories: [] }));
  await insertSteps(manager, client, request, pass, planned, steps.length);
}

/** Steps that had nothing left to do when a plan was made anew; they stay on record with what they did. */
export async function abandonPass(manager: EntityManager, client: string, request: string, at: number): Promise<void> {
  await manager.query(
    `UPDATE erasure_step SET status = 'DONE', finished_at = ? WHERE client_id = ? AND request_id = ? AND status = 'PENDING'`,
    [at, client, request],
  );
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
