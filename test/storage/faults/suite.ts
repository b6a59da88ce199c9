import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { openTestApp } from '../../support/app';
import type { TestDatabase } from '../../support/databases';
import { acts, nameOf } from './acts';
import type { Faults } from './faults';
import { rowsOf } from './rows';
import { Sweep, type Trial, type Verdict } from './sweep';
import { World } from './world';

/** Where databases are made, and what makes them fail. */
export interface Ground {
  create(): Promise<TestDatabase>;
  faults(database: TestDatabase): Promise<Faults>;
  close(): Promise<void>;
}

/** The table of the keys' store that mutations write to. What else is there makes up for itself. */
const isRecord = (name: string) => name === 'erasure_ledger';

/** For every statement of one mutation, and for one of each. */
const PATIENCE_MS = 30 * 60_000;

const { FAULTS, FAULTS_OF, FAULTS_SEED, FAULTS_KEPT } = process.env;
const chosen = Object.keys(acts).filter((act) => !FAULTS_OF || FAULTS_OF.split(',').includes(nameOf(act)));

/** Draws so many trials of each mutation and kind of fault, other ones in each run. */
function drawn(trials: readonly Trial[], share: number, seed: number): readonly Trial[] {
  const groups = new Map<string, Trial[]>();
  for (const trial of trials) {
    const name = `${trial.mutation} ${trial.kind}`;
    groups.set(name, [...(groups.get(name) ?? []), trial]);
  }
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return [...groups.values()].flatMap((group) =>
    Array.from({ length: share }, () => group[Math.floor(random() * group.length)] as Trial),
  );
}

/** A database of its own with a sweep on it, while something is done with them. */
async function onStage<T>(ground: Ground, act: (sweep: Sweep, world: World) => Promise<T>): Promise<T> {
  const database = await ground.create();
  const faults = await ground.faults(database);
  const stored = { data: await rowsOf(database.databaseUrl), keys: await rowsOf(database.keysDatabaseUrl, isRecord) };
  const app = await openTestApp({
    ...database,
    databaseUrl: faults.through(database.databaseUrl),
    keysDatabaseUrl: faults.through(database.keysDatabaseUrl),
  });
  try {
    const world = await World.open(app);
    return await act(new Sweep(world, faults, stored), world);
  } finally {
    await app.services.ledger.close();
    await app.close();
    await faults.close();
    await stored.data.close();
    await stored.keys.close();
    await database.drop();
  }
}

/**
 * Acknowledged and there are the same, whichever statement of a mutation fails. One statement is drawn for each
 * mutation and kind of fault, other ones in each run; `FAULTS=3` draws three, and `FAULTS=all` takes every one.
 * FAULTS_SEED draws the same again, FAULTS_OF names some mutations. FAULTS_KEPT names a file that keeps which mutations
 * passed with every statement: they are left out when it is run again.
 *
 * @param open undefined where the database is not installed
 */
export function sweeping(name: string, open: () => Promise<Ground | undefined>): void {
  let ground: Ground | undefined;
  beforeAll(async () => {
    ground = await open();
  });
  afterAll(() => ground?.close());

  if (FAULTS === 'all') {
    test.each(chosen)('every statement of %s', (act) => everyStatement(act), PATIENCE_MS);
    return;
  }

  test(
    'what was acknowledged is there, and what was not done is not',
    async () => {
      if (!ground) return;
      const seed = Number(FAULTS_SEED ?? Date.now() % 2 ** 31);
      await onStage(ground, async (sweep, world) => {
        expect([...new Set(Object.keys(acts).map(nameOf))].sort()).toEqual(world.mutations.sort());
        const all: Trial[] = [];
        for (const act of chosen) all.push(...(await sweep.trials(act)));
        expect(sweep.unsaid()).toEqual([]);
        const verdicts: Verdict[] = [];
        for (const trial of drawn(all, Number(FAULTS ?? 1), seed)) verdicts.push(await sweep.run(trial));
        report(name, { seed, statements: all.length }, verdicts);
        expectNothingWrong(verdicts);
      });
    },
    PATIENCE_MS,
  );

  async function everyStatement(act: string): Promise<void> {
    if (!ground || isKept(name, act)) return;
    // On a database of its own: all rows are read for each trial, and they would be more with every mutation.
    await onStage(ground, async (sweep) => {
      const trials = await sweep.trials(act);
      expect(sweep.unsaid()).toEqual([]);
      const verdicts: Verdict[] = [];
      for (const trial of trials) verdicts.push(await sweep.run(trial));
      report(name, { act, number: chosen.indexOf(act) + 1, of: chosen.length }, verdicts);
      expectNothingWrong(verdicts);
    });
    if (FAULTS_KEPT) appendFileSync(FAULTS_KEPT, `${name}: ${act}\n`);
  }
}

const isKept = (name: string, act: string) =>
  FAULTS_KEPT !== undefined &&
  existsSync(FAULTS_KEPT) &&
  readFileSync(FAULTS_KEPT, 'utf8').split('\n').includes(`${name}: ${act}`);

function report(database: string, about: object, verdicts: readonly Verdict[]): void {
  const tally: Record<string, number> = {};
  for (const { kind, told } of verdicts) tally[`${kind} ${told}`] = (tally[`${kind} ${told}`] ?? 0) + 1;
  process.stderr.write(`${JSON.stringify({ database, ...about, tried: verdicts.length, tally })}\n`);
}

function expectNothingWrong(verdicts: readonly Verdict[]): void {
  const wrong = verdicts.filter((verdict) => verdict.faults.length > 0);
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(wrong).toHaveLength(0);
}
