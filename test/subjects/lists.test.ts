import { v7 as uuid } from 'uuid';
import { jobWorker } from '../../src/background';
import { Conversation, Message } from '../../src/subjects/related/conversation';
import { CustomAttribute } from '../../src/subjects/related/custom-attribute';
import { HealthRecord } from '../../src/subjects/related/health-record';
import { Order, OrderItem } from '../../src/subjects/related/order';
import type { Asker } from '../support/app';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer, insertRows } from '../support/rows';

const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
const strangers: readonly Asker[] = [
  { role: 'PARTNER', client: 'acme', subject: 'nobody-knows' },
  { role: 'PARTNER', client: 'acme', subject: 'not-installed' },
  { role: 'SUB_PROCESSOR', client: 'acme', subject: 'nobody-knows' },
  { role: 'PLATFORM_STAFF', client: 'acme' },
  { role: 'PLATFORM_PRIVACY_OFFICER', client: 'acme' },
  { role: 'AUDITOR', client: 'acme' },
];

const everything = `{ customers { nodes { __typename source attributes { key value }
  orders { pageInfo { hasNextPage } nodes { __typename items { __typename } } }
  conversations { nodes { __typename messages { nodes { __typename } } } } healthRecords { nodes { __typename } } } } }`;

interface Person {
  source: string | null;
  orders: object | null;
  conversations: object | null;
  healthRecords: object | null;
  attributes: ReadonlyArray<{ key: string | null }> | null;
}

describe.each(databases)('lists of people, and what hangs on them, on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;
  const ids: Record<'clear' | 'restricted' | 'french', string> = { clear: '', restricted: '', french: '' };

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    acme = (await app.services.clients.register({ slug: 'acme', name: 'Acme', country: 'DE' }, 'test')).id;
    for (const kind of ['MASTER', 'DPA', 'HEALTH'] as const)
      await app.services.clients.sign(acme, { kind, version: '1' }, 'test');
    const notice = { privacyNoticeVersion: '1', privacyNoticeText: 'What is done with it.' };
    const terms = { name: 'Not installed', publisher: 'P', country: 'DE', scopes: [], ...notice };
    await app.services.parties.registerApplication({ ...terms, slug: 'not-installed' }, 'test');
    for (const name of ['clear', 'restricted', 'french'] as const) {
      ids[name] = await person(name === 'french' ? 'FR' : 'DE');
    }
    await app.services.customers.setRestriction(acme, ids.restricted, 'OBJECTION', 'test');
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  async function person(residency: string): Promise<string> {
    const customerId = await insertCustomer(app, acme, { email: 'a@example.org', residency, source: 'oncology' });
    const [orderId, conversationId] = [uuid(), uuid()];
    await insertRows(app, acme, Order, [{ id: orderId, customerId, total: 9, currency: 'EUR' }]);
    await insertRows(app, acme, OrderItem, [{ id: uuid(), customerId, orderId, quantity: 1 }]);
    await insertRows(app, acme, Conversation, [{ id: conversationId, customerId, channel: 'CHAT' }]);
    await insertRows(app, acme, Message, [{ id: uuid(), customerId, conversationId, body: 'b' }]);
    await insertRows(app, acme, HealthRecord, [{ id: uuid(), customerId, kind: 'k' }]);
    await insertRows(app, acme, CustomAttribute, [{ id: uuid(), customerId, key: 'hiv_status', value: 'v' }]);
    return customerId;
  }

  const peopleIn = (data: unknown): Person[] => (data as { customers: { nodes: Person[] } }).customers.nodes;

  const ways: ReadonlyArray<[what: string, document: string, thirdParties: boolean]> = [
    ['the name of a list’s type', '{ customers { __typename } }', true],
    ['where a page ends', '{ customers { pageInfo { hasNextPage endCursor } } }', true],
    ['cursors', '{ customers { edges { cursor } } }', true],
    ['rows without a field', '{ customers { nodes { __typename } } }', true],
    ['counts of what hangs on them', '{ customers { nodes { orders { nodes { __typename } } } } }', true],
    ['keys', '{ customers { nodes { attributes { key } } } }', true],
    ['source', '{ customers { nodes { source } } }', false],
    ['one of an id', '{ customer(id: "x") { __typename } }', true],
    ['a look-up', '{ customerLookup(by: {email: "a@example.org"}) { __typename } }', true],
    ['all who share', '{ customersByIdentifier(by: {email: "a@example.org"}) { __typename } }', false],
    ['client users', '{ client { users { pageInfo { hasNextPage } } } }', false],
    ['whom an erasure is about', '{ erasureRequests { nodes { subject { __typename } } } }', false],
  ];

  test.each(ways)('attack S4: %s needs a purpose that was granted', async (_, document, thirdParties) => {
    for (const asker of [agent, ...strangers]) {
      if (!thirdParties && (asker.role === 'PARTNER' || asker.role === 'SUB_PROCESSOR')) continue;
      const unstated = await app.ask(asker, undefined, document);
      expect([unstated.data, unstated.errors?.map(({ extensions }) => extensions.code)]).toEqual([
        null,
        ['PURPOSE_REQUIRED'],
      ]);
    }
    for (const asker of [...strangers, { ...agent, purposes: [] }]) {
      if (!thirdParties && (asker.role === 'PARTNER' || asker.role === 'SUB_PROCESSOR')) continue;
      for (const purpose of ['SUPPORT', 'SECURITY', 'LEGAL'] as const) {
        const refused = await app.ask(asker, purpose, document);
        expect([refused.data, refused.errors?.map(({ extensions }) => extensions.code)]).toEqual([
          null,
          ['PURPOSE_NOT_GRANTED'],
        ]);
      }
    }
    expect((await app.ask(undefined, 'SUPPORT', document)).errors?.[0]?.extensions.code).toMatch(
      /UNAUTHENTICATED|GRAPHQL_VALIDATION_FAILED/,
    );
  });

  test('attack S4: writing names a purpose too, if nothing of a person is asked back', async () => {
    const document = 'mutation { createCustomer(input: {}) { __typename } }';
    const refused = await app.ask(agent, undefined, document);
    expect([refused.data, refused.errors?.[0]?.extensions.code]).toEqual([null, 'PURPOSE_REQUIRED']);
  });

  test.each([
    ['SECURITY', ['attributes', 'conversations', 'healthRecords', 'orders']],
    ['IMPROVEMENT', ['attributes', 'conversations', 'healthRecords']],
    ['SUPPORT', []],
  ] as const)(
    'attack S4: for %s nobody is told how many there are of what it may not read',
    async (purpose, withheld) => {
      const { data, errors = [] } = await app.ask(agent, purpose, everything);
      const [clear] = peopleIn(data);
      for (const field of ['attributes', 'conversations', 'healthRecords', 'orders'] as const) {
        if ((withheld as readonly string[]).includes(field)) expect(clear?.[field]).toBeNull();
        else expect(clear?.[field]).not.toBeNull();
      }
      // One error for each, however many people.
      const permitted = errors.filter(({ extensions }) => extensions.code === 'PURPOSE_NOT_PERMITTED');
      const lists = permitted.map(({ extensions }) => String(extensions.coordinate));
      expect(lists.filter((name) => name !== 'Customer.source').sort()).toEqual(withheld.map((f) => `Customer.${f}`));
      expect(clear?.source).toBe(purpose === 'IMPROVEMENT' ? null : 'oncology');
      expect(JSON.stringify(data)).not.toMatch(purpose === 'SUPPORT' ? /never/ : /hiv_status/);
    },
  );

  test('attack S4: neither lists nor source nor keys of a person who is restricted', async () => {
    const { data, errors = [] } = await app.ask(agent, 'SUPPORT', everything);
    const nothing = { source: null, attributes: null, orders: null, conversations: null, healthRecords: null };
    expect(peopleIn(data)[1]).toMatchObject(nothing);
    expect(peopleIn(data)[0]).not.toMatchObject(nothing);
    const of = (code: string) => errors.filter(({ extensions }) => extensions.code === code);
    expect(of('PROCESSING_RESTRICTED').map(({ extensions }) => [extensions.coordinate, extensions.rows])).toEqual(
      ['source', 'attributes', 'orders', 'conversations', 'healthRecords'].map((field) => [`Customer.${field}`, 1]),
    );
  });

  test('attack S4: nor of one whose data no lawful basis carries to the caller', async () => {
    const { data, errors = [] } = await app.ask({ ...agent, country: 'CN' }, 'SUPPORT', everything);
    for (const one of peopleIn(data)) {
      expect(one).toMatchObject({ source: null, attributes: null, orders: null, conversations: null });
    }
    const codes = new Set(errors.map(({ extensions }) => extensions.code));
    expect([...codes].sort()).toEqual(['PROCESSING_RESTRICTED', 'TRANSFER_NOT_AUTHORIZED']);
    const orders = errors.filter(({ extensions }) => extensions.coordinate === 'Customer.orders');
    expect(orders.map(({ extensions }) => [extensions.code, extensions.rows])).toEqual([
      ['TRANSFER_NOT_AUTHORIZED', 2],
      ['PROCESSING_RESTRICTED', 1],
    ]);
  });

  test('attack S4: whoever follows an erasure for the platform is not told how much there was of a person', async () => {
    const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
    const filed = await app.ask(
      admin,
      'LEGAL',
      'mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { request { id } } }',
      { input: { customerId: ids.restricted, grounds: 'OBJECTION' } },
    );
    expect(filed.errors).toBeUndefined();
    const { request } = (filed.data as { requestErasure: { request: { id: string } } }).requestErasure;
    const failures: unknown[] = [];
    await jobWorker(app.stores, app.services, { onFailure: (error) => failures.push(error) }).drain();
    expect(failures).toEqual([]);
    const document = '{ erasureRequests { nodes { id steps { store rows } } } }';
    const rowsFor = async (asker: Asker) => {
      const { data } = await app.ask(asker, undefined, document);
      const nodes = (
        data as { erasureRequests: { nodes: Array<{ id: string; steps: Array<{ rows: number | null }> }> } }
      ).erasureRequests.nodes;
      return nodes.find(({ id }) => id === request.id)?.steps.map(({ rows }) => rows) ?? [];
    };
    expect((await rowsFor(admin)).some((rows) => rows !== null && rows > 0)).toBe(true);
    for (const role of ['PLATFORM_STAFF', 'PLATFORM_PRIVACY_OFFICER', 'AUDITOR'] as const) {
      expect(new Set(await rowsFor({ role, client: 'acme' }))).toEqual(new Set([null]));
    }
  });

  test('attack S4: a grant’s categories decide on what hangs on a person', async () => {
    const terms = { purpose: 'SUPPORT', categories: ['COMMERCE'], reason: 'a refund' } as const;
    await app.services.records.instruct({ client: acme, principal: 'test' }, terms);
    const staff: Asker = { role: 'PLATFORM_STAFF', client: 'acme' };
    const { data, errors = [] } = await app.ask(staff, 'SUPPORT', everything);
    expect(peopleIn(data)[0]).toMatchObject({ source: null, attributes: null, conversations: null });
    expect(peopleIn(data)[0]?.orders).not.toBeNull();
    const lists = errors.filter(({ extensions }) => extensions.code === 'PURPOSE_NOT_GRANTED');
    expect(lists.map(({ extensions }) => extensions.coordinate)).toContain('Customer.conversations');
  });
});
