import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { acts } from './faults/acts';
import { embeddedFaults } from './faults/embedded-faults';
import type { Faults } from './faults/faults';
import { type Rows, rowsOf } from './faults/rows';
import { serverFaults } from './faults/server-faults';
import { Sweep, type Trial, type Verdict } from './faults/sweep';
import { World } from './faults/world';

/** `all` for every statement. Otherwise this many trials are drawn of each mutation and kind of fault. */
const share = process.env.FAULTS ?? '1';

/** Draws trials, other ones in each run; the seed is said. */
function drawn(trials: readonly Trial[], seed: number): readonly Trial[] {
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

/** Acknowledged and there are the same, whichever statement of a mutation fails. */
describe.each(databases)('faults at every statement, on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let world: World;
  let faults: Faults;
  let stored: { data: Rows; keys: Rows };

  beforeAll(async () => {
    database = await create();
    faults = name === 'SQLite' ? embeddedFaults() : await serverFaults(database.databaseUrl);
    stored = { data: await rowsOf(database.databaseUrl), keys: await rowsOf(database.keysDatabaseUrl) };
    app = await openTestApp({
      ...database,
      databaseUrl: faults.through(database.databaseUrl),
      keysDatabaseUrl: faults.through(database.keysDatabaseUrl),
    });
    world = await World.open(app);
  });
  afterAll(async () => {
    await app.services.ledger.close();
    await app.close();
    await faults.close();
    await stored.data.close();
    await stored.keys.close();
    await database.drop();
  });

  test('there is an act for every mutation', () => {
    expect(Object.keys(acts).sort()).toEqual(world.mutations.sort());
  });

  test('what was acknowledged is there, and what was not done is not', async () => {
    const seed = Number(process.env.FAULTS_SEED ?? Date.now() % 2 ** 31);
    const sweep = new Sweep(world, faults, stored);
    const all = await sweep.trials();
    const verdicts: Verdict[] = [];
    for (const trial of drawn(all, seed)) verdicts.push(await sweep.run(trial));
    const tally: Record<string, number> = {};
    for (const { kind, told } of verdicts) tally[`${kind} ${told}`] = (tally[`${kind} ${told}`] ?? 0) + 1;
    console.info(JSON.stringify({ database: name, seed, statements: all.length, tried: verdicts.length, tally }));
    const wrong = verdicts.filter((verdict) => verdict.faults.length > 0);
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(wrong).toHaveLength(0);
  }, 1_800_000);
});
