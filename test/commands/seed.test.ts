import { seed } from '../../src/commands/seed';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { openBorders } from '../support/open-borders';

const everything = `{ customers(first: 60) { nodes {
  externalId firstName lastName gender email phone residency source createdAt attributes { key value }
  postalAddress { street city region postalCode country }
  orders(first: 5) { nodes { placedAt currency total status items { name quantity unitPrice } } }
  conversations(first: 3) { nodes { channel subject messages(first: 5) { nodes { sentAt direction body } } } }
} } }`;
/** Sample people live there, and nothing here tells what law says of their data. */
const elsewhere = ['BR', 'CA', 'IN', 'JP', 'KR'];
const health = '{ customers(first: 500) { nodes { healthRecords(first: 5) { nodes { kind note } } } } }';
const withAgreement: Asker = { role: 'CLIENT_AGENT', client: 'sample-alpine-outfitters' };
const without: Asker = { role: 'CLIENT_AGENT', client: 'sample-harbour-cycles' };

describe.each(databases)('remit seed on $name', ({ create }) => {
  const opened: Array<{ database: TestDatabase; app: TestApp }> = [];

  const installation = async (): Promise<TestApp> => {
    const database = await create();
    const app = await openTestApp(database);
    opened.push({ database, app });
    return app;
  };
  afterEach(async () => {
    for (const { database, app } of opened.splice(0)) {
      expect(app.internalErrors).toEqual([]);
      await app.close();
      await database.drop();
    }
  });
  const people = async (app: TestApp, asker: Asker) => {
    await openBorders(app, asker.client ?? '', ...elsewhere);
    const result = await app.ask(asker, 'SUPPORT', everything);
    expect(result.errors).toBeUndefined();
    return (result.data as { customers: { nodes: Array<Record<string, unknown>> } }).customers.nodes;
  };

  test('makes the same people for the same arguments, of several countries, and none of them twice', async () => {
    const one = await installation();
    const other = await installation();
    const [first, second] = await seed(one.services, one.stores, { customers: 81, clients: 2 });
    expect([first, second]).toMatchObject([
      { slug: 'sample-alpine-outfitters', country: 'DE', registered: true, created: 41, existing: 0 },
      { slug: 'sample-harbour-cycles', country: 'US', registered: true, created: 40, existing: 0 },
    ]);
    await seed(other.services, other.stores, { customers: 20, clients: 2 });
    await seed(other.services, other.stores, { customers: 81, clients: 2 });
    const mine = await people(one, withAgreement);
    expect(mine).toHaveLength(41);
    expect(new Set(mine.map(({ email }) => email)).size).toBe(41);
    expect(new Set(mine.map(({ residency }) => residency)).size).toBeGreaterThan(4);
    expect(mine.some(({ orders }) => (orders as { nodes: unknown[] }).nodes.length > 0)).toBe(true);
    expect(await people(other, withAgreement)).toEqual(mine);
    expect(await people(one, without)).not.toEqual(mine);

    expect(await seed(one.services, one.stores, { customers: 81, clients: 2 })).toMatchObject([
      { registered: false, created: 0, existing: 41, orders: 0 },
      { registered: false, created: 0, existing: 40, orders: 0 },
    ]);
  });

  test('health records are read where the agreement is signed, and nowhere else', async () => {
    const app = await installation();
    const seeded = await seed(app.services, app.stores, { customers: 80, clients: 2 });
    expect(seeded.map(({ healthRecords }) => healthRecords > 0)).toEqual([true, true]);
    await openBorders(app, withAgreement.client ?? '', ...elsewhere);
    await openBorders(app, without.client ?? '', ...elsewhere);
    expect((await app.ask(withAgreement, 'SUPPORT', health)).errors).toBeUndefined();
    expect((await app.ask(without, 'SUPPORT', health)).errors).toMatchObject([
      { extensions: { code: 'AGREEMENT_REQUIRED' } },
    ]);
  });
});
