import type { ProcessingPurpose } from '../../src/governance/vocabulary';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer } from '../support/rows';

const documents = {
  createCustomer: 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id email } } }',
  updateCustomer: 'mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id email } } }',
  restrictProcessing:
    'mutation ($input: RestrictProcessingInput!) { restrictProcessing(input: $input) { customer { id } } }',
  liftRestriction: 'mutation ($input: LiftRestrictionInput!) { liftRestriction(input: $input) { customer { id } } }',
  requestErasure: 'mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { request { id status } } }',
  requestErasures: 'mutation ($input: RequestErasuresInput!) { requestErasures(input: $input) { requested } }',
  cancelErasure: 'mutation ($input: CancelErasureInput!) { cancelErasure(input: $input) { request { id } } }',
  placeLegalHold: 'mutation ($input: PlaceLegalHoldInput!) { placeLegalHold(input: $input) { hold { id } } }',
  releaseLegalHold: 'mutation ($input: ReleaseLegalHoldInput!) { releaseLegalHold(input: $input) { hold { id } } }',
} as const;
const absent = '01900000-0000-7000-8000-000000000000';

/** "A write reads": whoever may not read a person may neither write them nor learn from trying that they exist. */
describe.each(databases)('writes on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;
  let number = 0;
  const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
  const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
  const abroad = (asker: Asker, country = 'CN'): Asker => ({ ...asker, country });

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    acme = (await app.services.clients.register({ slug: 'acme', name: 'acme' }, 'test')).id;
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const write = (asker: Asker, field: keyof typeof documents, input: object, purpose: ProcessingPurpose = 'SUPPORT') =>
    app.ask(asker, purpose, documents[field], { input });
  const plant = async (residency: string | null = 'FR', more: object = {}) => {
    const name = `person-${++number}`;
    const id = await insertCustomer(app, acme, {
      residency,
      firstName: name,
      email: `${name}@example.org`,
      externalId: name,
      ...more,
    });
    return { id, name };
  };
  const read = async (id: string) =>
    (await app.ask({ ...admin, country: 'FR' }, 'LEGAL', 'query ($id: ID!) { customer(id: $id) { email residency } }', {
      id,
    })) as { data: { customer: { email: string; residency: string } } };
  const notFound = { errors: [{ extensions: { code: 'NOT_FOUND' } }] };
  const entries = (kind: string) => app.services.auditReader.entries(acme, { kind }, 100, undefined);

  test.each([
    ['CLIENT_AGENT', 'CN'],
    ['CLIENT_AGENT', 'IN'],
    ['CLIENT_APP', 'CN'],
    ['CLIENT_APP', 'US'],
    ['CLIENT_ADMIN', 'CN'],
    ['CLIENT_ADMIN', 'IN'],
  ] as const)('attack S2: %s in %s opens nobody by rewriting the residency', async (role, country) => {
    const { id, name } = await plant();
    const caller: Asker = { role, client: 'acme', country };
    const tried = await write(caller, 'updateCustomer', { customerId: id, residency: country });
    expect(tried).toMatchObject({ data: { updateCustomer: null }, ...notFound });
    expect(tried).toEqual({ ...(await write(caller, 'updateCustomer', { customerId: absent, residency: country })) });
    expect(await read(id)).toMatchObject({ data: { customer: { residency: 'FR', email: `${name}@example.org` } } });
  });

  test('attack S2: nobody opens a person of no known residency, and nobody loses one', async () => {
    const unknown = await plant(null);
    const opened = { customerId: unknown.id, residency: 'CN' };
    expect(await write(abroad(agent), 'updateCustomer', opened)).toMatchObject(notFound);
    const near = await plant('CN');
    expect(await write(abroad(agent), 'updateCustomer', { customerId: near.id, residency: null })).toMatchObject({
      errors: [{ extensions: { code: 'TRANSFER_NOT_AUTHORIZED' } }],
    });
    const { id } = await plant('FR');
    for (const residency of ['RU', 'VN']) {
      expect(await write(agent, 'updateCustomer', { customerId: id, residency })).toMatchObject({
        errors: [{ extensions: { code: 'TRANSFER_NOT_AUTHORIZED' } }],
      });
    }
    expect((await write(agent, 'updateCustomer', { customerId: id, residency: 'DE' })).errors).toBeUndefined();
    expect(await read(id)).toMatchObject({ data: { customer: { residency: 'DE' } } });
  });

  test('attack S2: what is written of somebody new can be read again, or is refused', async () => {
    for (const [caller, residency] of [
      [abroad(agent), 'FR'],
      [agent, 'RU'],
      [abroad(agent), undefined],
      [{ ...agent, country: null }, 'FR'],
    ] as const) {
      const before = await app.services.customers.reads.list(acme, {}, 500, undefined, new Set());
      expect(await write(caller, 'createCustomer', { firstName: 'A', residency })).toMatchObject({
        data: { createCustomer: null },
        errors: [{ extensions: { code: 'TRANSFER_NOT_AUTHORIZED', rule: expect.any(String) } }],
      });
      expect(await app.services.customers.reads.list(acme, {}, 500, undefined, new Set())).toHaveLength(before.length);
    }
    const mail = { email: 'b@example.org', residency: 'CN' };
    expect(await write(abroad(agent), 'createCustomer', mail)).toMatchObject({
      data: { createCustomer: { customer: { email: 'b@example.org' } } },
    });
  });

  test('attack S3: a restricted person is not overwritten but for LEGAL, and is not told from nobody', async () => {
    const { id, name } = await plant();
    const restricted = await write(admin, 'restrictProcessing', { customerId: id, ground: 'OBJECTION' }, 'LEGAL');
    expect(restricted.errors).toBeUndefined();
    for (const change of [{ email: 'attacker@example.org' }, { attributes: [{ key: 'plan' }] }, { residency: 'DE' }]) {
      const tried = await write(agent, 'updateCustomer', { customerId: id, ...change });
      expect(tried).toMatchObject({ data: { updateCustomer: null }, ...notFound });
      expect(tried).toEqual({ ...(await write(agent, 'updateCustomer', { customerId: absent, ...change })) });
    }
    expect(await read(id)).toMatchObject({ data: { customer: { email: `${name}@example.org` } } });
    const legal = await write(admin, 'updateCustomer', { customerId: id, email: 'mended@example.org' }, 'LEGAL');
    expect(legal).toMatchObject({ data: { updateCustomer: { customer: { email: 'mended@example.org' } } } });
  });

  test('attack S3: an address is not replaced, nor an attribute removed, by whoever may not read it', async () => {
    const { id } = await plant();
    for (const change of [
      { postalAddress: null },
      { postalAddress: { country: 'FR' } },
      { attributes: [{ key: 'k' }] },
    ]) {
      expect(await write(agent, 'updateCustomer', { customerId: id, ...change }, 'SECURITY')).toMatchObject({
        data: { updateCustomer: null },
        errors: [{ extensions: { code: 'PURPOSE_NOT_PERMITTED' } }],
      });
    }
  });

  test('attack S3: acts about a restricted person work where law needs them; for nobody out of reach', async () => {
    const { id } = await plant();
    const act = async (caller: Asker, customerId: string) => {
      const hold = { customerId, categories: ['HEALTH'], matter: 'm', reason: 'r' };
      return [
        await write(caller, 'restrictProcessing', { customerId, ground: 'OBJECTION' }),
        await write(caller, 'liftRestriction', { customerId }),
        await write(caller, 'restrictProcessing', { customerId, ground: 'OBJECTION' }),
        await write(caller, 'placeLegalHold', hold),
        await write(caller, 'requestErasure', { customerId, grounds: 'OBJECTION' }),
      ];
    };
    const refused = await act(abroad(admin), id);
    expect(refused).toEqual(await act(abroad(admin), absent));
    for (const result of refused) expect(result).toMatchObject(notFound);
    expect(
      await write(abroad(admin), 'requestErasures', { customerIds: [id, absent], grounds: 'OBJECTION' }),
    ).toMatchObject({ data: { requestErasures: { requested: 0 } } });
    const byResidency = { filter: { residency: 'FR' }, grounds: 'OBJECTION' };
    expect(await write(abroad(admin), 'requestErasures', byResidency)).toMatchObject({
      data: { requestErasures: { requested: 0 } },
    });
    const done = await act(admin, id);
    expect(done.flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions.code))).not.toContain(
      'NOT_FOUND',
    );
    const { placeLegalHold, requestErasure } = { ...done[3]?.data, ...done[4]?.data } as {
      placeLegalHold: { hold: { id: string } };
      requestErasure: { request: { id: string } };
    };
    for (const [field, { id: record }] of [
      ['cancelErasure', requestErasure.request],
      ['releaseLegalHold', placeLegalHold.hold],
    ] as const) {
      const tried = await write(abroad(admin), field, { id: record });
      expect(tried).toEqual(await write(abroad(admin), field, { id: absent }));
      expect(tried).toMatchObject(notFound);
      expect((await write(admin, field, { id: record })).errors).toBeUndefined();
    }
  });

  test('attack S5: a filter of erasures finds nobody by what their row withholds, and counts nobody out of reach', async () => {
    const { id } = await plant('PT');
    await write(admin, 'restrictProcessing', { customerId: id, ground: 'OBJECTION' });
    const harmless = (residency: string) => ({
      filter: { residency },
      categories: ['CREDENTIAL'],
      grounds: 'OBJECTION',
    });
    const nobody = { requestErasures: { requested: 0, underErasure: 0, unknown: 0, complete: true } };
    const counted = (caller: Asker, purpose: 'SUPPORT' | 'LEGAL', residency: string) =>
      app.ask(
        caller,
        purpose,
        `mutation ($input: RequestErasuresInput!) {
          requestErasures(input: $input) { requested underErasure unknown complete }
        }`,
        { input: harmless(residency) },
      );
    expect((await counted(admin, 'SUPPORT', 'PT')).data).toEqual(nobody);
    expect((await counted(abroad(admin), 'SUPPORT', 'PT')).data).toEqual(nobody);
    expect((await counted(admin, 'LEGAL', 'PT')).data).toMatchObject({ requestErasures: { requested: 1 } });
  });

  test('attack S14: a conflict tells of nobody out of reach, and gives the id of whoever is within', async () => {
    const { id, name } = await plant('FR');
    const beside = { externalId: name, firstName: 'Second' };
    expect(await write(agent, 'createCustomer', { ...beside, residency: 'DE' })).toMatchObject({
      data: { createCustomer: null },
      errors: [{ extensions: { code: 'CONFLICT', customerId: id } }],
    });
    const lookup = 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id firstName } }';
    const find = (caller: Asker) => app.ask(caller, 'SUPPORT', lookup, { by: { externalId: name } });
    const free = { externalId: `${name}-free`, firstName: 'Second' };
    const made = await write(abroad(agent), 'createCustomer', { ...free, residency: 'CN' });
    const shared = await write(abroad(agent), 'createCustomer', { ...beside, residency: 'CN' });
    expect(Object.keys(shared)).toEqual(Object.keys(made));
    expect(shared.errors).toBeUndefined();
    const { customer } = (shared.data as { createCustomer: { customer: { id: string } } }).createCustomer;
    expect(await find(abroad(agent))).toMatchObject({ data: { customerLookup: { id: customer.id } } });
    expect(await find(agent)).toMatchObject({ data: { customerLookup: { id } } });
    expect(await entries('EXTERNAL_ID_SHARED')).toHaveLength(1);
    // Now it is taken for those abroad, too, and each may be told of their own.
    expect(await write(abroad(agent), 'createCustomer', { ...beside, residency: 'CN' })).toMatchObject({
      errors: [{ extensions: { code: 'CONFLICT', customerId: customer.id } }],
    });
    const other = await plant('CN');
    expect(await write(abroad(agent), 'updateCustomer', { customerId: other.id, externalId: name })).toMatchObject({
      errors: [{ extensions: { code: 'CONFLICT', customerId: customer.id } }],
    });
    expect((await write(agent, 'updateCustomer', { customerId: id, externalId: name })).errors).toBeUndefined();
  });

  test('attack S14: of two at a time who take one external id, one is told', async () => {
    const input = { externalId: `raced-${++number}`, firstName: 'A', residency: 'DE' };
    const results = await Promise.all([1, 2, 3].map(() => write(agent, 'createCustomer', input)));
    const codes = results.map(({ errors }) => errors?.[0]?.extensions.code ?? 'CREATED').sort();
    expect(codes).toEqual(['CONFLICT', 'CONFLICT', 'CREATED']);
  });

  test('attack S14: an erased person is taken in again by an officer or administrator, on the record', async () => {
    const email = `erased-${++number}@example.org`;
    const { tombstones } = app.services.erasure;
    await tombstones.set(acme, absent, [{ kind: 'email', value: email }], Date.now());
    const input = { email, firstName: 'Again', residency: 'DE' };
    const refused = await write(agent, 'createCustomer', input);
    expect(refused.errors?.[0]?.extensions).toEqual({ code: 'ERASED' });
    expect(await write(admin, 'createCustomer', input)).toMatchObject({
      errors: [{ extensions: { code: 'ERASED', identifiers: ['email'] } }],
    });
    for (const email of [input.email, `never-${number}@example.org`]) {
      expect(await write(agent, 'createCustomer', { ...input, email, allowErased: true })).toMatchObject({
        data: { createCustomer: null },
        errors: [{ extensions: { code: 'FORBIDDEN' } }],
      });
    }
    expect(await entries('ERASED_TAKEN_IN')).toEqual([]);
    expect((await write(admin, 'createCustomer', { ...input, allowErased: true })).errors).toBeUndefined();
    const [entry, another] = await entries('ERASED_TAKEN_IN');
    expect(another).toBeUndefined();
    expect(entry?.details).toEqual({ identifiers: 'email' });
    expect(entry && (await app.services.auditReader.nameOf(entry))).toBe('client_admin@test');
    expect(entry?.subjects).toHaveLength(1);
  });

  test('attack S14: a look-up is by one identifier, as the schema says', async () => {
    const lookup = 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id } }';
    const mistaken = {
      errors: [{ message: expect.stringContaining('"$by"'), extensions: { code: 'BAD_USER_INPUT' } }],
    };
    for (const by of [{}, { email: null }, { email: 'canary@example.org', phone: '1' }]) {
      const refused = await app.ask(agent, 'SUPPORT', lookup, { by });
      expect(refused).toMatchObject(mistaken);
      expect(JSON.stringify(refused)).not.toContain('canary');
    }
    for (const by of ['{}', '{email: null}', '{email: "canary@example.org", phone: "1"}']) {
      const refused = await app.ask(agent, 'SUPPORT', `{ customerLookup(by: ${by}) { id } }`);
      expect(refused.data ?? null).toBeNull();
      expect(refused.errors).toHaveLength(1);
      expect(JSON.stringify(refused)).not.toContain('canary');
    }
    const introspection = '{ __type(name: "CustomerLookup") { isOneOf } }';
    expect(await app.ask(agent, undefined, introspection)).toMatchObject({ data: { __type: { isOneOf: true } } });
  });

  test('attack S14: bad input names its field, and never its value', async () => {
    const bad: Array<[object, string]> = [
      [{ residency: 'Germany' }, '"residency"'],
      [{ ipAddress: 'canary' }, '"ipAddress"'],
      [{ firstName: 'canary'.repeat(200) }, '"firstName"'],
      [{ externalId: 'canary'.repeat(40) }, '"externalId"'],
      [{ postalAddress: { country: 'canary' } }, '"postalAddress.country"'],
      [{ postalAddress: { street: 'canary'.repeat(200) } }, '"postalAddress.street"'],
      [{ attributes: [{ key: 'a' }, { key: 'canary canary' }] }, '"attributes[1].key"'],
      [{ attributes: [{ key: 'canary' }, { key: 'b' }, { key: 'canary' }] }, '"attributes[2].key"'],
      [{ attributes: [{ key: 'a', value: 'canary'.repeat(2_000) }] }, '"attributes[0].value"'],
    ];
    for (const [input, place] of bad) {
      const refused = await write(agent, 'createCustomer', input, 'SERVICE_DELIVERY');
      expect(refused).toMatchObject({
        errors: [{ message: expect.stringContaining(place), extensions: { code: 'BAD_USER_INPUT' } }],
      });
      expect(JSON.stringify(refused)).not.toContain('canary');
    }
  });

  test('attack S14: nothing is nobody', async () => {
    for (const input of [
      {},
      { source: 'x' },
      { firstName: null },
      { firstName: '' },
      { firstName: '   ' },
      { postalAddress: {} },
      { attributes: [] },
    ]) {
      expect(await write(agent, 'createCustomer', input)).toMatchObject({
        data: { createCustomer: null },
        errors: [{ message: expect.stringContaining('"input"'), extensions: { code: 'BAD_USER_INPUT' } }],
      });
    }
  });
});
