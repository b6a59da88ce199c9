import { type Asker, openTestApp, type TestApp } from '../support/app';
import type { TestDatabase } from '../support/databases';
import { databases } from '../support/databases';

const everything = `query ($id: ID!) { customer(id: $id) {
  id firstName lastName email phone socialHandle ipAddress gender residency source externalId createdAt
  postalAddress { street city region postalCode country } attributes { key value }
} }`;
const ada = {
  firstName: 'Ada',
  lastName: 'Lovelace',
  email: 'ada@example.org',
  phone: '+44 20 7946 0958',
  socialHandle: '@ada',
  ipAddress: '203.0.113.77',
  gender: 'female',
  residency: 'GB',
  externalId: 'A-1',
  source: 'website',
  postalAddress: {
    street: '12 St James’s Square',
    city: 'London',
    region: 'England',
    postalCode: 'SW1Y 4JH',
    country: 'GB',
  },
  attributes: [{ key: 'plan', value: 'gold' }],
};

describe.each(databases)('customers on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let id: string;
  const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
  const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    for (const slug of ['acme', 'globex']) await app.services.clients.register({ slug, name: slug }, 'test');
    const created = await app.ask(
      agent,
      'SUPPORT',
      'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }',
      {
        input: { ...ada, ipAddress: undefined },
      },
    );
    expect(created.errors).toBeUndefined();
    id = (created.data as { createCustomer: { customer: { id: string } } }).createCustomer.customer.id;
    const updated = await app.ask(
      agent,
      'SERVICE_DELIVERY',
      'mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { ipAddress } } }',
      {
        input: { customerId: id, ipAddress: ada.ipAddress },
      },
    );
    expect(updated).toMatchObject({ data: { updateCustomer: { customer: { ipAddress: ada.ipAddress } } } });
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  test('SERVICE_DELIVERY reads everything in the clear', async () => {
    const result = await app.ask(agent, 'SERVICE_DELIVERY', everything, { id });
    expect(result.errors).toBeUndefined();
    expect(result.data?.customer).toEqual({ ...ada, id, createdAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/) });
  });

  test('IMPROVEMENT reads nothing that names or reaches the person', async () => {
    const list = `{ customers { nodes { id firstName lastName email phone ipAddress residency createdAt
      postalAddress { street city postalCode country } } } }`;
    const result = await app.ask(agent, 'IMPROVEMENT', list);
    const text = JSON.stringify(result);
    for (const secret of ['Ada', 'Lovelace', 'ada@example.org', '0958', '203.0.113.77', 'James', 'London', '4JH', id]) {
      expect(text).not.toContain(secret);
    }
    expect(result.data).toMatchObject({
      customers: {
        nodes: [
          {
            id: expect.stringMatching(/^p_/),
            firstName: null,
            email: expect.stringMatching(/^p_/),
            ipAddress: '203.0.113.0/24',
            residency: 'GB',
            postalAddress: { street: null, city: null, postalCode: 'SW1', country: 'GB' },
          },
        ],
      },
    });
    expect(result.errors?.map((error) => error.extensions.coordinate).sort()).toEqual([
      'Customer.firstName',
      'Customer.lastName',
      'PostalAddress.city',
      'PostalAddress.street',
    ]);
  });

  test('a pseudonymous id looks nothing up', async () => {
    const result = await app.ask(agent, 'IMPROVEMENT', '{ customers { nodes { id } } }');
    const [{ id: pseudonym }] = (result.data as { customers: { nodes: [{ id: string }] } }).customers.nodes;
    const clear = await app.ask(agent, 'SUPPORT', 'query ($id: ID!) { customer(id: $id) { id } }', { id: pseudonym });
    expect(clear).toMatchObject({ data: { customer: null } });
    const real = await app.ask(agent, 'IMPROVEMENT', 'query ($id: ID!) { customer(id: $id) { residency } }', { id });
    expect(real).toMatchObject({
      data: { customer: null },
      errors: [{ extensions: { code: 'PURPOSE_NOT_PERMITTED', coordinate: 'Customer.id' } }],
    });
  });

  test.each([
    ['email', ' ADA@example.org '.trim()],
    ['phone', '0044 2079460958'],
    ['socialHandle', 'ADA'],
    ['externalId', 'A-1'],
  ])('is found by %s', async (kind, value) => {
    const document = 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id } }';
    expect(await app.ask(agent, 'SUPPORT', document, { by: { [kind]: value } })).toMatchObject({
      data: { customerLookup: { id } },
    });
    const improving = await app.ask(agent, 'IMPROVEMENT', document, { by: { [kind]: value } });
    expect(improving).toMatchObject({
      data: { customerLookup: null },
      errors: [{ extensions: { code: 'PURPOSE_NOT_PERMITTED' } }],
    });
  });

  test('does not exist for another client', async () => {
    const stranger: Asker = { role: 'CLIENT_ADMIN', client: 'globex' };
    const other = await app.ask(stranger, 'SUPPORT', everything, { id });
    const absent = await app.ask(stranger, 'SUPPORT', everything, { id: '00000000-0000-7000-8000-000000000000' });
    expect(other).toEqual(absent);
    expect(other.data).toEqual({ customer: null });
    expect(await app.ask(stranger, 'SUPPORT', '{ customers { nodes { id } } }')).toMatchObject({
      data: { customers: { nodes: [] } },
    });
    const write = await app.ask(
      stranger,
      'SUPPORT',
      'mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } } }',
      {
        input: { customerId: id, firstName: 'Eve' },
      },
    );
    expect(write).toMatchObject({ data: { updateCustomer: null }, errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  });

  test('restricted, is read for LEGAL alone, and by pseudonym in a list', async () => {
    const set = (field: string, input: object) =>
      app.ask(
        admin,
        'LEGAL',
        `mutation ($input: ${field[0]?.toUpperCase()}${field.slice(1)}Input!) { ${field}(input: $input) { customer { id } } }`,
        { input },
      );
    expect((await set('restrictProcessing', { customerId: id, ground: 'OBJECTION' })).errors).toBeUndefined();
    const support = await app.ask(agent, 'SUPPORT', '{ customers { nodes { id lastName orders { nodes { id } } } } }');
    expect(support).toMatchObject({
      data: { customers: { nodes: [{ id: expect.stringMatching(/^p_/), lastName: null, orders: null }] } },
      errors: ['Customer.id', 'Customer.lastName', 'Customer.orders'].map((coordinate) => ({
        extensions: { code: 'PROCESSING_RESTRICTED', coordinate, rows: 1 },
      })),
    });
    expect(await app.ask(admin, 'LEGAL', everything, { id })).toMatchObject({
      data: { customer: { lastName: 'Lovelace' } },
    });
    expect((await set('liftRestriction', { customerId: id })).errors).toBeUndefined();
    expect(await app.ask(agent, 'SUPPORT', everything, { id })).toMatchObject({
      data: { customer: { lastName: 'Lovelace' } },
    });
  });

  test('what is not read in the clear is not written', async () => {
    const result = await app.ask(
      agent,
      'SECURITY',
      'mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } } }',
      {
        input: { customerId: id, email: 'mallory@example.org' },
      },
    );
    expect(result).toMatchObject({
      data: { updateCustomer: null },
      errors: [{ extensions: { code: 'PURPOSE_NOT_PERMITTED', coordinate: 'Customer.email' } }],
    });
    expect(await app.ask(agent, 'SUPPORT', everything, { id })).toMatchObject({
      data: { customer: { email: 'ada@example.org' } },
    });
  });
});
