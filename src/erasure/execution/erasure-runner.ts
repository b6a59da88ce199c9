import type { DataSource, EntityManager } from 'typeorm';
import type { JobHandler } from '../../jobs/job-worker';
import type { Jobs } from '../../jobs/jobs';
import type { Lease } from '../../jobs/leases';
import { type EngineProfile, itemsPerTransaction } from '../../storage/engine-profiles';
import type { Regions } from '../../storage/regions';
import { committed, inTransaction } from '../../storage/transaction';
import { own, tenantSql } from '../../tenancy/tenant-sql';
import type { Certificates } from '../records/certificates';
import type { ErasureRecord, ErasureRecords } from '../records/erasure-records';
import type { Finality, KeyFinality } from '../records/key-finality';
import { type ErasureRequestState, readRequest } from '../requests/request-state';
import { recordAct } from './acts';
import { ClientErasure, type ClientErasureServices } from './client-erasure';
import { decide, keptKey, type NextStep } from './decide';
import type { Range } from './eraser';
import { COMPLETED_EVENT, DESTROYED_EVENT, type ErasureRecipients } from './erasure-recipients';
import { PersonErasure, type PersonErasureServices } from './person-erasure';
import { KEY_STORE, type StepAction } from './plan';
import { type KeysGone, setPause, setStatus } from './request-changes';
import {
  abandonSteps,
  type Counted,
  finishSteps,
  insertSteps,
  passOf,
  readProgress,
  reopenSteps,
  type Step,
  withCounted,
} from './steps';
import type { ErasureTarget, Kept } from './target';

export interface ErasureRunnerOptions extends PersonErasureServices, ClientErasureServices {
  readonly regions: Regions;
  readonly jobs: Jobs;
  readonly records: ErasureRecords;
  readonly certificates: Certificates;
  readonly finality: KeyFinality;
  readonly recipients: ErasureRecipients;
  readonly profile: (source: DataSource) => EngineProfile;
  /** The most rows that one transaction changes; the engine's own limit can make it fewer. */
  readonly chunkRows: number;
}

/** Failures in a row after which an operator should look. It is retried all the same. */
const ATTENTION_AFTER = 5;

/** Writes down, in the next transaction, what was done outside the data's database. */
type Note = (manager: EntityManager, kept: Kept) => Promise<void>;

/** Where the next transaction continues in a table. */
interface Position {
  readonly seq: number;
  readonly after: Range['after'];
}

/** What a process keeps in memory while it holds the job. After a crash it is read again, or done again. */
interface Run {
  readonly source: DataSource;
  readonly lease: Lease;
  /** As last read. */
  request: ErasureRequestState;
  /** Undefined when the request no longer says whom it is about. */
  readonly target: ErasureTarget | undefined;
  /** The most rows that one transaction changes. */
  readonly limit: number;
  record: ErasureRecord | undefined;
  note: Note | undefined;
  position: Position | undefined;
  /** The state that the certificate was written for. */
  certified: string | undefined;
  /** Whether the next turn can erase rows of the person: then it locks the person first. */
  erases: boolean;
  /** Whether the deleted keys are gone for good, as last asked. */
  finality: Finality;
}

/** What one turn has read, decided and done. */
interface Turn {
  readonly request: ErasureRequestState;
  readonly kept: Kept;
  /** Steps of all passes. */
  readonly steps: readonly Step[];
  readonly next: NextStep;
  readonly position?: Position | undefined;
}

/** What a step in the data's database leaves to the next one. */
interface Inside {
  readonly position?: Position;
  /** The steps of all passes, when all rows of the current ones are erased. */
  readonly erased?: readonly Step[];
}

const nothingKept: Kept = { retained: [], isAll: false, until: null, people: [] };

/**
 * Executes erasures in turns: load the state, decide the next step, perform it. A turn is one transaction in the data's
 * database that renews the lease first. Work elsewhere (records, copies, keys) happens between two turns. It can be
 * repeated, and the next turn notes its result.
 */
export class ErasureRunner implements JobHandler {
  readonly #options: ErasureRunnerOptions;

  constructor(options: ErasureRunnerOptions) {
    this.#options = options;
  }

  /** Executes a request until it is complete, or until a hold keeps the rest. */
  async carryOut(lease: Lease, signal: AbortSignal): Promise<boolean> {
    const { client, id } = lease;
    const source = await this.#options.regions.of(client);
    const request = await committed(source, () => readRequest(source, client, id));
    if (!request) return false;
    const run = await this.#begin(source, lease, request);
    for (;;) {
      // The result of work elsewhere is noted first.
      if (signal.aborted && !run.note) {
        await inTransaction(source, (manager) => this.#options.jobs.release(manager, lease));
        return true;
      }
      const turn = await inTransaction(source, (manager) => this.#turn(manager, run));
      if (isLast(turn.next)) return true;
      run.request = turn.request;
      run.position = turn.position;
      run.erases = mayErase(turn);
      run.note = run.target && (await this.#outside(run, run.target, turn));
    }
  }

  /** Marks a request after several failures in a row, so that an operator looks at it. */
  async failed(lease: Lease, fault: string): Promise<void> {
    if (lease.attempts < ATTENTION_AFTER) return;
    const { client, id, attempts } = lease;
    const source = await this.#options.regions.of(client);
    await inTransaction(
      source,
      (manager) =>
        tenantSql(manager, client).change`
            UPDATE erasure_request SET status = 'ATTENTION_REQUIRED' WHERE ${own} AND id = ${id}
            AND status NOT IN ('CANCELLED', 'COMPLETED', 'PARTIALLY_COMPLETED')`,
    );
    if (attempts !== ATTENTION_AFTER) return;
    const request = await committed(source, () => readRequest(source, client, id));
    if (request) await recordAct(this.#options.recorder, 'ERASURE_FAILED', request, { fault, attempts });
  }

  async #begin(source: DataSource, lease: Lease, request: ErasureRequestState): Promise<Run> {
    const { client, id } = lease;
    const { profile, records, finality, chunkRows } = this.#options;
    const record = await records.find(client, id);
    return {
      ...{ source, lease, request, target: await this.#targetOf(source, request) },
      limit: itemsPerTransaction(profile(source), chunkRows),
      record,
      ...{ note: undefined, position: undefined, certified: undefined, erases: request.pass > 0 },
      finality: await finality.of(client, record?.keysDeleted ?? null),
    };
  }

  async #targetOf(
    source: DataSource,
    { client, kind, customerId, keyEpoch }: ErasureRequestState,
  ): Promise<ErasureTarget | undefined> {
    if (kind === 'CLIENT') return ClientErasure.of(this.#options, source, client);
    if (customerId === null && keyEpoch === null) return undefined;
    return new PersonErasure(this.#options, source, client, customerId);
  }

  /** One turn: renews the lease, notes the result of work elsewhere, loads the state, decides, and changes rows. */
  async #turn(manager: EntityManager, run: Run): Promise<Turn> {
    const { lease, target, note, request: known } = run;
    const { client, id } = lease;
    const awaits = (await target?.awaits(manager, known)) ?? null;
    await lease.fence(manager);
    if (run.erases) await target?.enter(manager);
    const kept = (await target?.kept(manager, known)) ?? nothingKept;
    await note?.(manager, kept);
    const found = await readProgress(manager, client, id);
    const request = found?.request ?? known;
    for (let steps = found?.steps ?? []; ; ) {
      const ofPass = steps.filter(isOf(request));
      const next = decide({
        now: this.#options.now(),
        request: found?.request,
        awaits,
        retained: kept.retained,
        keepsAll: kept.isAll,
        keptUntil: kept.until,
        plan: run.record?.passes.find(({ pass }) => pass === request.pass),
        steps: ofPass,
        late: target && isErased(ofPass) ? await target.late(manager, kept, ofPass) : [],
        epochUntil: run.finality.isFinal ? null : run.finality.askAt,
        isCertified: run.certified === certifiedAs(request, kept),
      });
      const turn = { request, kept, steps, next };
      const { position, erased } = await this.#inside(manager, run, turn, ofPass);
      // When all rows are erased, what comes next needs no turn of its own.
      if (!erased) return { ...turn, position };
      steps = erased;
    }
  }

  /** Performs the part of a step that is in the data's database. */
  async #inside(
    manager: EntityManager,
    { lease, target, limit, position, record, finality }: Run,
    { request, kept, next, steps: all }: Turn,
    steps: readonly Step[],
  ): Promise<Inside> {
    const { jobs, now } = this.#options;
    const { client, id } = request;
    switch (next.do) {
      case 'FINISH':
        await jobs.finish(manager, lease);
        return {};
      case 'PARK':
        await jobs.park(manager, lease, next.until);
        return {};
      case 'HOLD':
        await setStatus(manager, request, next.status);
        await jobs.park(manager, lease, next.until);
        return {};
      case 'CLOSE':
        await tenantSql(manager, client)
          .change`UPDATE erasure_request SET status = 'COMPLETED', completed_at = ${now()} WHERE ${own} AND id = ${id}`;
        await jobs.finish(manager, lease);
        return {};
      case 'PLAN':
        await setStatus(manager, request, 'IN_PROGRESS', next.pass);
        await target?.begin(manager, kept);
        return {};
      case 'ABANDON':
        await abandonSteps(manager, client, id, now());
        await setStatus(manager, request, 'IN_PROGRESS', next.pass);
        return {};
      case 'ERASE': {
        const after = position?.seq === next.steps[0]?.seq ? position?.after : undefined;
        const erased = await target?.erase(manager, next.steps, kept, limit, after);
        const counted: readonly Counted[] = erased?.counted ?? [];
        const at = now();
        await finishSteps(manager, client, id, counted, at);
        const last = counted.at(-1);
        if (last && erased?.next) return { position: { seq: last.step.seq, after: erased.next } };
        const isAll = counted.length === next.steps.length && counted.every(({ done }) => done);
        return isAll ? { erased: withCounted(all, counted, at) } : {};
      }
      case 'REOPEN': {
        const keys = steps.filter(({ store }) => store === KEY_STORE).map(({ store }) => store);
        const pass = { number: request.pass, steps };
        await setStatus(manager, request, 'IN_PROGRESS');
        await reopenSteps(manager, client, id, pass, [...next.stores, ...keys]);
        return {};
      }
      case 'AWAIT_EPOCH':
        await setPause(manager, request, 'AWAITING_EPOCH', keysGoneOf(record, finality));
        await target?.forget(manager, request, target.isKeyDestroyed(steps));
        await this.#tell(manager, request, DESTROYED_EVENT);
        await jobs.park(manager, lease, next.until);
        return {};
      case 'CONCLUDE': {
        const gone = keysGoneOf(record, finality);
        if (!next.isComplete) {
          await setPause(manager, request, 'PARTIALLY_COMPLETED', gone);
          await jobs.park(manager, lease, next.again);
          return {};
        }
        await target?.forget(manager, request, target.isKeyDestroyed(steps));
        await target?.complete(manager, request, now(), gone);
        await this.#tell(manager, request, COMPLETED_EVENT);
        await jobs.finish(manager, lease);
      }
    }
    return {};
  }

  /** Tells the client of a person's erasure. What is left of a client that ends tells nobody. */
  async #tell(manager: EntityManager, request: ErasureRequestState, event: string): Promise<void> {
    if (request.kind === 'CUSTOMER') await this.#options.recipients.queueForClient(manager, request, event);
  }

  /**
   * Performs the part of a step that is elsewhere. Repeated after a crash, it does what is left.
   * @returns what the next turn writes down
   */
  async #outside(run: Run, target: ErasureTarget, turn: Turn): Promise<Note | undefined> {
    const { request, kept, next, steps } = turn;
    const { client, id } = request;
    const { purgers, certificates, records, finality, now } = this.#options;
    const done = (step: Step, rows: number): Note => {
      return (manager) => finishSteps(manager, client, id, [{ step, rows, done: true }], now());
    };
    switch (next.do) {
      case 'PLAN':
        return this.#plan(run, target, turn, next.pass);
      case 'PURGE': {
        const purger = purgers.find(({ store }) => store === next.step.store);
        const rows = await purger?.purge(client, request.customerId, target.copiedUntil(request));
        return done(next.step, rows ?? 0);
      }
      case 'DESTROY_KEY': {
        const record = recordOf(run);
        const deleted = await target.destroyKeys(next.step, kept, request, record);
        if (deleted) run.record = await records.keysDeleted(record, deleted);
        run.finality = await finality.of(client, run.record?.keysDeleted ?? null);
        // The plan counted the keys before: after a crash none are left to count.
        const planned = record.passes.find(({ pass }) => pass === request.pass)?.steps;
        const expected = planned?.find(({ store }) => store === next.step.store)?.expected ?? 0;
        return done(next.step, Math.max(0, expected - next.step.rows));
      }
      case 'REOPEN':
        run.certified = undefined;
        return undefined;
      case 'CERTIFY': {
        const isComplete = next.retained.length === 0;
        const keyDestroyed = target.isKeyDestroyed(steps.filter(isOf(request)));
        await target.certifying(request, kept, isComplete, keyDestroyed);
        const end = run.finality.isFinal ? run.finality.end : undefined;
        const said = { steps, retained: next.retained, keyDestroyed, isComplete, end, at: now() };
        await certificates.issue(request, recordOf(run), said);
        run.certified = certifiedAs(request, kept);
      }
    }
    return undefined;
  }

  /** Writes the plan of a pass into the record, and prepares what must exist before anything is destroyed. */
  async #plan(run: Run, target: ErasureTarget, { request, kept }: Turn, pass: number): Promise<Note> {
    const { client, id } = request;
    const { records, recipients, now } = this.#options;
    if (!run.record) {
      await records.open(client, [request]);
      run.record = await records.require(client, id);
    }
    const steps = await target.plan(request, kept);
    run.record = await records.plan(run.record, { pass, plannedAt: now(), steps, retained: kept.retained });
    await target.planned(request, kept, pass);
    const told = request.categories === null ? await recipients.of(client) : [];
    return async (manager, keptNow) => {
      // Holds have changed meanwhile: it is planned again.
      if (keptKey(keptNow.retained) !== keptKey(kept.retained)) return;
      await insertSteps(manager, client, id, pass, steps);
      await recipients.queue(manager, client, target.event, id, told);
    };
  }
}

const isLast = (next: NextStep): boolean =>
  ['FINISH', 'PARK', 'HOLD', 'CLOSE', 'AWAIT_EPOCH', 'CONCLUDE'].includes(next.do);

const keysGoneOf = (record: ErasureRecord | undefined, finality: Finality): KeysGone => ({
  deleted: record?.keysDeleted ?? null,
  finalAt: finality.isFinal ? (finality.end?.at ?? null) : finality.finalAt,
});

/** Steps that are not on rows. */
const isElsewhere: ReadonlySet<StepAction> = new Set(['PURGE', 'DESTROY_KEY']);

const isOf =
  ({ pass }: ErasureRequestState) =>
  (step: Step): boolean =>
    passOf(step) === pass;

/** Whether the next turn can erase rows. */
const mayErase = ({ next, steps, request }: Turn): boolean =>
  ['PLAN', 'ABANDON', 'REOPEN', 'ERASE'].includes(next.do) ||
  steps.filter(isOf(request)).some(({ status, action }) => status === 'PENDING' && !isElsewhere.has(action));

/** Whether all steps on rows and copies are done. */
const isErased = (steps: readonly Step[]): boolean =>
  steps.length > 0 && steps.every(({ status, action }) => status === 'DONE' || action === 'DESTROY_KEY');

const certifiedAs = ({ pass }: ErasureRequestState, { retained, people }: Kept): string =>
  JSON.stringify([pass, keptKey(retained), people]);

/** Nothing is destroyed without a record. */
function recordOf({ record }: Run): ErasureRecord {
  if (!record) throw new Error('the erasure has no record in the keys’ store');
  return record;
}
