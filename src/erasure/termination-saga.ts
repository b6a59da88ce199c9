import type { DataSource, EntityManager } from 'typeorm';
import type { Lease } from '../jobs/jobs';
import { ClientKeyError } from '../keys/errors';
import { placesFor } from '../storage/sql';
import { committed, inTransaction } from '../storage/transaction';
import type { TenantTable } from '../tenancy/tenant-table';
import { recordAct } from './acts';
import type { Retained } from './certificate';
import { certify } from './conclusion';
import { type Chunk, eraseChunk, rowsOf } from './eraser';
import { type LegalHold } from './holds';
import { storesWithRows } from './late-rows';
import type { ErasureParts } from './parts';
import { dataStore, KEY_STORE, type PlannedStep } from './plan';
import { TERMINATION_EVENT } from './recipients';
import type { ErasureState } from './requests';
import { everyCategory, nextExpiry, retainedBy } from './retained';
import { finishSteps, insertSteps, reopenSteps, type Step, stepsOf } from './steps';
import { fileForTermination, heldCustomers } from './termination-holds';

const CHUNK = 500;
const CLIENT_KEY = 'keys:client_key';
/** What an erasure itself runs on goes last, in the transaction that ends it. */
const RUNNING_ON = new Set(['job', 'erasure_step']);

interface Ending {
  readonly source: DataSource;
  readonly lease: Lease;
  readonly state: ErasureState;
  readonly number: number;
  /** Persons under a legal hold: erased on their own, as far as the hold lets. */
  readonly except: readonly string[];
  readonly holds: readonly LegalHold[];
  /** Until when client users are kept (statement D5); null where they are not. */
  readonly claimsUntil: number | null;
}

/**
 * The end of a client (statement D1, D3): table by table in the order of their keys, a few thousand rows a transaction and
 * nothing kept in memory between them; then the client's key, and with it whatever any backup still holds (pitfall 29).
 */
export async function terminateClient(parts: ErasureParts, lease: Lease, state: ErasureState): Promise<void> {
  const source = await parts.regions.of(lease.client);
  const ending = await begin(parts, source, lease, state);
  // Copies first: whoever makes one notices that it is not wanted any more, and their pieces are too long for chunks of rows.
  await purgeCopies(parts, ending);
  const retained = retainedAt(ending);
  for (let isEmpty = false; !isEmpty; ) {
    for (const table of clientTables(parts, ending)) await eraseTable(parts, ending, table);
    await destroyKeys(parts, ending, retained.length === 0);
    isEmpty = !(await reopenLate(parts, ending));
  }
  await conclude(parts, ending, retained);
}

/** Whoever wrote of the client meanwhile, in a table that was done with, has left rows: they go too. */
async function reopenLate(parts: ErasureParts, ending: Ending): Promise<boolean> {
  const { source, lease, state, number, except } = ending;
  const { client, id } = state;
  // What stays emptied, and what it takes to go on, has rows; of a table that was just emptied they came late.
  const emptied = clientTables(parts, ending).filter((table) => actionOn(table) === 'DELETE');
  const range = { client, except };
  if ((await committed(source, () => storesWithRows(source, emptied, range))).length === 0) return false;
  return inTransaction(source, async (manager) => {
    await lease.fence(manager);
    const late = await storesWithRows(manager, emptied, range);
    await reopenSteps(manager, client, id, number, late);
    return late.length > 0;
  });
}

async function begin(parts: ErasureParts, source: DataSource, lease: Lease, state: ErasureState): Promise<Ending> {
  const { client, id } = state;
  const at = parts.now();
  // What a backup brings back of a client whose key is gone is held for nobody: nobody could read it.
  const holds = (await hasKey(parts, client)) ? await heldCustomers(source, client, at) : [];
  const except = [...new Set(holds.map(({ customerId }) => customerId))];
  const claimsUntil = state.claimsUntil !== null && state.claimsUntil > at ? state.claimsUntil : null;
  await fileForTermination(parts, state, except);
  const entered = await inTransaction(source, async (manager) => {
    await lease.fence(manager);
    const underWay = (state.status === 'IN_PROGRESS' || state.status === 'ATTENTION_REQUIRED') && state.pass > 0;
    const number = underWay ? state.pass : state.pass + 1;
    await manager.query(`UPDATE erasure_request SET status = 'IN_PROGRESS', pass = ? WHERE client_id = ? AND id = ?`, [
      number,
      client,
      id,
    ]);
    await absorb(manager, state, except);
    return { number, steps: await stepsOf(manager, client, id, number) };
  });
  const ending: Ending = { source, lease, state, number: entered.number, except, holds, claimsUntil };
  if (entered.steps.length === 0) await plan(parts, ending);
  return ending;
}

/** Open requests for single persons are taken over, so that nothing is counted twice; those of held persons stay. */
async function absorb(manager: EntityManager, { client, id }: ErasureState, except: readonly string[]): Promise<void> {
  const held = new Set(except);
  const open = await manager.query<Array<{ id: string; customer_id: string | null }>>(
    `SELECT id, customer_id FROM erasure_request WHERE client_id = ? AND kind = 'CUSTOMER'
     AND status NOT IN ('CANCELLED', 'COMPLETED')`,
    [client],
  );
  const ours = open.filter(({ customer_id }) => customer_id === null || !held.has(customer_id));
  for (const chunk of chunksOf(ours.map((request) => request.id))) {
    await manager.query(`DELETE FROM job WHERE client_id = ? AND id IN (${placesFor(chunk)}) AND id <> ?`, [
      client,
      ...chunk,
      id,
    ]);
  }
}

function* chunksOf<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK);
}

async function hasKey({ keys }: ErasureParts, client: string): Promise<boolean> {
  try {
    return (await keys.clientKey(client)).length > 0;
  } catch (error) {
    if (error instanceof ClientKeyError) return false;
    throw error;
  }
}

async function plan(parts: ErasureParts, ending: Ending): Promise<void> {
  const { source, lease, state, number } = ending;
  const { client, id } = state;
  const retained = retainedAt(ending);
  const steps: PlannedStep[] = [
    ...clientTables(parts, ending).map((table) => ({
      store: dataStore(table),
      action: actionOn(table),
      categories: [],
    })),
    ...parts.purgers.map(({ store }) => ({ store, action: 'PURGE' as const, categories: [] })),
    { store: KEY_STORE, action: 'DESTROY_KEY', categories: [] },
    ...(retained.length === 0 ? [{ store: CLIENT_KEY, action: 'DESTROY_KEY' as const, categories: [] }] : []),
  ];
  const keep = new Set(await keptSubjects(ending));
  const expected = (await parts.ledger.countKeys(client)) - keep.size;
  const entry = await parts.ledger.find(client, id);
  if (!entry) {
    const pseudonym = await parts.ledger.pseudonym(client, state.requestedBy);
    const { grounds, requestedRole: role, dueAt } = state;
    const request = { grounds, role, pseudonym, dueAt, categories: null };
    await parts.ledger.record(client, [{ id, kind: 'CLIENT', subject: null, requestedAt: state.requestedAt, request }]);
  }
  await parts.ledger.plan(client, id, {
    pass: number,
    plannedAt: parts.now(),
    steps: steps.map((step) =>
      step.store === KEY_STORE ? { ...step, expected } : step.store === CLIENT_KEY ? { ...step, expected: 1 } : step,
    ),
    retained,
  });
  await recordAct(parts, 'CLIENT_ERASURE_BEGUN', state, { pass: number });
  const recipients = await parts.recipients.of(client);
  await inTransaction(source, async (manager) => {
    await lease.fence(manager);
    await insertSteps(manager, client, id, number, steps);
    await parts.recipients.queue(manager, client, TERMINATION_EVENT, id, recipients);
  });
}

/** Tables that the end of a client empties; what the decorators keep of a business stays (statement D4, D5). */
function clientTables(parts: ErasureParts, { claimsUntil }: Pick<Ending, 'claimsUntil'>): TenantTable[] {
  return parts.tables.filter((table) => {
    if (RUNNING_ON.has(table.name)) return false;
    if (claimsUntil !== null && table.subject?.kind === 'CLIENT_USER' && isForClaims(table)) return false;
    return table.erasure !== 'KEEP' || table.subject !== undefined;
  });
}

const isForClaims = (table: TenantTable): boolean =>
  [...table.fields.values()].some(({ personal }) => personal?.retention === 'CLAIMS');

/** Nothing of a client stays as de-identified facts: they would still be the client's (statement D4). */
const actionOn = (table: TenantTable): 'DELETE' | 'DEIDENTIFY' => (table.erasure === 'KEEP' ? 'DEIDENTIFY' : 'DELETE');

async function eraseTable(parts: ErasureParts, ending: Ending, table: TenantTable): Promise<void> {
  const { source, lease, state, number, except } = ending;
  const { client, id } = state;
  let after: Chunk['next'];
  for (;;) {
    const from = after;
    const chunk = await inTransaction(source, async (manager): Promise<Chunk | undefined> => {
      await lease.fence(manager);
      const step = await pendingStep(manager, state, number, dataStore(table));
      if (!step) return undefined;
      const range = { client, except, ...(from ? { after: from } : {}) };
      const erased = await eraseChunk(manager, table, step.action, new Set(everyCategory), range, parts.chunkRows);
      await finishSteps(manager, client, id, [{ step, rows: erased.rows, done: !erased.next }], parts.now());
      return erased;
    });
    if (!chunk?.next) return;
    after = chunk.next;
  }
}

async function pendingStep(
  manager: Pick<DataSource, 'query'>,
  state: ErasureState,
  number: number,
  store: string,
): Promise<Step | undefined> {
  const steps = await stepsOf(manager, state.client, state.id, number);
  return steps.find((step) => step.store === store && step.status === 'PENDING');
}

async function purgeCopies(parts: ErasureParts, { source, lease, state, number }: Ending): Promise<void> {
  for (const purger of parts.purgers) {
    const step = await committed(source, () => pendingStep(source, state, number, purger.store));
    if (!step) continue;
    const rows = await purger.purge(state.client, null, parts.now());
    await finish(parts, { source, lease, state }, step, rows);
  }
}

async function finish(
  parts: ErasureParts,
  { source, lease, state }: Pick<Ending, 'source' | 'lease' | 'state'>,
  step: Step,
  rows: number,
): Promise<void> {
  await inTransaction(source, async (manager) => {
    await lease.fence(manager);
    await finishSteps(manager, state.client, state.id, [{ step, rows, done: true }], parts.now());
  });
}

/** Subjects whose keys stay for now: persons under a hold, and client users kept for claims. */
async function keptSubjects({ source, state, except, claimsUntil }: Ending): Promise<string[]> {
  if (claimsUntil === null) return [...except];
  const users = await committed(source, () =>
    source.query<Array<{ id: string }>>('SELECT id FROM client_user WHERE client_id = ?', [state.client]),
  );
  return [...except, ...users.map(({ id }) => id)];
}

async function destroyKeys(parts: ErasureParts, ending: Ending, isLast: boolean): Promise<void> {
  const { source, state, number } = ending;
  const { client, id } = state;
  const planned = (await parts.ledger.require(client, id)).passes.find((known) => known.pass === number)?.steps ?? [];
  const expected = (store: string) => planned.find((step) => step.store === store)?.expected ?? 0;
  const subjects = await committed(source, () => pendingStep(source, state, number, KEY_STORE));
  if (subjects) {
    await parts.keys.destroySubjectKeysExcept(client, new Set(await keptSubjects(ending)));
    await finish(parts, ending, subjects, expected(KEY_STORE));
  }
  const own = await committed(source, () => pendingStep(source, state, number, CLIENT_KEY));
  if (!own || !isLast) return;
  await parts.keys.destroyClientKey(client);
  await parts.tombstones.dropClient(client);
  await parts.ledger.forgetSubjects(client);
  await finish(parts, ending, own, expected(CLIENT_KEY));
}

/** What stays for now, and why; it names categories, not persons. */
function retainedAt({ holds, claimsUntil, state }: Ending): Retained[] {
  const held = retainedBy({ categories: null }, holds);
  if (claimsUntil === null) return held;
  const until = new Date(claimsUntil).toISOString();
  const reason = `CLIENT_USERS ${state.claimsReason ?? 'LAW'}`;
  return [...held, ...(['NAME', 'CONTACT'] as const).map((category) => ({ category, reason, until }))];
}

async function conclude(parts: ErasureParts, ending: Ending, retained: readonly Retained[]): Promise<void> {
  const { source, lease, state, holds, claimsUntil } = ending;
  const { client, id } = state;
  const at = parts.now();
  const isComplete = retained.length === 0;
  await recordAct(parts, isComplete ? 'ERASURE_EXECUTED' : 'ERASURE_PARTLY', state, { pass: ending.number });
  await certify(parts, source, state, { retained, keyDestroyed: isComplete, at, isComplete });
  await inTransaction(source, async (manager) => {
    await lease.fence(manager);
    if (!isComplete) {
      const again = [nextExpiry(holds), claimsUntil].filter((time) => time !== null);
      await manager.query(`UPDATE erasure_request SET status = 'PARTIALLY_COMPLETED' WHERE client_id = ? AND id = ?`, [
        client,
        id,
      ]);
      await parts.jobs(source).park(manager, lease, again.length > 0 ? Math.min(...again) : null);
      return;
    }
    await manager.query(
      `UPDATE erasure_request SET status = 'COMPLETED', completed_at = COALESCE(completed_at, ?) WHERE client_id = ?
       AND id = ?`,
      [at, client, id],
    );
    // Requests for single persons of the client are done with it, and it is their proof.
    await manager.query(
      `UPDATE erasure_request SET status = 'COMPLETED', completed_at = COALESCE(completed_at, ?), ended_by = ?
       WHERE client_id = ? AND status NOT IN ('CANCELLED', 'COMPLETED')`,
      [at, id, client],
    );
    await manager.query('DELETE FROM job WHERE client_id = ?', [client]);
    await manager.query('DELETE FROM policy_version WHERE scope = ?', [client]);
  });
}

/** Rows of a client that are left in tables which its end empties; for the replay after a restore. */
export async function rowsOfClient(parts: ErasureParts, source: DataSource, client: string): Promise<number> {
  const tables = parts.tables.filter(({ name, erasure }) => erasure !== 'KEEP' && !RUNNING_ON.has(name));
  const counts = await inTransaction(source, (manager) => rowsOf(manager, tables, { client }));
  return counts.reduce((sum, count) => sum + count, 0);
}
