import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';
import { newClient, plantPeople } from './people';

const DAY = 86_400_000;

describe.each(databases)('the retention sweep on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;
  let tidy: string;
  let old: readonly string[];
  const failures: unknown[] = [];

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    [acme, tidy] = [await newClient(app.services, 'acme'), await newClient(app.services, 'tidy')];
    const now = Date.now();
    const numbers = (from: number, count: number) => Array.from({ length: count }, (_, number) => from + number);
    const of = async (client: string, people: number[], days: number) =>
      (await plantPeople(app.stores, client, people, { createdAt: new Date(now - days * DAY) })).map(({ id }) => id);
    old = [...(await of(acme, numbers(0, 2), 90)), ...(await of(acme, numbers(2, 3), 80))];
    await of(acme, numbers(10, 5), 20);
    await of(tidy, numbers(20, 2), 90);
    for (const client of [acme, tidy])
      await app.services.erasure.retention.set({ client, principal: 'admin' }, 'CORRESPONDENCE', 30);
  });
  afterAll(async () => {
    expect(failures).toEqual([]);
    await app.close();
    await database.drop();
  });

  const part = (place: string | undefined, limit: number) =>
    app.services.erasure.retention.sweepFrom(place, (error) => failures.push(error), limit);
  const requested = async (client: string) => {
    const rows = await app.stores.regions.home.query<Array<{ id: string }>>(
      'SELECT customer_id AS id FROM erasure_request WHERE client_id = ?',
      [client],
    );
    return rows.map(({ id }) => id).sort();
  };

  /** The looks at people, each with what it read. */
  const looks = (sql: ReturnType<typeof recordSql>) =>
    sql.take().filter((one) => /^\s*SELECT id, created_at/.test(one.sql));

  test('looks at those alone whose term can have come, by an index', async () => {
    const source = app.stores.regions.home;
    const sql = recordSql(source);
    const later = { client: acme, principal: 'admin' };
    // Nobody's term of a thousand days can have come.
    await app.services.erasure.retention.set(later, 'CORRESPONDENCE', 1_000);
    sql.take();
    await part(undefined, 1);
    const [first] = looks(sql);
    const asked = async (one: typeof first) => source.query<unknown[]>(one?.sql ?? '', [...(one?.parameters ?? [])]);
    expect(await asked(first)).toEqual([]);
    const plan = await asked(
      first && { ...first, sql: `${name === 'SQLite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN'} ${first.sql}` },
    );
    expect(JSON.stringify(plan)).toContain('customer_by_age');
    expect(await requested(acme)).toEqual([]);
    await app.services.erasure.retention.set(later, 'CORRESPONDENCE', 30);
    sql.take();
    await app.services.erasure.retention.sweepFrom(undefined, (error) => failures.push(error), 5);
    const [again] = looks(sql);
    expect(await asked(again)).toHaveLength(old.length);
  });

  test('goes on where its last part ended, whichever process did it, through all rules', async () => {
    await app.stores.regions.home.query('DELETE FROM erasure_request');
    await app.stores.regions.home.query('DELETE FROM job');
    const done: Array<readonly [filed: number, ofAcme: number, ofTidy: number]> = [];
    let place: string | undefined;
    do {
      const step = await part(place, 3);
      place = step.place;
      expect((place ?? '').length).toBeLessThan(300);
      done.push([step.filed, (await requested(acme)).length, (await requested(tidy)).length]);
    } while (place !== undefined);
    // Two and three of acme's were made at one moment each.
    expect(done).toEqual([
      [3, 3, 0],
      [3, 5, 1],
      [1, 5, 2],
    ]);
    expect(await requested(acme)).toEqual([...old].sort());
    expect(await app.services.erasure.retention.sweep((error) => failures.push(error))).toBe(0);
  });
});
