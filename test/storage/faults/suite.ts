import { openTestApp, type TestApp } from '../../support/app';
import type { TestDatabase } from '../../support/databases';
import { acts, nameOf } from './acts';
import type { Faults } from './faults';
import { type Rows, rowsOf } from './rows';
import { Sweep, type Trial, type Verdict } from './sweep';
import { World } from './world';

/** The table of the keys' store that mutations write to. What else is there makes up for itself. */
const isRecord = (name: string) => name === 'erasure_ledger';

/** `FAULTS=all` takes a quarter of an hour on a machine that has nothing else to do. */
const PATIENCE_MS = 4 * 3_600_000;

/** Draws so many trials of each mutation and kind of fault, other ones in each run. */
function drawn(every: readonly Trial[], share: string, seed: number): readonly Trial[] {
  const some = process.env.FAULTS_OF?.split(',');
  const trials = every.filter(({ mutation }) => !some || some.includes(nameOf(mutation)));
  if (share === 'all') return trials;
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
    Array.from({ length: Number(share) }, () => group[Math.floor(random() * group.length)] as Trial),
  );
}

/**
 * Acknowledged and there are the same, whichever statement of a mutation fails.
 * @param open an empty database, and what makes it fail; undefined where it is not installed
 * @param share trials of each mutation and kind of fault, or `all`; FAULTS says otherwise, FAULTS_SEED draws the same,
 *   FAULTS_OF names some mutations
 */
export function sweeping(
  name: string,
  open: () => Promise<{ database: TestDatabase; faults: Faults } | undefined>,
  share: string,
): void {
  let opened: { app: TestApp; world: World; faults: Faults; stored: { data: Rows; keys: Rows } } | undefined;
  let database: TestDatabase | undefined;

  beforeAll(async () => {
    const found = await open();
    if (!found) return;
    database = found.database;
    const { faults } = found;
    const stored = { data: await rowsOf(database.databaseUrl), keys: await rowsOf(database.keysDatabaseUrl, isRecord) };
    const app = await openTestApp({
      ...database,
      databaseUrl: faults.through(database.databaseUrl),
      keysDatabaseUrl: faults.through(database.keysDatabaseUrl),
    });
    opened = { app, faults, stored, world: await World.open(app) };
  });
  afterAll(async () => {
    await opened?.app.services.ledger.close();
    await opened?.app.close();
    await opened?.faults.close();
    await opened?.stored.data.close();
    await opened?.stored.keys.close();
    await database?.drop();
  });

  test('there is an act for every mutation', () => {
    if (opened) expect([...new Set(Object.keys(acts).map(nameOf))].sort()).toEqual(opened.world.mutations.sort());
  });

  test(
    'what was acknowledged is there, and what was not done is not',
    async () => {
      if (!opened) return;
      const seed = Number(process.env.FAULTS_SEED ?? Date.now() % 2 ** 31);
      const sweep = new Sweep(opened.world, opened.faults, opened.stored);
      const all = await sweep.trials();
      expect(sweep.unsaid()).toEqual([]);
      const verdicts: Verdict[] = [];
      for (const trial of drawn(all, process.env.FAULTS ?? share, seed)) {
        verdicts.push(await sweep.run(trial));
        if (verdicts.length % 500 === 0) console.info(`${name}: ${verdicts.length} trials of ${all.length} statements`);
      }
      const tally: Record<string, number> = {};
      for (const { kind, told } of verdicts) tally[`${kind} ${told}`] = (tally[`${kind} ${told}`] ?? 0) + 1;
      console.info(JSON.stringify({ database: name, seed, statements: all.length, tried: verdicts.length, tally }));
      const wrong = verdicts.filter((verdict) => verdict.faults.length > 0);
      expect(wrong.slice(0, 20)).toEqual([]);
      expect(wrong).toHaveLength(0);
    },
    PATIENCE_MS,
  );
}
