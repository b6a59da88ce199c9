import { jobWorker } from '../../src/background';
import { verifyCertificate } from '../../src/erasure/records/certificate';
import type { JobWorker } from '../../src/jobs/job-worker';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { CANARY, countRows, dump, newClient, plantedRows, plantPeople } from './people';

const request = `mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { request { id status dueAt requestedAt } } }`;
const look = `query ($id: ID!) { erasureRequest(id: $id) { id status grounds requestedAt dueAt completedAt certificate
  subject { customerId note } steps { store action rows status finishedAt } retained { category reason until }
  recipients { name kind status } } }`;
const nothing = Object.fromEntries(Object.keys(plantedRows).map((table) => [table, 0]));

describe.each(databases)('erasure on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: string;
  let worker: JobWorker;
  const failures: unknown[] = [];
  const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
  const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    client = await newClient(app.services, 'acme');
    await newClient(app.services, 'globex');
    worker = jobWorker(app.stores, app.services, { onFailure: (error) => failures.push(error) });
  });
  afterAll(async () => {
    expect(failures).toEqual([]);
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const ask = (document: string, variables: object, asker = admin) =>
    app.ask(asker, 'LEGAL', document, variables as Record<string, unknown>);
  const plantOne = async (number: number, more = {}) => {
    const [person] = await plantPeople(app.stores, client, [number], more);
    if (!person) throw new Error('nobody was planted');
    return person;
  };
  const erase = async (customerId: string, more = {}) => {
    const input = { customerId, grounds: 'CONSENT_WITHDRAWN', ...more };
    const result = await ask(request, { input });
    expect(result.errors).toBeUndefined();
    return (result.data as { requestErasure: { request: { id: string; status: string; dueAt: string } } })
      .requestErasure.request;
  };
  const state = async (id: string) => {
    const result = await ask(look, { id });
    expect(result.errors).toBeUndefined();
    return result.data?.erasureRequest as Record<string, unknown> & {
      steps: Array<{ store: string; action: string; rows: number }>;
      certificate: string;
    };
  };

  test('is asked for by principals whose name is as long as a token allows', async () => {
    const verbose = await newClient(app.services, 'verbose');
    const [person] = await plantPeople(app.stores, verbose, [1]);
    const long: Asker = { role: 'CLIENT_ADMIN', client: 'verbose', subject: 'x'.repeat(255) };
    const hold = { customerId: person?.id, categories: ['HEALTH'], matter: 'm', reason: 'r' };
    const documents: Array<[string, object]> = [
      ['mutation ($input: PlaceLegalHoldInput!) { placeLegalHold(input: $input) { hold { id } } }', hold],
      ['mutation ($input: SetRetentionInput!) { setRetention(input: $input) { retention { days } } }', { days: 4000 }],
      ['mutation ($input: SetRetentionInput!) { setRetention(input: $input) { retention { days } } }', {}],
      [request, { customerId: person?.id, grounds: 'OBJECTION', startsAt: new Date(Date.now() + 86_400_000) }],
    ];
    for (const [document, input] of documents) expect((await ask(document, { input }, long)).errors).toBeUndefined();
    const [filed] = await app.services.erasure.erasures.list(verbose, {}, 1, undefined);
    expect(filed?.requestedBy).toHaveLength(255);
  });

  test('D2: a customer is withheld at once, then erased wholly, and a certificate says so', async () => {
    const person = await plantOne(1);
    const bystander = await plantOne(2);
    const { id, status } = await erase(person.id, { note: `${CANARY} asked by letter` });
    expect(status).toBe('RECEIVED');
    const withheld = await app.ask(agent, 'SERVICE_DELIVERY', 'query ($id: ID!) { customer(id: $id) { lastName } }', {
      id: person.id,
    });
    expect(withheld).toMatchObject({
      data: { customer: { lastName: null } },
      errors: [{ extensions: { code: 'PROCESSING_RESTRICTED' } }],
    });
    expect(await state(id)).toMatchObject({ subject: { customerId: person.id, note: `${CANARY} asked by letter` } });

    await worker.drain();

    const done = await state(id);
    expect(done).toMatchObject({
      status: 'COMPLETED',
      completedAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/),
      subject: null,
      retained: [],
    });
    const rows = Object.fromEntries(done.steps.map(({ store, rows: n }) => [store, n]));
    for (const [table, n] of Object.entries(plantedRows)) expect(rows[`data:${table}`]).toBe(n);
    expect(rows['keys:subject_key']).toBe(1);
    expect(await countRows(app.stores, client)).toEqual(plantedRows);
    expect(await app.stores.keys.subjectKeys(client, [person.id])).toEqual(new Map());

    // The certificate verifies with the public key alone, names nobody and claims what was done
    // (docs/pitfalls.md, 28 and 29).
    const { data } = await ask('{ erasureCertificateKeys }', {});
    const { keys } = JSON.parse(String(data?.erasureCertificateKeys));
    const statement = await verifyCertificate(done.certificate, keys);
    expect(statement).toMatchObject({
      request: id,
      client,
      grounds: 'CONSENT_WITHDRAWN',
      keyDestroyed: true,
      retained: [],
    });
    expect(Object.fromEntries(statement.erased.map((step) => [step.store, step.rows]))).toEqual(rows);
    const text = JSON.stringify(statement);
    for (const secret of [CANARY, person.id, admin.subject ?? 'client_admin@test']) expect(text).not.toContain(secret);
    await expect(
      verifyCertificate(done.certificate.replace('"payload":"', '"payload":"A'), keys),
    ).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
    });

    for (const source of [app.stores.regions.home, app.stores.keysSource]) {
      const texts = await dump(source);
      expect(texts).not.toContain(CANARY);
      expect(texts).not.toContain(person.id);
    }
    await erase(bystander.id);
    await worker.drain();
    expect(await countRows(app.stores, client)).toEqual(nothing);
  });

  test('D4: orders stay as amounts of nobody where the agreement permits it', async () => {
    const globex = { role: 'CLIENT_ADMIN', client: 'globex' } as const;
    const { id: globexId } = (await app.services.clients.find('globex')) ?? { id: '' };
    const signed = await ask(
      `mutation { signAgreement(input: { kind: DPA, version: "1", keepsDeidentified: true, erasureDays: 14 }) {
        agreement { keepsDeidentified erasureDays } } }`,
      {},
      globex,
    );
    expect(signed).toMatchObject({
      data: { signAgreement: { agreement: { keepsDeidentified: true, erasureDays: 14 } } },
    });
    const [person] = await plantPeople(app.stores, globexId, [1]);
    const filed = await ask(request, { input: { customerId: person?.id, grounds: 'CLIENT_INSTRUCTION' } }, globex);
    const { requestedAt, dueAt } = (
      filed.data as { requestErasure: { request: { requestedAt: string; dueAt: string } } }
    ).requestErasure.request;
    expect(Date.parse(dueAt) - Date.parse(requestedAt)).toBe(14 * 86_400_000);
    await worker.drain();
    expect(await countRows(app.stores, globexId)).toEqual({ ...nothing, purchase_order: 2 });
    const orders = await app.stores.regions.home.query<Array<Record<string, unknown>>>(
      'SELECT * FROM purchase_order WHERE client_id = ? ORDER BY total',
      [globexId],
    );
    expect(orders).toMatchObject(
      [125_000, 250_000].map((total) => ({
        total,
        currency: 'EUR',
        placed_at: Date.UTC(2025, 0, 1),
        sealed_commerce: null,
        external_id_index: null,
      })),
    );
    const people = new Set(orders.map(({ customer_id }) => customer_id));
    expect(people.size).toBe(2);
    expect(people).not.toContain(person?.id);
  });

  test('a hold keeps exactly its categories; its release resumes the erasure by itself (pitfall 25)', async () => {
    const person = await plantOne(3);
    const placed = await ask(
      'mutation ($input: PlaceLegalHoldInput!) { placeLegalHold(input: $input) { hold { id categories } } }',
      {
        input: {
          customerId: person.id,
          categories: ['COMMERCE'],
          matter: 'docket 7 O 42/26',
          reason: 'claim for the price',
          until: '2027-06-30T00:00:00Z',
        },
      },
    );
    expect(placed.errors).toBeUndefined();
    const holdId = (placed.data as { placeLegalHold: { hold: { id: string } } }).placeLegalHold.hold.id;
    const { id } = await erase(person.id);
    await worker.drain();
    expect(await state(id)).toMatchObject({
      status: 'PARTIALLY_COMPLETED',
      completedAt: null,
      retained: [
        {
          category: 'COMMERCE',
          reason: 'docket 7 O 42/26: claim for the price',
          until: '2027-06-30T00:00:00.000Z',
        },
      ],
    });
    expect(await countRows(app.stores, client)).toEqual({ ...nothing, customer: 1, purchase_order: 2, order_item: 4 });
    const legal = await app.ask(
      admin,
      'LEGAL',
      'query ($id: ID!) { customer(id: $id) { lastName email orders { nodes { total items { name } } } } }',
      { id: person.id },
    );
    expect(legal).toMatchObject({
      data: {
        customer: {
          lastName: null,
          email: null,
          orders: { nodes: [{ items: [{ name: `${CANARY} thing` }, {}] }, {}] },
        },
      },
    });
    expect(
      await app.ask(agent, 'SUPPORT', 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id } }', {
        by: { email: `${CANARY}-3@example.org` },
      }),
    ).toMatchObject({ data: { customerLookup: null } });

    const released = await ask(
      'mutation ($input: ReleaseLegalHoldInput!) { releaseLegalHold(input: $input) { hold { releasedAt } } }',
      { input: { id: holdId } },
    );
    expect(released).toMatchObject({
      data: { releaseLegalHold: { hold: { releasedAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/) } } },
    });
    await worker.drain();
    const done = await state(id);
    expect(done).toMatchObject({ status: 'COMPLETED', retained: [] });
    expect(await countRows(app.stores, client)).toEqual(nothing);
    expect(await dump(app.stores.regions.home)).not.toContain(person.id);
  });

  test('a hold on everything stops the erasure before anything is touched', async () => {
    const person = await plantOne(4);
    const categories =
      'NAME CONTACT ONLINE_IDENTIFIER DEMOGRAPHIC COMMERCE CORRESPONDENCE HEALTH BEHAVIOUR CREDENTIAL DEVICE USAGE';
    const actor = { client, principal: 'test' };
    const hold = await app.services.erasure.holds.place(actor, {
      customerId: person.id,
      categories: categories.split(' ') as never,
      matter: 'm',
      reason: 'r',
    });
    const { id } = await erase(person.id);
    await worker.drain();
    expect(await state(id)).toMatchObject({ status: 'ON_HOLD' });
    expect(await countRows(app.stores, client)).toEqual(plantedRows);
    await app.services.erasure.holds.release(actor, hold.id);
    await worker.drain();
    expect(await state(id)).toMatchObject({ status: 'COMPLETED' });
  });

  test('is taken back until destruction begins, and the person is read as before', async () => {
    const person = await plantOne(5);
    const startsAt = new Date(Date.now() + 3_600_000);
    const { id } = await erase(person.id, { startsAt });
    await worker.drain();
    expect(await state(id)).toMatchObject({ status: 'RECEIVED' });
    const cancel = 'mutation ($input: CancelErasureInput!) { cancelErasure(input: $input) { request { status } } }';
    expect(await ask(cancel, { input: { id } })).toMatchObject({
      data: { cancelErasure: { request: { status: 'CANCELLED' } } },
    });
    const read = await app.ask(agent, 'SUPPORT', 'query ($id: ID!) { customer(id: $id) { lastName } }', {
      id: person.id,
    });
    expect(read).toMatchObject({ data: { customer: { lastName: `${CANARY}-last-5` } } });
    const again = await erase(person.id);
    await worker.drain();
    expect(await ask(cancel, { input: { id: again.id } })).toMatchObject({
      data: null,
      errors: [{ extensions: { code: 'CONFLICT' } }],
    });
  });

  test('a person under erasure is not changed, restricted or freed', async () => {
    const person = await plantOne(6);
    const { id } = await erase(person.id, { startsAt: new Date(Date.now() + 3_600_000) });
    expect(await erase(person.id)).toMatchObject({ id });
    for (const [field, input] of [
      ['updateCustomer', { firstName: 'Eve' }],
      ['restrictProcessing', { ground: 'OBJECTION' }],
      ['liftRestriction', {}],
    ] as const) {
      const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input!`;
      const document = `mutation ($input: ${type}) { ${field}(input: $input) { customer { id } } }`;
      expect(await ask(document, { input: { customerId: person.id, ...input } })).toMatchObject({
        errors: [{ extensions: { code: 'CONFLICT' } }],
      });
    }
    await app.services.erasure.erasures.cancel(client, id, 'test');
    await erase(person.id);
    await worker.drain();
  });

  test('pitfall 28: an erased person is not taken in again unsaid', async () => {
    const person = await plantOne(7);
    await erase(person.id);
    await worker.drain();
    const create = 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }';
    const email = `${CANARY}-7@EXAMPLE.org`;
    const input = { email, firstName: 'B', residency: 'DE' };
    for (const [asker, extensions] of [
      [agent, { code: 'ERASED' }],
      [admin, { code: 'ERASED', identifiers: ['email'] }],
    ] as const) {
      const refused = await app.ask(asker, 'SUPPORT', create, { input });
      expect(refused).toMatchObject({ data: { createCustomer: null } });
      expect(refused.errors?.map((error) => error.extensions)).toEqual([extensions]);
    }
    const said = await app.ask(admin, 'SUPPORT', create, { input: { ...input, allowErased: true } });
    expect(said.errors).toBeUndefined();
    const globex = (await app.services.clients.find('globex'))?.id ?? '';
    const other = await app.services.erasure.erased.erased(globex, [{ kind: 'email', value: email }]);
    expect(other).toEqual([]);
    await ask('mutation ($input: RequestErasuresInput!) { requestErasures(input: $input) { requested } }', {
      input: { filter: { createdAfter: '2026-01-01T00:00:00Z' }, grounds: 'NO_LONGER_NECESSARY' },
    });
    await worker.drain();
    expect(await countRows(app.stores, client)).toEqual(nothing);
  });

  test('many are erased by ids or by a filter, and listed by status and term', async () => {
    const people = await plantPeople(app.stores, client, [20, 21, 22], { residency: 'FR' });
    await plantPeople(app.stores, client, [23, 24], { residency: 'US' });
    const many = 'mutation ($input: RequestErasuresInput!) { requestErasures(input: $input) { requested } }';
    const grounds = 'NO_LONGER_NECESSARY';
    expect(await ask(many, { input: { customerIds: people.map(({ id }) => id), grounds } })).toMatchObject({
      data: { requestErasures: { requested: 3 } },
    });
    expect(await ask(many, { input: { filter: { residency: 'US' }, grounds } })).toMatchObject({
      data: { requestErasures: { requested: 2 } },
    });
    expect(await ask(many, { input: { grounds } })).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    });
    const list = `query ($filter: ErasureRequestFilter, $after: String) {
      erasureRequests(first: 3, after: $after, filter: $filter) { nodes { id dueAt } pageInfo { hasNextPage endCursor } } }`;
    const filter = { status: ['RECEIVED'] };
    const first = await ask(list, { filter });
    expect(first).toMatchObject({
      data: { erasureRequests: { nodes: [{}, {}, {}], pageInfo: { hasNextPage: true } } },
    });
    const { endCursor } = (first.data as { erasureRequests: { pageInfo: { endCursor: string } } }).erasureRequests
      .pageInfo;
    expect(await ask(list, { filter, after: endCursor })).toMatchObject({
      data: { erasureRequests: { nodes: [{}, {}], pageInfo: { hasNextPage: false } } },
    });
    await worker.drain();
    expect(await ask(list, { filter })).toMatchObject({ data: { erasureRequests: { nodes: [] } } });
    expect(await countRows(app.stores, client)).toEqual(nothing);
  });

  test('S1: a request of one client does not exist for another, nor for its agents', async () => {
    const person = await plantOne(30);
    const { id } = await erase(person.id);
    const stranger: Asker = { role: 'CLIENT_ADMIN', client: 'globex' };
    expect((await app.ask(stranger, 'LEGAL', look, { id })).data).toEqual({ erasureRequest: null });
    expect(
      await app.ask(stranger, 'LEGAL', request, { input: { customerId: person.id, grounds: 'OBJECTION' } }),
    ).toMatchObject({
      errors: [{ extensions: { code: 'NOT_FOUND' } }],
    });
    expect(await app.ask(agent, 'SUPPORT', look, { id })).toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    });
    await worker.drain();
  });

  test('a subscription tells each change to its end', async () => {
    const person = await plantOne(31);
    const { id } = await erase(person.id);
    const claims = {
      subject: 'a',
      tenant: 'acme',
      roles: ['CLIENT_ADMIN'],
      scopes: [],
      purposes: ['LEGAL'],
      country: undefined,
    };
    const context = await app.services.accessService.contextFor(claims as never, 'LEGAL');
    const stream = await app.contracts.api.subscribe({
      document: 'subscription ($id: ID!) { erasureRequestChanged(id: $id) { status steps { rows } } }',
      variableValues: { id },
      contextValue: context,
      access: () => context.access,
    });
    if (!(Symbol.asyncIterator in stream)) throw new Error(JSON.stringify(stream));
    const seen: unknown[] = [];
    const first = await stream.next();
    seen.push(first.value);
    await worker.drain();
    for await (const event of stream) seen.push(event);
    expect(seen).toMatchObject([
      { data: { erasureRequestChanged: { status: 'RECEIVED', steps: [] } } },
      { data: { erasureRequestChanged: { status: 'COMPLETED' } } },
    ]);
  });
});
