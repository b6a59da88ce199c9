import { KeyStore } from '../../src/keys/key-store';
import { RegionalKeyStore } from '../../src/keys/regional-key-store';
import { DAY_MS } from '../../src/law/calendar';
import { workerAt } from '../erasure/work';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

/** What of the store's face is not about one client. */
const OF_NO_CLIENT = ['constructor', 'epochs'];

test('the face of several stores answers every call itself', () => {
  const own = Object.getOwnPropertyNames(RegionalKeyStore.prototype);
  const all = Object.getOwnPropertyNames(KeyStore.prototype).filter((name) => !OF_NO_CLIENT.includes(name));
  expect(all.filter((name) => !own.includes(name))).toEqual([]);
});

describe.each(databases)('keys of regions on $name', ({ create }) => {
  let stores: TestDatabase[];
  let app: TestApp;
  const clients = new Map<string, string>();

  beforeAll(async () => {
    stores = [await create(), await create(), await create()];
    const [home, eu, us] = stores as [TestDatabase, TestDatabase, TestDatabase];
    app = await openTestApp(
      home,
      { EU: eu.databaseUrl, US: us.databaseUrl },
      { EU: eu.keysDatabaseUrl, US: us.keysDatabaseUrl },
    );
    for (const region of ['EU', 'US', undefined] as const) {
      const slug = `client-${region ?? 'free'}`.toLowerCase();
      const input = { slug, name: slug, ...(region ? { hostingRegion: region } : {}) };
      const { id } = await app.services.clients.register(input, 'test');
      clients.set(region ?? 'home', id);
    }
  });

  afterAll(async () => {
    await app.services.ledger.close();
    await app.close();
    for (const store of stores) await store.drop();
  });

  const idOf = (region: string) => clients.get(region) ?? '';
  const add = async (client: string, email: string) => {
    const officer = { role: 'CLIENT_ADMIN', client } as const;
    const answer = await app.ask(
      officer,
      'SERVICE_DELIVERY',
      'mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id email } } }',
      { input: { email, residency: 'DE', firstName: 'Ada' } },
    );
    expect(answer.errors).toBeUndefined();
    return (answer.data as { createCustomer: { customer: { id: string; email: string } } }).createCustomer.customer;
  };

  /** Every cell of every table of a store, as one text. */
  const contentOf = async (place: string): Promise<string> => {
    const { source } = app.stores.keyStores.all().find(({ name }) => name === place) ?? app.stores.keyStores.home;
    const rows = [];
    for (const { tableName } of source.entityMetadatas) rows.push(await source.query(`SELECT * FROM ${tableName}`));
    return JSON.stringify(rows, (_, value) => (value?.type === 'Buffer' ? Buffer.from(value.data).toString() : value));
  };

  test('T1: nothing of a client of the EU is in another keys’ store', async () => {
    const people = new Map<string, string>();
    for (const [region, client] of clients) {
      const { id } = await add(client, `ada@${region}.example`);
      people.set(region, id);
    }
    for (const [region, client] of clients) {
      const by = { principal: 'test', role: 'CLIENT_PRIVACY_OFFICER', grounds: 'CONSENT_WITHDRAWN' } as const;
      await app.services.erasure.erasures.request(client, people.get(region) ?? '', by);
      people.set(region, (await add(client, `grace@${region}.example`)).id);
    }
    while ((await workerAt(app, Date.now() + DAY_MS).round(new AbortController().signal)) > 0);
    const places = { EU: 'keys EU', US: 'keys US', home: 'keys' };
    const counts = async (place: string, table: string) => {
      const { source } = app.stores.keyStores.all().find(({ name }) => name === place) ?? app.stores.keyStores.home;
      return Number((await source.query(`SELECT COUNT(*) AS n FROM ${table}`))[0].n);
    };
    for (const [region, place] of Object.entries(places)) {
      for (const table of ['subject_key', 'erasure_ledger', 'erasure_tombstone']) {
        expect({ place, table, rows: (await counts(place, table)) > 0 }).toEqual({ place, table, rows: true });
      }
      const content = await contentOf(place);
      for (const [other, client] of clients) {
        expect({ place, other, there: content.includes(client) }).toEqual({ place, other, there: other === region });
        expect(content.includes(people.get(other) ?? '')).toBe(other === region);
      }
    }
  });

  test('what is sealed there is read back, also by another process', async () => {
    const other = await app.replica();
    try {
      for (const client of clients.values()) {
        const { errors, data } = await other.ask(
          { role: 'CLIENT_ADMIN', client },
          'SERVICE_DELIVERY',
          '{ customers(first: 10) { nodes { email } } }',
        );
        expect(errors).toBeUndefined();
        const { nodes } = (data as { customers: { nodes: Array<{ email: string | null }> } }).customers;
        expect(nodes.map(({ email }) => email?.split('@')[0])).toContain('grace');
      }
      await other.services.ledger.close();
    } finally {
      await other.close();
    }
  });

  test('where the region’s store is away, its keys are not made or looked for elsewhere', async () => {
    const replica = await app.replica();
    const { keys, keyStores } = replica.stores;
    await keyStores.at('EU').source.destroy();
    await expect(keys.derivedKey(idOf('EU'), 'cursor')).rejects.toThrow();
    await expect(keys.createSubjectKeys(idOf('EU'), ['somebody'])).rejects.toThrow();
    await expect(keys.createClientKey('another', 'EU')).rejects.toThrow();
    expect(await keys.derivedKey(idOf('US'), 'cursor')).toHaveLength(32);
    expect(await contentOf('keys')).not.toContain('another');
    await replica.services.ledger.close();
    await keyStores.at('EU').source.initialize();
    await replica.close();
  });

  test('settings that would lose a region’s keys are refused', async () => {
    await expect(app.replica({ regionalKeys: {} })).rejects.toThrow(/KEYS_DATABASE_URL_EU: must be set/);
  });
});
