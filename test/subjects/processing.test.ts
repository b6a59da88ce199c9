import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };

const object = `mutation ($id: ID!, $purposes: [ProcessingPurpose!]!) {
  objectToProcessing(input: { customerId: $id, purposes: $purposes }) { customer { objections } }
}`;
const withdraw = `mutation ($id: ID!, $purposes: [ProcessingPurpose!]!) {
  withdrawObjection(input: { customerId: $id, purposes: $purposes }) { customer { objections } }
}`;

describe.each(databases)('objections and automated decisions on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: string;
  let ada: string;
  let bob: string;

  beforeEach(async () => {
    database = await create();
    app = await openTestApp(database);
    ({ id: client } = await app.services.clients.register({ slug: 'acme', name: 'Acme', country: 'DE' }, 'test'));
    const person = (firstName: string) =>
      app.services.customers.create(client, { firstName, email: `${firstName}@example.org`, residency: 'DE' }, 'test');
    ada = await person('Ada');
    bob = await person('Bob');
  });
  afterEach(async () => {
    await app.close();
    await database.drop();
  });

  const nameOf = async (id: string, purpose: 'SUPPORT' | 'SERVICE_DELIVERY' | 'LEGAL') => {
    const result = await app.ask(officer, purpose, 'query ($id: ID!) { customer(id: $id) { firstName } }', { id });
    return {
      name: (result.data?.customer as { firstName: string | null } | null)?.firstName,
      rules: result.errors?.map(({ extensions: { code, rule } }) => `${code}: ${rule}`) ?? [],
    };
  };

  test('an objection withholds the person for its purpose alone, until it is withdrawn', async () => {
    const answer = await app.ask(officer, 'LEGAL', object, { id: ada, purposes: ['SUPPORT', 'IMPROVEMENT'] });
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toMatchObject({
      objectToProcessing: { customer: { objections: ['SUPPORT', 'IMPROVEMENT'] } },
    });
    expect(await nameOf(ada, 'SUPPORT')).toEqual({ name: null, rules: ['PROCESSING_RESTRICTED: GDPR Art. 21'] });
    expect(await nameOf(ada, 'SERVICE_DELIVERY')).toEqual({ name: 'Ada', rules: [] });
    expect(await nameOf(ada, 'LEGAL')).toEqual({ name: 'Ada', rules: [] });
    expect(await nameOf(bob, 'SUPPORT')).toEqual({ name: 'Bob', rules: [] });

    const back = await app.ask(officer, 'LEGAL', withdraw, { id: ada, purposes: ['SUPPORT'] });
    expect(back.data).toMatchObject({ withdrawObjection: { customer: { objections: ['IMPROVEMENT'] } } });
    expect(await nameOf(ada, 'SUPPORT')).toEqual({ name: 'Ada', rules: [] });
  });

  test('what an objection withholds is not written, and not told of by a filter', async () => {
    await app.ask(officer, 'LEGAL', object, { id: ada, purposes: ['SUPPORT'] });
    const write =
      'mutation ($id: ID!) { updateCustomer(input: { customerId: $id, firstName: "X" }) { customer { id } } }';
    const refused = await app.ask(agent, 'SUPPORT', write, { id: ada });
    const absent = await app.ask(agent, 'SUPPORT', write, { id: ada.replace(/^./, 'f') });
    expect(refused.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    expect(refused.errors?.map(({ message }) => message)).toEqual(absent.errors?.map(({ message }) => message));
    expect(await nameOf(ada, 'LEGAL')).toMatchObject({ name: 'Ada' });

    const list =
      '{ customers(first: 1, filter: { residency: "DE" }) { nodes { firstName } pageInfo { hasNextPage } } }';
    expect((await app.ask(agent, 'SUPPORT', list)).data).toEqual({
      customers: { nodes: [{ firstName: 'Bob' }], pageInfo: { hasNextPage: false } },
    });
  });

  test('attack S3: nobody takes back an objection that bars them', async () => {
    await app.ask(officer, 'LEGAL', object, { id: ada, purposes: ['SUPPORT'] });
    const absent = await app.ask(agent, 'SUPPORT', withdraw, { id: ada.replace(/^./, 'f'), purposes: ['SUPPORT'] });
    const tried = await app.ask(agent, 'SUPPORT', withdraw, { id: ada, purposes: ['SUPPORT'] });
    expect(tried.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    expect({ data: tried.data, errors: tried.errors }).toEqual({ data: absent.data, errors: absent.errors });
    expect(await nameOf(ada, 'SUPPORT')).toMatchObject({ name: null });
  });

  test('the last automated decision is the latest that was made, whenever it is recorded', async () => {
    const record = `mutation ($madeAt: DateTime!) {
      recordAutomatedDecision(input: { customerId: "${ada}", subject: "s", logic: "l", madeAt: $madeAt }) {
        customer { lastAutomatedDecisionAt }
      }
    }`;
    const last = async (madeAt: string) => {
      const { data } = await app.ask(agent, 'SUPPORT', record, { madeAt });
      return (data?.recordAutomatedDecision as { customer: { lastAutomatedDecisionAt: string } } | null)?.customer
        .lastAutomatedDecisionAt;
    };
    expect(await last('1960-01-01T00:00:00.000Z')).toBe('1960-01-01T00:00:00.000Z');
    const list = '{ customers(filter: { decidedAutomatically: true }) { nodes { firstName } } }';
    expect((await app.ask(agent, 'SUPPORT', list)).data).toEqual({ customers: { nodes: [{ firstName: 'Ada' }] } });
    expect(await last('2026-05-05T00:00:00.000Z')).toBe('2026-05-05T00:00:00.000Z');
    expect(await last('2020-01-01T00:00:00.000Z')).toBe('2026-05-05T00:00:00.000Z');
    const { errors } = await app.ask(agent, 'SUPPORT', record, { madeAt: '2999-01-01T00:00:00Z' });
    expect(errors?.[0]?.message).toBe('"madeAt" must not be in the future.');
  });

  test('records are found by objection, and by automated decision', async () => {
    await app.ask(officer, 'LEGAL', object, { id: ada, purposes: ['IMPROVEMENT'] });
    const input = { customerId: bob, subject: 'credit limit', logic: 'orders of the last year' };
    const record = `mutation ($input: RecordAutomatedDecisionInput!) {
      recordAutomatedDecision(input: $input) {
        customer { lastAutomatedDecisionAt automatedDecisions { nodes { subject logic } } }
      }
    }`;
    const recorded = await app.ask(agent, 'SUPPORT', record, { input });
    expect(recorded.errors).toBeUndefined();
    expect(recorded.data).toMatchObject({
      recordAutomatedDecision: {
        customer: {
          lastAutomatedDecisionAt: expect.anything(),
          automatedDecisions: { nodes: [{ subject: 'credit limit', logic: 'orders of the last year' }] },
        },
      },
    });
    const found = async (filter: string) => {
      const { data } = await app.ask(agent, 'SUPPORT', `{ customers(filter: { ${filter} }) { nodes { firstName } } }`);
      const customers = data?.customers as { nodes: Array<{ firstName: string }> };
      return customers.nodes.map(({ firstName }) => firstName);
    };
    expect(await found('objectsTo: IMPROVEMENT')).toEqual(['Ada']);
    expect(await found('objectsTo: SECURITY')).toEqual([]);
    expect(await found('decidedAutomatically: true')).toEqual(['Bob']);
    const blind = await app.ask(agent, 'IMPROVEMENT', '{ customers(filter: { objectsTo: SUPPORT }) { nodes { id } } }');
    expect(blind.errors?.map(({ extensions }) => extensions.code)).toContain('PURPOSE_NOT_PERMITTED');
  });

  test('claims and duties are not objected to; nothing is an objection to nothing', async () => {
    const legal = await app.ask(officer, 'LEGAL', object, { id: ada, purposes: ['LEGAL'] });
    expect(legal.errors?.[0]?.message).toBe(
      '"purposes" names LEGAL: claims and legal duties are not objected to (GDPR Art. 21(1)).',
    );
    const none = await app.ask(officer, 'LEGAL', object, { id: ada, purposes: [] });
    expect(none.errors?.[0]?.message).toBe('"purposes" must name at least one.');
  });

  test('an objection is on the ledger, by the person’s reference', async () => {
    await app.ask(officer, 'LEGAL', object, { id: ada, purposes: ['IMPROVEMENT'] });
    const query =
      '{ auditEntries(filter: { kind: "OBJECTIONS_SET" }) { nodes { kind subjects details { name value } } } }';
    const { data, errors } = await app.ask(officer, 'LEGAL', query);
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      auditEntries: {
        nodes: [{ subjects: [expect.any(String)], details: [{ name: 'objections', value: 'IMPROVEMENT' }] }],
      },
    });
  });
});
