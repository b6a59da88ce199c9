import type { DataSource, EntityManager } from 'typeorm';
import { allCategories, type DataCategory } from '../governance/vocabulary';
import type { Identifier } from '../identifiers/forms';
import type { Lease } from '../jobs/jobs';
import { ClientKeyError, UnsealError } from '../keys/errors';
import { committed, inTransaction } from '../storage/transaction';
import { Customer } from '../subjects/customer';
import { identifierFields, identifiersOf } from '../subjects/identifiers';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import type { TenantTable } from '../tenancy/tenant-table';
import { recordAct } from './acts';
import { agreedTerms } from './agreed-terms';
import { concludeErasure, hadKey } from './conclusion';
import { eraseChunk, rowsOf } from './eraser';
import { holdsInForce, type LegalHold } from './holds';
import { enterPerson, lateStores, OWN_TABLE, reopenLate } from './late-rows';
import type { ErasureParts } from './parts';
import { dataStore, KEY_STORE, type PlannedStep, planErasure } from './plan';
import { ERASURE_EVENT } from './recipients';
import { type ErasureState, isFinal, readState } from './requests';
import { erasedCategories, heldKey, nextExpiry, retainedBy, retainedKey } from './retained';
import { abandonPass, finishSteps, insertSteps, type Step, stepsOf } from './steps';
import { terminateClient } from './termination-saga';

/** What one pass works on. */
interface Pass {
  readonly source: DataSource;
  readonly lease: Lease;
  readonly state: ErasureState & { readonly customerId: string };
  readonly number: number;
  /** What the holds in force keep; the pass stops when others come. */
  readonly held: string;
  readonly holds: readonly LegalHold[];
  /** Nothing of the person stays: their key goes too. */
  readonly whole: boolean;
}

/**
 * Carries a request as far as it goes: to its end, or to the hold that keeps the rest. Whoever dies on the way leaves a
 * job whose lease ends; the next worker goes on where the last transaction ended.
 */
export async function runErasure(parts: ErasureParts, lease: Lease): Promise<void> {
  const source = await parts.regions.of(lease.client);
  const jobs = parts.jobs(source);
  for (;;) {
    const state = await committed(source, () => readState(source, lease.client, lease.id));
    if (!state && (await parts.exports?.carryOut(lease, parts))) return;
    if (!state || isFinal(state.status)) return inTransaction(source, (manager) => jobs.finish(manager, lease));
    if (state.notBefore !== null && state.notBefore > parts.now() && state.pass === 0) {
      const { notBefore } = state;
      return inTransaction(source, (manager) => jobs.park(manager, lease, notBefore));
    }
    if (state.kind === 'CLIENT') {
      if (state.pass === 0 && (await parts.exports?.waits(lease, state, parts))) return;
      return terminateClient(parts, lease, state);
    }
    const { customerId } = state;
    if (customerId === null) return superseded(parts, source, lease);
    const pass = await begin(parts, source, lease, { ...state, customerId });
    if (pass === 'HELD') return;
    if (pass === 'AGAIN') continue;
    if (!(await eraseTables(parts, pass))) continue;
    await purgeCopies(parts, pass);
    if (pass.whole && !(await destroyKey(parts, pass))) continue;
    if (await concludeErasure(parts, pass)) return;
  }
}

/** Another request erased the person meanwhile. */
async function superseded(parts: ErasureParts, source: DataSource, lease: Lease): Promise<void> {
  await inTransaction(source, async (manager) => {
    await lease.fence(manager);
    await manager.query(
      `UPDATE erasure_request SET status = 'COMPLETED', completed_at = ? WHERE client_id = ? AND id = ?`,
      [parts.now(), lease.client, lease.id],
    );
    await parts.jobs(source).finish(manager, lease);
  });
}

/** Enters the pass that is under way, or plans the next: first in the ledger, then here. */
async function begin(
  parts: ErasureParts,
  source: DataSource,
  lease: Lease,
  state: Pass['state'],
): Promise<Pass | 'HELD' | 'AGAIN'> {
  const { client, id, customerId } = state;
  const entered = await inTransaction(source, async (manager) => {
    await lease.fence(manager);
    const holds = await holdsInForce(manager, client, [customerId], parts.now());
    const erased = erasedCategories(state, holds);
    if (erased.length === 0) return hold(parts, source, manager, lease, state, holds);
    const underWay = (state.status === 'IN_PROGRESS' || state.status === 'ATTENTION_REQUIRED') && state.pass > 0;
    const number = underWay ? state.pass : state.pass + 1;
    await manager.query(
      `UPDATE erasure_request SET status = 'IN_PROGRESS', pass = ? WHERE client_id = ? AND id = ?
       AND status NOT IN ('CANCELLED', 'COMPLETED')`,
      [number, client, id],
    );
    const [now] = await manager.query<Array<{ status: string }>>(
      'SELECT status FROM erasure_request WHERE client_id = ? AND id = ?',
      [client, id],
    );
    if (now?.status !== 'IN_PROGRESS') return 'AGAIN' as const;
    const steps = await stepsOf(manager, client, id, number);
    return { number, holds, erased, steps };
  });
  if (entered === 'AGAIN' || entered === 'HELD') return entered;
  const { number, holds, erased, steps } = entered;
  const whole = erased.length === allCategories.length;
  const pass: Pass = { source, lease, state, number, holds, held: heldKey(state, holds), whole };
  if (steps.length === 0) {
    if (!(await plan(parts, pass, new Set(erased)))) return 'AGAIN';
    return pass;
  }
  const planned = (await parts.ledger.require(client, id)).passes.find((known) => known.pass === number);
  if (planned && retainedKey(planned.retained) === pass.held) return pass;
  await abandon(parts, pass);
  return 'AGAIN';
}

/** Everything that would be erased is held: nothing is touched until a hold ends. */
async function hold(
  parts: ErasureParts,
  source: DataSource,
  manager: EntityManager,
  lease: Lease,
  state: ErasureState,
  holds: readonly LegalHold[],
): Promise<'HELD'> {
  const status = state.pass === 0 ? 'ON_HOLD' : 'PARTIALLY_COMPLETED';
  await manager.query(
    `UPDATE erasure_request SET status = ? WHERE client_id = ? AND id = ? AND status NOT IN ('CANCELLED', 'COMPLETED')`,
    [status, state.client, state.id],
  );
  await parts.jobs(source).park(manager, lease, nextExpiry(holds));
  return 'HELD';
}

async function plan(parts: ErasureParts, pass: Pass, erased: ReadonlySet<DataCategory>): Promise<boolean> {
  const { source, lease, state, number, holds } = pass;
  const { client, id, customerId } = state;
  const { keepsDeidentified } = await agreedTerms(source, client, parts.now());
  const tables = parts.tables.filter(({ name }) => name !== OWN_TABLE);
  const erases = (category: DataCategory) => erased.has(category);
  const steps: PlannedStep[] = [
    ...planErasure(tables, { subject: 'CUSTOMER', erases, keepsDeidentified }),
    ...parts.purgers.map(({ store }) => ({ store, action: 'PURGE' as const, categories: [...erased] })),
    ...(pass.whole ? [{ store: KEY_STORE, action: 'DESTROY_KEY' as const, categories: [...erased] }] : []),
  ];
  if (!(await parts.ledger.find(client, id))) {
    const pseudonym = await parts.ledger.pseudonym(client, state.requestedBy);
    await parts.ledger.record(client, [
      {
        id,
        kind: 'CUSTOMER',
        subject: customerId,
        requestedAt: state.requestedAt,
        request: {
          grounds: state.grounds,
          role: state.requestedRole,
          pseudonym,
          dueAt: state.dueAt,
          categories: state.categories,
          notBefore: state.notBefore,
        },
      },
    ]);
  }
  const expected = pass.whole && (await parts.ledger.hasKey(client, customerId)) ? 1 : 0;
  await parts.ledger.plan(client, id, {
    pass: number,
    plannedAt: parts.now(),
    steps: steps.map((step) => (step.store === KEY_STORE ? { ...step, expected } : step)),
    retained: retainedBy(state, holds),
  });
  if (state.categories === null) {
    await parts.tombstones.set(client, id, await identifiersAt(parts, source, client, customerId), parts.now());
  }
  const recipients = state.categories === null ? await parts.recipients.of(client) : [];
  return inTransaction(source, async (manager) => {
    await lease.fence(manager);
    if (heldKey(state, await holdsInForce(manager, client, [customerId], parts.now())) !== pass.held) return false;
    await insertSteps(manager, client, id, number, steps);
    await parts.recipients.queue(manager, client, ERASURE_EVENT, id, recipients);
    return true;
  });
}

/** @returns false where holds came or went meanwhile: the rest is planned anew */
async function eraseTables(parts: ErasureParts, pass: Pass): Promise<boolean> {
  const { source, lease, state, number } = pass;
  const { client, id, customerId } = state;
  const byStore = new Map(parts.tables.map((table) => [dataStore(table), table]));
  for (;;) {
    const result = await inTransaction(source, async (manager) => {
      await lease.fence(manager);
      await enterPerson(parts, manager, state);
      const holds = await holdsInForce(manager, client, [customerId], parts.now());
      if (heldKey(state, holds) !== pass.held) return 'REPLAN';
      const pending = (await stepsOf(manager, client, id, number)).filter(
        ({ status, store }) => status === 'PENDING' && byStore.has(store),
      );
      return eraseSteps(parts, manager, pass, pending, byStore);
    });
    if (result === 'DONE') return true;
    if (result === 'REPLAN') {
      await abandon(parts, pass);
      return false;
    }
  }
}

/** As many rows as one transaction may change, table after table; a small person goes at once. */
async function eraseSteps(
  parts: ErasureParts,
  manager: EntityManager,
  pass: Pass,
  pending: readonly Step[],
  byStore: ReadonlyMap<string, TenantTable>,
): Promise<'DONE' | 'MORE'> {
  const { client, id, customerId } = pass.state;
  const range = { client, subject: customerId };
  const tables = pending.flatMap(({ store }) => byStore.get(store) ?? []);
  const counts = await rowsOf(manager, tables, range);
  const isSmall = counts.reduce((sum, count) => sum + count, 0) <= parts.chunkRows;
  let budget = parts.chunkRows;
  const counted: Array<{ step: Step; rows: number; done: boolean }> = [];
  for (const [index, step] of pending.entries()) {
    const table = tables[index];
    if (!table || budget <= 0) break;
    const chunk =
      counts[index] === 0
        ? { rows: 0 }
        : await eraseChunk(manager, table, step.action, new Set(step.categories), range, isSmall ? undefined : budget);
    const done = !('next' in chunk) || chunk.next === undefined;
    counted.push({ step, rows: chunk.rows, done });
    if (!done) break;
    budget -= chunk.rows;
  }
  await finishSteps(manager, client, id, counted, parts.now());
  return counted.length === pending.length && counted.every(({ done }) => done) ? 'DONE' : 'MORE';
}

async function purgeCopies(parts: ErasureParts, pass: Pass): Promise<void> {
  const { source, lease, state, number } = pass;
  // Who is erased wholly is withheld since then; a category can be read until it is gone.
  const since = state.categories === null ? (state.replayedAt ?? state.requestedAt) : parts.now();
  for (const purger of parts.purgers) {
    const steps = await committed(source, () => stepsOf(source, state.client, state.id, number));
    const step = steps.find(({ store, status }) => store === purger.store && status === 'PENDING');
    if (!step) continue;
    const rows = await purger.purge(state.client, state.customerId, since);
    await inTransaction(source, async (manager) => {
      await lease.fence(manager);
      await finishSteps(manager, state.client, state.id, [{ step, rows, done: true }], parts.now());
    });
  }
}

/**
 * The last step: after it no copy in any backup can be read. What came in late goes first, and whoever has lost the lease
 * must not destroy what somebody else may be asked to keep.
 * @returns false where rows came in late, before the key's end or after it
 */
async function destroyKey(parts: ErasureParts, { source, lease, state, number }: Pass): Promise<boolean> {
  const { client, id, customerId } = state;
  const isClean = () =>
    inTransaction(source, async (manager) => {
      await lease.fence(manager);
      return !(await reopenLate(parts, manager, state, number));
    });
  if (!(await isClean())) return false;
  const isThere = await parts.ledger.hasKey(client, customerId);
  if (isThere || !hadKey(await parts.ledger.require(client, id))) await recordAct(parts, 'ERASURE_EXECUTED', state);
  if (isThere) await parts.keys.destroySubjectKey(client, customerId);
  const late = await committed(source, () => lateStores(parts, source, state));
  return late.length === 0 || isClean();
}

/** Ends a pass that other holds have overtaken; what it did stays counted. */
async function abandon(parts: ErasureParts, { source, lease, state, number }: Pass): Promise<void> {
  await inTransaction(source, async (manager) => {
    await lease.fence(manager);
    await abandonPass(manager, state.client, state.id, parts.now());
    await manager.query('UPDATE erasure_request SET pass = ? WHERE client_id = ? AND id = ?', [
      number + 1,
      state.client,
      state.id,
    ]);
  });
}

async function identifiersAt(
  parts: ErasureParts,
  source: DataSource,
  client: string,
  customerId: string,
): Promise<Identifier[]> {
  const reader = new TenantReader(source, parts.keys);
  const found = await Promise.all(
    [...identifierFields].map(async (field) => {
      const query = { client, fields: [field], where: [{ field: 'id', is: '=', value: customerId } as const] };
      const [row] = await reader.select(Customer, query).catch(nothingOpens);
      return { [field]: row?.[field] };
    }),
  );
  return identifiersOf(Object.assign({}, ...found));
}

/** What is damaged, or whose client's key is gone, is erased like the rest, and nobody can say what it was. */
function nothingOpens(error: unknown): Row[] {
  if (error instanceof UnsealError || error instanceof ClientKeyError) return [];
  throw error;
}
