import type { DataSource, EntityManager } from 'typeorm';
import type { Lease } from '../jobs/jobs';
import { committed, inTransaction } from '../storage/transaction';
import { recordAct } from './acts';
import { type ErasureStatement, type Retained, signCertificate } from './certificate';
import { holdsInForce, type LegalHold } from './holds';
import { reopenLate } from './late-rows';
import { type LedgerEntry, type LedgerOutcome, planDigest } from './ledger';
import type { ErasureParts } from './parts';
import { KEY_STORE } from './plan';
import type { ErasureState } from './requests';
import { nextExpiry, retainedBy } from './retained';
import { erasedBy, finishSteps, type Step, stepsOf } from './steps';

interface Pass {
  readonly source: DataSource;
  readonly lease: Lease;
  readonly state: ErasureState & { readonly customerId: string };
  readonly number: number;
  readonly holds: readonly LegalHold[];
  /** The subject's key is destroyed: its step is done, and is counted here. */
  readonly whole: boolean;
}

/**
 * Writes down what was done: in the ledger with a certificate, then in the request, which forgets whom it was about.
 * @returns false where something is left to do: rows that came in late
 */
export async function concludeErasure(parts: ErasureParts, pass: Pass): Promise<boolean> {
  const { source, lease, state, whole } = pass;
  const { client, id, customerId } = state;
  const at = parts.now();
  const retained = retainedBy(state, pass.holds);
  const isComplete = retained.length === 0;
  if (!whole) await recordAct(parts, isComplete ? 'ERASURE_EXECUTED' : 'ERASURE_PARTLY', state);
  await certify(parts, source, state, { retained, keyDestroyed: whole, at, isComplete });
  return inTransaction(source, async (manager) => {
    await lease.fence(manager);
    if (whole && (await reopenLate(parts, manager, state, pass.number))) return false;
    await countKey(parts, manager, pass);
    if (!isComplete) {
      const holds = await holdsInForce(manager, client, [customerId], parts.now());
      const isLess = retainedBy(state, holds).length < retained.length;
      await manager.query(`UPDATE erasure_request SET status = 'PARTIALLY_COMPLETED' WHERE client_id = ? AND id = ?`, [
        client,
        id,
      ]);
      // Schedules itself at once where a hold ended meanwhile (pitfall 25).
      await parts.jobs(source).park(manager, lease, isLess ? parts.now() : nextExpiry(holds));
      return true;
    }
    await manager.query(
      `UPDATE erasure_request SET status = 'COMPLETED', completed_at = COALESCE(completed_at, ?), former_restriction = NULL
       WHERE client_id = ? AND id = ?`,
      [at, client, id],
    );
    await parts.jobs(source).finish(manager, lease);
    if (whole) {
      await manager.query(
        'UPDATE erasure_request SET customer_id = NULL, sealed_correspondence = NULL WHERE client_id = ? AND customer_id = ?',
        [client, customerId],
      );
    }
    const waiting = await manager.query<Array<{ id: string }>>(
      `SELECT id FROM erasure_request WHERE client_id = ? AND kind = 'CLIENT' AND status = 'PARTIALLY_COMPLETED'`,
      [client],
    );
    await parts.jobs(source).schedule(
      manager,
      client,
      waiting.map((request) => request.id),
      parts.now(),
    );
    return true;
  });
}

/** The count is the ledger's, from before: whoever died after the destruction finds nothing left to count. */
function withKey(entry: LedgerEntry, steps: readonly Step[], isDestroyed: boolean): Step[] {
  const planned = entry.passes.at(-1)?.steps.find(({ store }) => store === KEY_STORE);
  return steps.map((step) =>
    isDestroyed && step.store === KEY_STORE && step.status === 'PENDING'
      ? { ...step, rows: planned?.expected ?? 0 }
      : step,
  );
}

/** Whether any pass found a key to destroy; a later one finds what an earlier one has left. */
export const hadKey = ({ passes }: LedgerEntry): boolean =>
  passes.some(({ steps }) => steps.some(({ store, expected }) => store === KEY_STORE && expected === 1));

/** Counts the key's step in the transaction that ends the request. */
async function countKey(parts: ErasureParts, manager: EntityManager, { state, number, whole }: Pass): Promise<void> {
  if (!whole) return;
  const { client, id } = state;
  const entry = await parts.ledger.require(client, id);
  const steps = withKey(entry, await stepsOf(manager, client, id, number), true);
  const counted = steps
    .filter(({ store, status }) => store === KEY_STORE && status === 'PENDING')
    .map((step) => ({ step, rows: step.rows, done: true }));
  await finishSteps(manager, client, id, counted, parts.now());
}

/** Signs what the steps did and puts it into the ledger; an erasure that was run again keeps its first certificate. */
export async function certify(
  parts: ErasureParts,
  source: DataSource,
  state: ErasureState,
  done: { retained: readonly Retained[]; keyDestroyed: boolean; at: number; isComplete: boolean },
): Promise<void> {
  const { client, id } = state;
  const entry = await parts.ledger.require(client, id);
  if (state.replayedAt !== null && entry.completedAt !== null && entry.certificate && entry.outcome) {
    const { outcome, certificate } = entry;
    await parts.ledger.conclude(client, id, { outcome, certificate, completedAt: null, replayedAt: done.at });
    return;
  }
  const steps = withKey(entry, await committed(source, () => stepsOf(source, client, id)), done.keyDestroyed);
  const keyAbsent = done.keyDestroyed && state.kind === 'CUSTOMER' && !hadKey(entry);
  const outcome: LedgerOutcome = {
    erased: erasedBy(steps),
    retained: done.retained,
    keyDestroyed: done.keyDestroyed && !keyAbsent,
    ...(keyAbsent ? { keyAbsent } : {}),
  };
  const certificate = await signCertificate(parts.signingKeys, statementOf(state, entry, outcome, done.at));
  await parts.ledger.conclude(client, id, {
    outcome,
    certificate,
    completedAt: done.isComplete ? done.at : null,
    replayedAt: state.replayedAt === null ? null : done.at,
  });
}

function statementOf(state: ErasureState, entry: LedgerEntry, outcome: LedgerOutcome, at: number): ErasureStatement {
  const { role, pseudonym } = entry.request;
  return {
    version: 1,
    request: state.id,
    client: state.client,
    kind: state.kind,
    subjectDigest: entry.subjectDigest,
    grounds: state.grounds,
    requestedBy: { role, pseudonym },
    requestedAt: new Date(state.requestedAt).toISOString(),
    dueAt: new Date(state.dueAt).toISOString(),
    completedAt: new Date(at).toISOString(),
    scope: state.categories,
    erased: outcome.erased,
    retained: outcome.retained,
    keyDestroyed: outcome.keyDestroyed,
    ...(outcome.keyAbsent ? { keyAbsent: true } : {}),
    ledger: {
      entry: entry.id,
      plannedAt: new Date(entry.passes.at(-1)?.plannedAt ?? at).toISOString(),
      planDigest: planDigest(entry.passes),
    },
  };
}
