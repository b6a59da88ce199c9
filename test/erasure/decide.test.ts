import fc from 'fast-check';
import { decide, type ErasureState, keptKey, type NextStep } from '../../src/erasure/execution/decide';
import type { Step } from '../../src/erasure/execution/steps';
import type { Retained } from '../../src/erasure/records/certificate';
import type { ErasureStatus } from '../../src/erasure/requests/erasure-request';
import type { DataCategory } from '../../src/governance/vocabulary';

const categories = ['CONTACT', 'COMMERCE'] as const;
type Category = (typeof categories)[number];
const tableOf = { CONTACT: 'data:customer', COMMERCE: 'data:purchase_order' } as const;

/** What a client or a person has, in memory: an interpreter of steps, as simple as can be. */
class World {
  status: ErasureStatus = 'RECEIVED';
  pass = 0;
  readonly kind: 'CUSTOMER' | 'CLIENT';
  readonly asked: readonly Category[];
  readonly rows: Record<Category, number>;
  copies = 1;
  keys: number;
  readonly plans = new Map<number, readonly Retained[]>();
  steps: Array<Step & { pass: number }> = [];
  readonly holds = new Set<Category>();
  isCertified = false;
  /** Where epochs are off, a deleted key is gone at once. */
  readonly hasEpochs: boolean;
  epoch = 1;
  /** The epoch that the last key was really deleted in, the one in the ledger, and the one in the request. */
  readonly deleted: { really: number | null; recorded: number | null; noted: number | null } = {
    really: null,
    recorded: null,
    noted: null,
  };
  isForgotten = false;
  /** What a process knows and loses in a crash. */
  memory: { certified: string | undefined; note: (() => void) | undefined } = { certified: undefined, note: undefined };
  turns = 0;
  /** Whether somebody will look at it again by themselves. */
  hasJob = true;

  constructor(kind: 'CUSTOMER' | 'CLIENT', asked: readonly Category[], rows: number, hasEpochs = false) {
    this.kind = kind;
    this.hasEpochs = hasEpochs;
    this.asked = asked;
    this.rows = { CONTACT: 1, COMMERCE: rows };
    this.keys = kind === 'CLIENT' ? 2 : 1;
  }

  get isWhole(): boolean {
    return this.asked.length === categories.length;
  }

  get retained(): Retained[] {
    const kept = this.asked.filter((category) => this.holds.has(category));
    return kept.map((category) => ({ category, reason: 'LEGAL_HOLD 1', until: null }));
  }

  state(): ErasureState {
    const { kind, status, pass, retained, plans } = this;
    const plan = plans.get(pass);
    const steps = this.steps.filter((step) => step.pass === pass);
    const isErased =
      steps.length > 0 && steps.every(({ status, action }) => status === 'DONE' || action === 'DESTROY_KEY');
    const looks =
      isErased && !this.isForgotten && (kind === 'CLIENT' || steps.some(({ action }) => action === 'DESTROY_KEY'));
    const customerId = kind === 'CUSTOMER' && !this.isForgotten ? 'somebody' : null;
    const isAwaited = this.hasEpochs && this.deleted.noted !== null && this.deleted.noted >= this.epoch;
    const late = looks ? this.asked.filter((category) => this.rows[category] > 0 && !this.holds.has(category)) : [];
    return {
      now: 0,
      request: { kind, status, pass, notBefore: null, customerId, keyEpoch: this.deleted.noted },
      awaits: null,
      retained,
      keepsAll: kind === 'CUSTOMER' && retained.length === this.asked.length,
      keptUntil: null,
      plan: plan && { retained: plan },
      steps,
      late: late.map((category) => tableOf[category]),
      epochUntil: isAwaited ? 1 : null,
      isCertified: this.memory.certified === `${pass} ${keptKey(retained)}`,
    };
  }

  /** One turn of the runner. @param dies whether the process dies before, within or after the outside step */
  turn(dies?: 'BEFORE' | 'WITHIN' | 'AFTER'): NextStep {
    if (++this.turns > 300) throw new Error('it does not end');
    this.memory.note?.();
    this.memory.note = undefined;
    const state = this.state();
    const next = decide(state);
    this.check(next, state);
    this.inside(next);
    if (dies !== 'BEFORE') this.outside(next, state, dies === 'WITHIN');
    if (dies) this.memory = { certified: undefined, note: undefined };
    return next;
  }

  check(next: NextStep, { steps, retained, plan }: ErasureState): void {
    const open = steps.filter(({ status }) => status === 'PENDING');
    const data = open.filter(({ action }) => action !== 'DESTROY_KEY');
    if (next.do === 'ERASE') {
      // Nothing is destroyed before its plan is on record, nor what a hold keeps.
      expect(plan).toBeDefined();
      const erased = next.steps.flatMap((step) => step.categories);
      expect(retained.filter(({ category }) => erased.includes(category))).toEqual([]);
      expect(next.steps.every((step) => open.includes(step))).toBe(true);
    }
    if (next.do === 'PURGE') expect(plan).toBeDefined();
    if (next.do === 'DESTROY_KEY') {
      expect([data, this.copies]).toEqual([[], 0]);
      const kept = new Set(retained.map(({ category }) => category as Category));
      for (const category of this.asked) if (!kept.has(category)) expect(this.rows[category]).toBe(0);
      if (this.kind === 'CUSTOMER' || next.step.store === 'keys:client_key') expect(kept.size).toBe(0);
    }
    if (next.do === 'CERTIFY') {
      expect(open).toEqual([]);
      expect(['IN_PROGRESS', 'AWAITING_EPOCH']).toContain(this.status);
      this.expectFinal();
    }
    if (next.do === 'CONCLUDE') {
      expect([open, this.isCertified]).toEqual([[], true]);
      if (next.isComplete && this.isWhole) expect([this.rows, this.keys]).toEqual([{ CONTACT: 0, COMMERCE: 0 }, 0]);
    }
  }

  /** Nothing is certified or completed before the epoch has ended in which the last key was deleted. */
  expectFinal(): void {
    if (this.hasEpochs && this.deleted.really !== null) expect(this.epoch).toBeGreaterThan(this.deleted.really);
  }

  inside(next: NextStep): void {
    const begin = (pass: number) => {
      this.status = 'IN_PROGRESS';
      this.pass = pass;
    };
    if (next.do === 'PLAN') begin(next.pass);
    if (next.do === 'HOLD') this.status = next.status;
    if (next.do === 'ABANDON') {
      for (const step of this.steps) Object.assign(step, { status: 'DONE' });
      begin(next.pass);
    }
    if (next.do === 'ERASE') {
      let budget = 2;
      for (const step of next.steps) {
        const [category] = step.categories as Category[];
        if (!category || budget <= 0) break;
        const gone = Math.min(budget, this.rows[category]);
        this.rows[category] -= gone;
        budget -= gone;
        if (this.rows[category] === 0) Object.assign(step, { status: 'DONE' });
      }
    }
    if (next.do === 'REOPEN') {
      this.status = 'IN_PROGRESS';
      const again = [...next.stores, 'keys:subject_key'];
      for (const step of this.steps) {
        if (step.pass === this.pass && again.includes(step.store)) Object.assign(step, { status: 'PENDING' });
      }
    }
    if (next.do === 'AWAIT_EPOCH') {
      this.status = 'AWAITING_EPOCH';
      this.isForgotten = this.kind === 'CUSTOMER';
    }
    if (next.do === 'CONCLUDE') this.expectFinal();
    if (next.do === 'CONCLUDE') this.status = next.isComplete ? 'COMPLETED' : 'PARTIALLY_COMPLETED';
    if (['FINISH', 'HOLD', 'CLOSE', 'AWAIT_EPOCH', 'CONCLUDE', 'PARK'].includes(next.do)) {
      this.hasJob = next.do === 'CONCLUDE' && !next.isComplete && next.again !== null;
    }
  }

  outside(next: NextStep, { retained }: ErasureState, dies: boolean): void {
    const done = (step: Step) => {
      this.memory.note = () => void Object.assign(step, { status: 'DONE' });
    };
    if (next.do === 'PLAN') {
      this.plans.set(next.pass, retained);
      const planned = this.plan(next.pass, retained);
      this.memory.note = () => {
        if (keptKey(this.retained) === keptKey(retained)) this.steps.push(...planned);
      };
    }
    if (next.do === 'PURGE') {
      this.copies = 0;
      done(next.step);
    }
    if (next.do === 'DESTROY_KEY') {
      const isLast = this.kind === 'CUSTOMER' || next.step.store === 'keys:client_key';
      const left = isLast ? 0 : Math.min(this.keys, 1);
      const isThere = this.keys > left;
      if (isThere) this.deleted.really = this.epoch;
      this.keys = left;
      if (dies) return;
      // Of a person the record says when. Otherwise the newest epoch is late enough.
      const known = this.kind === 'CUSTOMER' && !isThere ? this.deleted.recorded : null;
      const epoch = known ?? this.epoch;
      this.deleted.recorded = epoch;
      const { step } = next;
      this.memory.note = () => {
        this.deleted.noted = epoch;
        Object.assign(step, { status: 'DONE' });
      };
    }
    if (next.do === 'REOPEN') this.memory.certified = undefined;
    if (next.do === 'CERTIFY') {
      this.isCertified = true;
      this.memory.certified = `${this.pass} ${keptKey(retained)}`;
    }
  }

  plan(pass: number, retained: readonly Retained[]): Array<Step & { pass: number }> {
    const kept = new Set<DataCategory>(retained.map(({ category }) => category));
    const step = (store: string, action: Step['action'], of: DataCategory[] = []) => ({
      store,
      action,
      categories: of,
    });
    const tables = this.asked
      .filter((category) => this.kind === 'CLIENT' || !kept.has(category))
      .map((category) => step(tableOf[category], 'DELETE', [category]))
      .filter(({ categories: [category] }) => !category || !kept.has(category));
    const copies = step('copies', 'PURGE');
    const subjects = step('keys:subject_key', 'DESTROY_KEY');
    const steps =
      this.kind === 'CLIENT'
        ? [copies, ...tables, subjects, ...(kept.size === 0 ? [step('keys:client_key', 'DESTROY_KEY')] : [])]
        : [...tables, copies, ...(this.isWhole && kept.size === 0 ? [subjects] : [])];
    return steps.map((each, index) => ({
      ...{ ...each, pass, seq: pass * 1_000 + index, rows: 0 },
      ...{ status: 'PENDING' as const, finishedAt: null },
    }));
  }

  /** Only who is there can be held, and only what is there. */
  hold(category: Category): void {
    if (this.rows.CONTACT > 0 && this.rows[category] > 0) this.holds.add(category);
  }

  /** Whoever ends an epoch wakes what waited for it. */
  turnEpoch(): void {
    this.epoch++;
    if (this.status === 'AWAITING_EPOCH') this.hasJob = true;
  }

  /** Whoever ends a hold schedules what waited for it. */
  release(): void {
    if (this.holds.size > 0) this.hasJob = true;
    this.holds.clear();
  }

  cancel(): void {
    if (this.pass === 0 && (this.status === 'RECEIVED' || this.status === 'ON_HOLD')) this.status = 'CANCELLED';
  }
}

/** More by the environment, e.g. PROPERTY_RUNS=50000. */
const numRuns = Number(process.env.PROPERTY_RUNS ?? 2_000);

const deaths = ['DIE_BEFORE', 'DIE_WITHIN', 'DIE_AFTER'] as const;
const happenings = ['HOLD', 'HOLD_ALL', 'RELEASE', 'LATE_ROW', 'EPOCH'] as const;
type Event = 'TURN' | 'CANCEL' | (typeof deaths)[number] | (typeof happenings)[number];
const events = fc.array(fc.constantFrom<Event>('TURN', 'TURN', 'TURN', 'TURN', ...deaths, ...happenings), {
  maxLength: 40,
});
const worlds = fc
  .record({
    kind: fc.constantFrom('CUSTOMER' as const, 'CLIENT' as const),
    asked: fc.constantFrom<readonly Category[]>(categories, ['COMMERCE']),
    rows: fc.nat({ max: 7 }),
    hasEpochs: fc.boolean(),
  })
  .map(
    ({ kind, asked, rows, hasEpochs }) =>
      () =>
        new World(kind, kind === 'CLIENT' ? categories : asked, rows, hasEpochs),
  );

function happen(world: World, event: Event): void {
  if (event === 'TURN' && world.hasJob) world.turn();
  if (event === 'DIE_BEFORE' && world.hasJob) world.turn('BEFORE');
  if (event === 'DIE_WITHIN' && world.hasJob) world.turn('WITHIN');
  if (event === 'DIE_AFTER' && world.hasJob) world.turn('AFTER');
  if (event === 'HOLD') world.hold('COMMERCE');
  if (event === 'HOLD_ALL') for (const category of categories) world.hold(category);
  if (event === 'RELEASE') world.release();
  if (event === 'EPOCH') world.turnEpoch();
  if (event === 'LATE_ROW' && world.status !== 'COMPLETED' && !world.isForgotten) world.rows.COMMERCE++;
  if (event === 'CANCEL') world.cancel();
}

function runOut(world: World): void {
  for (let next: NextStep | undefined; next?.do !== 'FINISH'; ) {
    next = world.turn();
    if (next.do === 'AWAIT_EPOCH') world.turnEpoch();
  }
}

describe('what an erasure does next, of a person and of a client', () => {
  test('whatever comes between, it ends, and everything that was asked for is gone and certified', () => {
    fc.assert(
      fc.property(worlds, events, (make, happened) => {
        const world = make();
        for (const event of happened) happen(world, event);
        world.release();
        // Nothing that is open is forgotten.
        expect(world.hasJob || ['COMPLETED', 'AWAITING_EPOCH'].includes(world.status)).toBe(true);
        runOut(world);
        expect([world.status, world.isCertified, world.copies]).toEqual(['COMPLETED', true, 0]);
        if (world.isWhole) expect(world.keys).toBe(0);
      }),
      { numRuns },
    );
  });

  test('a process that dies at any point leaves the same end as one that does not', () => {
    const dying = fc.array(fc.constantFrom<Event>('TURN', ...deaths), { maxLength: 30 });
    fc.assert(
      fc.property(worlds, dying, (make, happened) => {
        const [undisturbed, world] = [make(), make()];
        runOut(undisturbed);
        for (const event of happened) happen(world, event);
        runOut(world);
        const endOf = ({ status, rows, keys, copies, pass, plans }: World) => [status, rows, keys, copies, pass, plans];
        expect(endOf(world)).toEqual(endOf(undisturbed));
        const done = ({ steps }: World) => steps.map(({ seq, store, action, status }) => [seq, store, action, status]);
        expect(done(world)).toEqual(done(undisturbed));
      }),
    );
  });

  test('cancelled before anything is destroyed, nothing ever is', () => {
    const before = fc.array(fc.constantFrom<Event>('HOLD_ALL', 'TURN'), { maxLength: 5 });
    fc.assert(
      fc.property(worlds, before, (make, happened) => {
        const world = make();
        for (const category of categories) world.hold(category);
        if (world.kind === 'CUSTOMER') for (const event of happened) happen(world, event);
        const { rows, keys } = structuredClone({ rows: world.rows, keys: world.keys });
        world.cancel();
        fc.pre(world.status === 'CANCELLED');
        world.release();
        runOut(world);
        expect([world.status, world.rows, world.keys, world.copies]).toEqual(['CANCELLED', rows, keys, 1]);
      }),
    );
  });

  test('it awaits the end of the epoch in which the key was deleted, forgets the person, and then certifies', () => {
    const world = new World('CUSTOMER', categories, 0, true);
    const seen: string[] = [];
    for (let next: NextStep | undefined; next?.do !== 'AWAIT_EPOCH'; seen.push(next.do)) next = world.turn();
    expect([world.status, world.isForgotten, world.isCertified, world.keys]).toEqual([
      'AWAITING_EPOCH',
      true,
      false,
      0,
    ]);
    expect(world.turn().do).toBe('AWAIT_EPOCH');
    world.turnEpoch();
    expect([world.turn().do, world.turn().do, world.status]).toEqual(['CERTIFY', 'CONCLUDE', 'COMPLETED']);
    expect(seen.at(-2)).toBe('DESTROY_KEY');
  });

  test('categories of a person are erased without a key, so that no epoch is awaited', () => {
    const world = new World('CUSTOMER', ['COMMERCE'], 3, true);
    for (let next: NextStep | undefined; next?.do !== 'FINISH'; ) {
      next = world.turn();
      expect(next.do).not.toBe('AWAIT_EPOCH');
    }
    expect(world.status).toBe('COMPLETED');
  });

  test('while a hold keeps everything of a person, nothing is touched', () => {
    const world = new World('CUSTOMER', categories, 3);
    for (const category of categories) world.hold(category);
    expect(world.turn()).toEqual({ do: 'HOLD', status: 'ON_HOLD', until: null });
    expect([world.rows, world.copies, world.keys]).toEqual([{ CONTACT: 1, COMMERCE: 3 }, 1, 1]);
  });

  test('it waits for its time, for an export, and for nothing once it has begun', () => {
    const waiting = new World('CLIENT', categories, 1).state();
    const request = { ...waiting.request, notBefore: 5 } as NonNullable<ErasureState['request']>;
    expect(decide({ ...waiting, request })).toEqual({ do: 'PARK', until: 5 });
    expect(decide({ ...waiting, request, awaits: 9 })).toEqual({ do: 'PARK', until: 9 });
    expect(decide({ ...waiting, request, awaits: 9, now: 9 })).toEqual({ do: 'PLAN', pass: 1 });
    const begun = { ...request, pass: 1, status: 'IN_PROGRESS' as const };
    expect(decide({ ...waiting, request: begun, awaits: 9 })).toEqual({ do: 'PLAN', pass: 1 });
  });

  test('who was erased by another request is done with', () => {
    const state = new World('CUSTOMER', categories, 1).state();
    const request = { ...state.request, customerId: null } as NonNullable<ErasureState['request']>;
    expect(decide({ ...state, request })).toEqual({ do: 'CLOSE' });
    expect(decide({ ...state, request: undefined })).toEqual({ do: 'FINISH' });
  });
});
