import type { DataSource, EntityManager } from 'typeorm';
import type { Jobs } from '../../jobs/jobs';
import type { KeyStores } from '../../keys/key-stores';
import { inTransaction } from '../../storage/transaction';
import { own, tenantSql } from '../../tenancy/tenant-sql';
import { CLIENT_KEY, KEY_STORE } from '../execution/plan';
import { setStatus } from '../execution/request-changes';
import { abandonSteps, passOf, reopenSteps, type Step, stepsOf } from '../execution/steps';
import type { ErasureRequestState } from '../requests/request-state';
import type { ErasureRecord, ErasureRecords } from './erasure-records';

/** What the comparison of restored records with the data needs. */
export interface RestoredRecordsServices {
  readonly keyStores: KeyStores;
  readonly records: ErasureRecords;
  readonly jobs: Jobs;
  readonly now: () => number;
}

/** What a restored record had lost. */
export interface MendedRecord {
  /** There was no record at all. */
  readonly isNew: boolean;
  /** The erasure was complete, and its certificate is lost. */
  readonly isUncertified: boolean;
}

/** A request with its record, and with what the data knows of its passes. */
interface Mending {
  readonly request: ErasureRequestState;
  readonly record: ErasureRecord;
  readonly steps: readonly Step[];
  /** Whether the plan of some pass is lost. Then so is all that came after it. */
  readonly isBehind: boolean;
}

/**
 * Brings records of erasures up to date that came back from an older copy of the keys' store. What a record has lost is
 * taken from the data: the plan of a pass is what was carried out, and a key that was destroyed since may have come
 * back, so its destruction counts for the current epoch. It can run again.
 */
export class RestoredRecords {
  readonly #services: RestoredRecordsServices;

  constructor(services: RestoredRecordsServices) {
    this.#services = services;
  }

  async mend(source: DataSource, request: ErasureRequestState): Promise<MendedRecord> {
    const { records, now } = this.#services;
    const { client, id, status } = request;
    const known = await records.find(client, id);
    if (!known) await records.open(client, [request]);
    const found = known ?? (await records.require(client, id));
    const isNew = known === undefined;
    if (status === 'CANCELLED') {
      if (found.cancelledAt === null) await records.cancel(client, id, now());
      return { isNew, isUncertified: false };
    }
    const steps = await stepsOf(source, client, id);
    const planned = await this.#planned(found, request, steps);
    const isBehind = planned !== found;
    const record = await this.#withKeysDeleted({ request, record: planned, steps, isBehind });
    const mending = { request, record, steps, isBehind };
    const isUncertified = lacksCertificate(mending);
    if (isBehind || isUncertified || record !== planned)
      await inTransaction(source, (manager) => this.#carryOn(manager, mending, isUncertified));
    return { isNew, isUncertified: isUncertified && status === 'COMPLETED' };
  }

  /** The record with the plans that it has lost. @returns the same record where it has lost none */
  async #planned(found: ErasureRecord, request: ErasureRequestState, all: readonly Step[]): Promise<ErasureRecord> {
    const { records } = this.#services;
    let record = found;
    for (let pass = 1; pass <= request.pass; pass++) {
      const steps = all.filter((step) => passOf(step) === pass);
      if (steps.length === 0 || found.passes.some((known) => known.pass === pass)) continue;
      const plan = steps.map(({ store, action, categories, rows }) => ({
        ...{ store, action, categories },
        // Says whether there was a key to destroy.
        ...(store === KEY_STORE ? { expected: rows } : {}),
      }));
      record = await records.plan(record, { pass, plannedAt: request.requestedAt, steps: plan, retained: [] });
    }
    return record;
  }

  /** The record with the deletion of keys that it has lost. @returns the same record where it has lost none */
  async #withKeysDeleted({ request, record, steps, isBehind }: Mending): Promise<ErasureRecord> {
    const { keyStores, records, now } = this.#services;
    const { client, keyEpoch, keyDeletedAt } = request;
    const deleted = steps.filter(
      ({ action, status, rows }) => action === 'DESTROY_KEY' && status === 'DONE' && rows > 0,
    );
    if (keyEpoch === null && deleted.length === 0) return record;
    const known = record.keysDeleted;
    if (known && !isBehind && known.epoch >= (keyEpoch ?? 0)) return record;
    const epochs = await (await keyStores.of(client)).keys.epochs.list();
    const at = keyDeletedAt ?? deleted.at(-1)?.finishedAt?.getTime() ?? now();
    const epoch = Math.max(keyEpoch ?? 0, known?.epoch ?? 0, epochs.at(-1)?.number ?? 0);
    return records.keysDeleted(record, { at, epoch });
  }

  /** Has a server go on with an erasure from where the data says that it is. */
  async #carryOn(manager: EntityManager, mending: Mending, isUncertified: boolean): Promise<void> {
    const { jobs, now } = this.#services;
    const { request, steps, isBehind } = mending;
    const { client, id, pass, kind, status } = request;
    const current = steps.filter((step) => passOf(step) === pass);
    if (isUncertified) {
      const again = status === 'COMPLETED' ? 'AWAITING_EPOCH' : 'IN_PROGRESS';
      await tenantSql(manager, client).change`
        UPDATE erasure_request SET status = ${again} WHERE ${own} AND id = ${id}`;
    }
    // The keys of a client may have come back. Those of people are found by their rows, which are gone.
    const isDone = current.every((step) => step.status === 'DONE');
    const keys = kind === 'CLIENT' && isBehind && isDone ? current.map(({ store }) => store).filter(isKey) : [];
    if (keys.length > 0) await reopenSteps(manager, client, id, { number: pass, steps: current }, keys);
    // What the plan prepares beside it, such as tombstones, is lost too: the rest is planned anew.
    if (isBehind && !isDone && status !== 'PARTIALLY_COMPLETED') {
      await abandonSteps(manager, client, id, now());
      await setStatus(manager, request, 'IN_PROGRESS', pass + 1);
    }
    await jobs.schedule(manager, client, [id], now());
  }
}

const isKey = (store: string): boolean => store === KEY_STORE || store === CLIENT_KEY;

/** One that another request has completed has no certificate of its own. */
function lacksCertificate({ request, record, steps, isBehind }: Mending): boolean {
  const { status, pass, endedBy } = request;
  if (endedBy !== null) return false;
  if (status === 'COMPLETED') return record.completedAt === null || record.certificate === null;
  if (status !== 'PARTIALLY_COMPLETED') return false;
  const current = steps.filter((step) => passOf(step) === pass);
  const isDone = current.length > 0 && current.every((step) => step.status === 'DONE');
  return isDone && (isBehind || record.certificate === null);
}
