import { v7 as uuid } from 'uuid';
import { describeError } from '../../src/gateway/logging';
import type { ProcessingPurpose } from '../../src/governance/vocabulary';
import { Conversation, Message } from '../../src/subjects/related/conversation';
import { CustomAttribute } from '../../src/subjects/related/custom-attribute';
import { HealthRecord } from '../../src/subjects/related/health-record';
import { Order, OrderItem } from '../../src/subjects/related/order';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer, insertRows } from '../support/rows';
import { recordSql, type SqlLog } from '../support/sql-log';

const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
const canary = /canary/i;
const everything = `query ($filter: CustomerFilter) { customers(filter: $filter) { edges { cursor } pageInfo { endCursor } nodes {
  id firstName lastName email phone socialHandle ipAddress gender residency source externalId createdAt
  postalAddress { street city region postalCode country }
  orders { edges { cursor } nodes { id placedAt currency total status items { name quantity unitPrice } } }
  conversations { nodes { id channel subject messages { nodes { id sentAt direction body } } } }
  healthRecords { nodes { id recordedAt kind note } }
  attributes { key value } } } }`;

describe.each(databases)('pitfall 14: planted canaries on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let sql: SqlLog;
  let id: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    const client = (await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
    await app.services.clients.sign(client, { kind: 'HEALTH', version: '1' }, 'test');
    sql = recordSql(app.stores.regions.home);
    const keys = recordSql(app.stores.keysSource);
    const customerId = await insertCustomer(app, client, {
      firstName: 'First Canary',
      lastName: 'Canary Last',
      email: 'canary@example.org',
      phone: 'canary +44 20 7946 0958',
      socialHandle: '@canary',
      ipAddress: '203.0.113.77',
      gender: 'canary gender',
      externalId: 'bird-number-1',
      residency: 'GB',
      postalAddress: {
        street: 'Canary Wharf 1',
        city: 'Canary City',
        region: 'Canaries',
        postalCode: 'CANARY1',
        country: 'GB',
      },
    });
    id = customerId;
    const [orderId, conversationId] = [uuid(), uuid()];
    await insertRows(app, client, Order, [{ id: orderId, customerId, total: 7_777.77, externalId: 'canary-order' }]);
    await insertRows(app, client, OrderItem, [{ id: uuid(), customerId, orderId, name: 'Canary food', unitPrice: 1 }]);
    await insertRows(app, client, Conversation, [
      { id: conversationId, customerId, channel: 'EMAIL', subject: 'canary' },
    ]);
    await insertRows(app, client, Message, [{ id: uuid(), customerId, conversationId, body: 'My canary is ill' }]);
    await insertRows(app, client, HealthRecord, [{ id: uuid(), customerId, kind: 'canary', note: 'canary' }]);
    await insertRows(app, client, CustomAttribute, [{ id: uuid(), customerId, key: 'pet', value: 'canary' }]);
    // What is sealed went to the databases in no statement either.
    const sent = [...sql.take(), ...keys.take()];
    expect(sent.length).toBeGreaterThan(7);
    for (const { sql: text, parameters } of sent) expect(text + parameters.map(String).join()).not.toMatch(canary);
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  /** Everything that leaves the product on one request, beside the answer's data: errors, extensions, SQL, the log. */
  const leaks = async (purpose: ProcessingPurpose | undefined, document: string, variables = {}, asker = agent) => {
    sql.take();
    const before = app.internalErrors.length;
    const result = await app.ask(asker, purpose, document, variables);
    const logged = app.internalErrors.slice(before).map(describeError);
    const statements = sql.take().map(({ sql: text, parameters }) => text + parameters.map(String).join());
    const { data, ...rest } = result;
    return {
      data: JSON.stringify(data),
      beside: JSON.stringify([rest, logged, statements]),
      logged,
      errors: result.errors ?? [],
    };
  };

  test('SUPPORT reads them: the oracle sees what it looks for', async () => {
    const { data, beside } = await leaks('SUPPORT', everything);
    expect(data.match(/canary/gi)?.length).toBeGreaterThan(12);
    expect(beside).not.toMatch(canary);
  });

  test.each(['IMPROVEMENT', 'SECURITY'] as const)('%s reads none, nor the person’s id', async (purpose) => {
    for (const document of [
      everything,
      everything.replaceAll('(filter: $filter)', '').replace('query ($filter: CustomerFilter)', 'query'),
    ]) {
      const { data, beside, logged } = await leaks(purpose, document);
      expect(data + beside).not.toMatch(canary);
      expect(beside).not.toMatch(/203\.0\.113\.77|7777/);
      // SECURITY may single a person out.
      if (purpose === 'IMPROVEMENT') expect(data).not.toMatch(new RegExp(`${id}|bird-number`));
      expect(logged).toEqual([]);
    }
  });

  test.each(['IMPROVEMENT', 'SECURITY', undefined] as const)(
    'for %s nothing is written or looked up by them',
    async (purpose) => {
      const lookup = 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id } }';
      const values = {
        email: 'canary@example.org',
        externalId: 'bird-number-1',
        phone: '+44 20 7946 0958',
        socialHandle: 'canary',
      };
      for (const [kind, value] of Object.entries(values)) {
        const found = await leaks(purpose, lookup, { by: { [kind]: value } });
        expect(found.data + found.beside).not.toMatch(canary);
        const absent = await leaks(purpose, lookup, { by: { [kind]: value.replace(/canary|bird|7946/, 'absent1') } });
        // The answer does not tell whether the value exists (docs/pitfalls.md, 13).
        if (purpose === 'IMPROVEMENT') expect(found.data).toEqual(absent.data);
      }
      const update = 'mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } } }';
      const refused = await leaks(purpose, update, { input: { customerId: id, gender: 'another canary' } });
      expect(refused.beside).not.toMatch(canary);
      expect(refused.errors.length).toBeGreaterThan(0);
    },
  );

  test('a look-up sends a digest, not what is looked for', async () => {
    const lookup = 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id } }';
    const found = await leaks('SUPPORT', lookup, { by: { email: 'CANARY@example.org' } });
    expect(found.data).toContain(id);
    expect(found.beside).not.toMatch(canary);
  });

  test.each([
    ['an address', { ipAddress: 'canary' }],
    ['an email', { email: 'canary' }],
    ['a country', { residency: 'canary' }],
    ['a country of an address', { postalAddress: { country: 'canary' } }],
    ['a key', { attributes: [{ key: 'canary!', value: 'x' }] }],
    ['a key twice', { attributes: ['x', 'y'].map((value) => ({ key: 'canary', value })) }],
    ['a long value', { attributes: [{ key: 'x', value: 'canary'.repeat(2_000) }] }],
    ['a long name', { firstName: 'canary'.repeat(200) }],
    ['a list for a name', { firstName: ['canary'] }],
    ['a field that is none', { canary: 'canary' }],
    ['an external id that is taken', { externalId: 'bird-number-1' }],
  ])('%s that is refused is not repeated', async (_, fields) => {
    const document = 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }';
    const { beside, errors, data, logged } = await leaks('SERVICE_DELIVERY', document, { input: fields });
    expect(errors.map(({ extensions }) => extensions.code)).toEqual([
      expect.stringMatching(/^(BAD_USER_INPUT|CONFLICT)$/),
    ]);
    expect(beside).not.toMatch('canary' in fields ? /"canary"|canarycanary/ : /canary|bird-number/i);
    expect(data ?? 'null').not.toMatch(canary);
    expect(logged).toEqual([]);
  });

  test('two requests for one external id: one has it, the other is told so', async () => {
    const document =
      'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { externalId } } }';
    const racing = await Promise.all(
      [1, 2, 3].map(() => app.ask(agent, 'SUPPORT', document, { input: { externalId: 'race-canary' } })),
    );
    const codes = racing.map(({ errors }) => errors?.[0]?.extensions.code);
    expect(codes.sort()).toEqual(['CONFLICT', 'CONFLICT', undefined]);
    for (const { errors } of racing) expect(JSON.stringify(errors ?? [])).not.toMatch(canary);
  });

  test('a filter that is empty or names no country is refused, and does not let everybody through', async () => {
    for (const filter of [{ residency: '' }, { residency: 'Atlantis' }, { source: '' }]) {
      const { errors, data } = await leaks('SUPPORT', everything, { filter });
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
      expect(data).not.toMatch(canary);
    }
    expect((await leaks('SUPPORT', everything, { filter: { residency: null } })).data).toMatch(canary);
    expect((await leaks('SUPPORT', everything, { filter: { residency: 'FR' } })).data).not.toMatch(canary);
  });
});
