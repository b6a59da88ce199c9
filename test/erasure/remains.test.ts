import type { DataSource } from 'typeorm';
import { jobWorker } from '../../src/background';
import { remains } from '../../src/inventory/remains';
import { DAY_MS } from '../../src/law/calendar';
import { dialectOf } from '../../src/storage/dialect';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { live } from './life';
import { newClient } from './people';

/** Every value of every column, by `store:table.column`. */
type Values = ReadonlyMap<string, ReadonlySet<string>>;

/** Values that short say nothing of one person: states, codes, small numbers. */
const SHORTEST = 8;

const listed = new Set(
  remains.flatMap(({ store, table, columns }) => columns.map((one) => `${store}:${table}.${one}`)),
);

describe.each(databases)('what remains of an erased person on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database, {}, {}, { epoch: DAY_MS });
    client = await newClient(app.services, 'acme');
    const { parties, records } = app.services;
    await records.instruct({ client, principal: 'test' }, { purpose: 'LEGAL', reason: 'for the test' });
    const terms = { purposes: ['SUPPORT' as const], categories: ['CONTACT' as const], country: 'US', service: 's' };
    await parties.registerSubProcessor({ slug: 'mailer', name: 'mailer', ...terms }, 'test');
    const officer: Asker = { role: 'PLATFORM_PRIVACY_OFFICER' };
    const register = 'mutation ($input: RegisterWebhookInput!) { registerWebhook(input: $input) { endpoint { id } } }';
    const input = { subProcessor: 'mailer', url: 'http://127.0.0.1:9/remit' };
    expect((await app.ask(officer, 'LEGAL', register, { input })).errors).toBeUndefined();
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  async function values(): Promise<Values> {
    const found = new Map<string, Set<string>>();
    const stores: Array<readonly [string, DataSource]> = [
      ...app.stores.regions.named(),
      ['keys', app.stores.keysSource],
    ];
    for (const [store, source] of stores) {
      const columns = await source.query<Array<{ owner: string; name: string }>>(dialectOf(source).columns);
      for (const { owner, name } of columns) {
        const rows = await source.query<Array<{ v: unknown }>>(`SELECT \`${name}\` AS v FROM \`${owner}\``);
        const texts = rows.flatMap(({ v }) => (v === null ? [] : [Buffer.isBuffer(v) ? v.toString('latin1') : `${v}`]));
        found.set(`${store}:${owner}.${name}`, new Set(texts));
      }
    }
    return found;
  }

  async function erase(person: string): Promise<void> {
    const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
    await app.services.erasure.erasures.request(client, person, filing);
    await jobWorker(app.stores, app.services).drain();
    // It is final with the end of the epoch.
    await app.services.erasure.turning.turn();
    await jobWorker(app.stores, app.services).drain();
    const statuses = await app.services.erasure.erasures.list(client, {}, 100, undefined);
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set(['COMPLETED']));
  }

  test('is what the inventory says, in every table of both stores', async () => {
    // Whoever lives and goes first leaves the words that every life and erasure leaves.
    await erase(await live(app, client, 1));
    const before = new Set([...(await values()).values()].flatMap((all) => [...all]));
    const person = await live(app, client, 2);
    const during = await values();
    const theirs = new Map<string, string>();
    for (const [place, all] of during)
      for (const value of all) if (value.length >= SHORTEST && !before.has(value)) theirs.set(value, place);
    expect(theirs.has(person)).toBe(true);
    // Names, addresses, digests, ids, times.
    expect(theirs.size).toBeGreaterThan(100);

    await erase(person);
    const after = await values();

    const left = new Map<string, string>();
    for (const [place, all] of after) {
      if (listed.has(place)) continue;
      for (const value of all) for (const [one, from] of theirs) if (value.includes(one)) left.set(place, from);
    }
    expect(Object.fromEntries(left)).toEqual({});
    // Nowhere, be it listed or not.
    const everything = [...after].flatMap(([place, all]) => [...all].map((value) => ({ place, value })));
    for (const word of [person, 'moved-2@example.org', 'CANARY-first-2', 'pet-2'])
      expect(everything.filter(({ value }) => value.includes(word))).toEqual([]);
    // What the erasure itself has written stands where the list says.
    const added = [...after].flatMap(([place, all]) =>
      [...all].some((value) => value.length >= SHORTEST && !during.get(place)?.has(value)) ? [place] : [],
    );
    expect(added.filter((place) => !listed.has(place))).toEqual([]);
  }, 60_000);
});
