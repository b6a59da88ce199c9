import { randomUUID } from 'node:crypto';
import { jobsTask, jobWorker } from '../../src/background';
import { IdempotencyKeys } from '../../src/gateway/idempotency/idempotency-keys';
import type { KeyedMutation } from '../../src/gateway/idempotency/keyed-mutation';
import { type AuditedServer, openAuditedServer, tokenOf } from '../audit/audited-server';
import { type Asker, claimsOf } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { connect } from './socket-client';

const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme', subject: 'admin@acme' };
const officer: Asker = { ...admin, role: 'CLIENT_PRIVACY_OFFICER', also: ['CLIENT_ADMIN'] };
const create = `mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id firstName } } }`;
const grant = `mutation { grantPurpose(input: { purpose: SUPPORT, granteeKind: PRINCIPAL, grantee: "ada",
  reason: "ticket 12" }) { grant { id reason } } }`;
const named = (firstName: string) => ({ input: { firstName, residency: 'DE' } });

describe.each(databases)('a mutation under an idempotency key, on $name', ({ create: makeDatabase }) => {
  let database: TestDatabase;
  let region: TestDatabase;
  let server: AuditedServer;

  beforeAll(async () => {
    [database, region] = [await makeDatabase(), await makeDatabase()];
    server = await openAuditedServer(database, { EU: region.databaseUrl });
    const { clients } = server.app.services;
    await clients.register({ slug: 'acme', name: 'Acme', country: 'DE' }, 'test');
    await clients.register({ slug: 'other', name: 'Other', country: 'DE' }, 'test');
    await clients.register({ slug: 'bound', name: 'Bound', country: 'DE', hostingRegion: 'EU' }, 'test');
  });
  afterAll(async () => {
    await server.close();
    await database.drop();
    await region.drop();
  });

  const home = () => server.app.stores.regions.home;
  const count = async (table: string, source = home()): Promise<number> => {
    const [row] = await source.query<[{ n: number }]>(`SELECT COUNT(*) AS n FROM ${table}`);
    return Number(row.n);
  };
  const send = (key: string, query: string, variables: object = {}, asker = admin, purpose = 'SERVICE_DELIVERY') =>
    server.post(asker, purpose as 'SUPPORT', query, variables, { 'idempotency-key': key });
  const codes = ({ body }: Awaited<ReturnType<typeof send>>) => body.errors?.map(({ extensions }) => extensions.code);
  const made = ({ body }: Awaited<ReturnType<typeof send>>) => {
    const { customer } = (body.data?.createCustomer ?? {}) as { customer?: { id: string } };
    if (!customer) throw new Error(`nobody was made: ${JSON.stringify(body)}`);
    return customer;
  };
  /** Claims a key as a request does that is under way. */
  const claim = async (key: string, query: string, variables: object): Promise<KeyedMutation> => {
    const context = await server.app.services.accessService.contextFor(claimsOf(admin), 'SERVICE_DELIVERY');
    const sent = [query, null, variables, 'SERVICE_DELIVERY'];
    return server.app.idempotency.begin({ id: randomUUID(), key, context, sent });
  };
  const letLeasesLapse = () => home().query('UPDATE idempotency_key SET lease_until = 0');

  test('gives its first answer again, and is done once', async () => {
    const [key, before] = [randomUUID(), await count('customer')];
    const first = await send(key, create, named('Ada'));
    expect([first.status, first.headers['idempotency-replayed']]).toEqual([200, undefined]);
    for (const again of [key, `"${key}"`]) {
      const second = await send(again, create, named('Ada'));
      expect([second.status, second.headers['idempotency-replayed'], second.body.data]).toEqual([
        200,
        'true',
        first.body.data,
      ]);
    }
    expect(await count('customer')).toBe(before + 1);
  });

  test('anything else under a key is refused with 422; the order of variables is nothing else', async () => {
    const key = randomUUID();
    const { input } = named('Bea');
    const first = await send(key, create, { input });
    const turned = Object.fromEntries(Object.entries(input).reverse());
    expect((await send(key, create, { input: turned })).body.data).toEqual(first.body.data);
    const before = await count('customer');
    const others = [
      await send(key, create, named('Eve')),
      await send(key, `${create} `, { input }),
      await send(key, create, { input }, admin, 'LEGAL'),
      await send(key, grant, {}, officer),
    ];
    expect(others.map(({ status }) => status)).toEqual([422, 422, 422, 422]);
    expect(codes(others[0] as typeof first)).toEqual(['IDEMPOTENCY_KEY_REUSED']);
    expect(await count('customer')).toBe(before);
  });

  test('a key is the principal’s own: nobody reads a foreign answer by it', async () => {
    const key = randomUUID();
    const first = await send(key, create, named('Cleo'));
    const before = await count('customer');
    for (const other of [
      { ...admin, subject: 'somebody@acme' },
      { ...admin, client: 'other' },
    ]) {
      const answer = await send(key, create, named('Cleo'), other);
      expect([answer.status, answer.headers['idempotency-replayed']]).toEqual([200, undefined]);
      expect(answer.body.data).not.toEqual(first.body.data);
    }
    expect(await count('customer')).toBe(before + 2);
  });

  test.each(['', '""', 'a b', '"a', '"a", "b"', 'a, b', `"${'a'.repeat(129)}"`, '"\u00e4"'])(
    'the key %j is refused with 400',
    async (key) => {
      const answer = await send(key, create, named('Dora'));
      expect([answer.status, codes(answer)]).toEqual([400, ['BAD_USER_INPUT']]);
    },
  );

  test('what was refused is not kept', async () => {
    const key = randomUUID();
    const refused = await send(key, create, { input: { firstName: 'Emma', residency: 'ZZ' } });
    expect(codes(refused)).toEqual(['BAD_USER_INPUT']);
    const mended = await send(key, create, named('Emma'));
    expect([mended.status, mended.body.errors]).toEqual([200, undefined]);
  });

  test('while it is under way, others get 409 and when to try again', async () => {
    const key = randomUUID();
    const underWay = await claim(key, create, named('Fay'));
    const second = await send(key, create, named('Fay'));
    expect([second.status, codes(second), second.headers['retry-after']]).toEqual([
      409,
      ['IDEMPOTENCY_KEY_IN_USE'],
      '1',
    ]);
    await underWay.settle();
    expect((await send(key, create, named('Fay'))).status).toBe(200);
  });

  test('sent many times at once to two processes, it is done once', async () => {
    const replica = await server.app.replica();
    const [key, before] = [randomUUID(), await count('customer')];
    const ask = async (number: number): Promise<unknown> => {
      const { app } = server;
      const asked = (number % 2 ? replica : app).ask(admin, 'SERVICE_DELIVERY', create, named('Gil'), key);
      return asked.then(
        ({ data }) => data?.createCustomer,
        (error: { code?: string }) => error.code,
      );
    };
    const answers = await Promise.all(Array.from({ length: 20 }, (_, number) => ask(number)));
    const last = await ask(0);
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([
        JSON.stringify(last),
        ...(answers.includes('IDEMPOTENCY_KEY_IN_USE') ? ['"IDEMPOTENCY_KEY_IN_USE"'] : []),
      ]),
    );
    expect(await count('customer')).toBe(before + 1);
    await replica.services.ledger.close();
    await replica.close();
  });

  test('one whose key was taken over commits nothing', async () => {
    const [key, before] = [randomUUID(), await count('customer')];
    const slow = await claim(key, create, named('Hal'));
    await letLeasesLapse();
    const { body } = await send(key, create, named('Hal'));
    expect(body.errors).toBeUndefined();
    const context = await server.app.services.accessService.contextFor(claimsOf(admin), 'SERVICE_DELIVERY');
    const late = await server.app.contracts['client-app'].execute({
      document: create,
      variableValues: named('Hal'),
      contextValue: { ...context, once: slow.once },
      access: context.access,
    });
    await slow.settle();
    expect(late.errors?.map(({ extensions }) => extensions.code)).toEqual(['IDEMPOTENCY_KEY_IN_USE']);
    expect(await count('customer')).toBe(before + 1);
    expect((await send(key, create, named('Hal'))).body.data).toEqual(body.data);
  });

  test('of several fields each is done once; one that was refused is tried again', async () => {
    const key = randomUUID();
    const both = `mutation ($input: CreateCustomerInput!) {
      one: createCustomer(input: $input) { customer { id } }
      two: restrictProcessing(input: { customerId: "none", ground: LEGAL_CLAIM }) { customer { id } }
      three: createCustomer(input: $input) { customer { id } } }`;
    const before = await count('customer');
    const first = await send(key, both, named('Ida'));
    const second = await send(key, both, named('Ida'));
    expect([codes(first), codes(second)]).toEqual([['NOT_FOUND'], ['NOT_FOUND']]);
    expect(second.body.data).toEqual(first.body.data);
    expect(await count('customer')).toBe(before + 2);
  });

  test('done and not recorded, it is answered the next time', async () => {
    const [key, before] = [randomUUID(), await count('customer')];
    await home().query('ALTER TABLE audit_entry RENAME TO audit_entry_away');
    const lost = await send(key, create, named('Jo'));
    await home().query('ALTER TABLE audit_entry_away RENAME TO audit_entry');
    expect(lost.body.errors?.[0]?.extensions).toMatchObject({ code: 'AUDIT_UNAVAILABLE', write: 'DONE' });
    const again = await send(key, create, named('Jo'));
    expect([again.status, again.body.data]).toMatchObject([200, { createCustomer: { customer: { firstName: 'Jo' } } }]);
    expect(await count('customer')).toBe(before + 1);
  });

  test('what was erased or withheld since is not in the answer, and today’s rights decide', async () => {
    const restricted = randomUUID();
    const first = await send(restricted, create, named('Withheld'));
    const customer = made(first);
    const acme = (await server.app.services.clients.find('acme'))?.id ?? '';
    await server.app.services.customers.setRestriction(acme, customer.id, 'LEGAL_CLAIM', 'test');
    const withheld = await send(restricted, create, named('Withheld'));
    expect(withheld.text).not.toContain('Withheld');
    expect(codes(withheld)).toContain('PROCESSING_RESTRICTED');

    const erased = randomUUID();
    const second = await send(erased, create, named('Forgotten'));
    const { id } = made(second);
    const filing = { principal: 'test', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' as const };
    await server.app.services.erasure.erasures.request(acme, id, filing);
    const worker = jobWorker(server.app.stores, server.app.services, {
      now: () => Date.now() + 1_000,
      onFailure: (error) => {
        throw error;
      },
    });
    for (let rounds = 0; rounds < 20 && (await jobsTask(worker).run(AbortSignal.timeout(30_000))); rounds++);
    expect((await home().query<unknown[]>('SELECT id FROM customer WHERE id = ?', [id])).length).toBe(0);
    const gone = await send(erased, create, named('Forgotten'));
    expect(gone.body.errors?.[0]?.extensions).toMatchObject({ code: 'ALREADY_DONE', write: 'DONE', ids: [] });
    for (const text of ['Forgotten', id]) expect(gone.text).not.toContain(text);

    const given = randomUUID();
    await send(given, grant, {}, officer);
    const demoted = await send(given, grant, {}, { ...officer, role: 'CLIENT_AGENT', also: [] });
    expect(demoted.text).not.toContain('ticket 12');
    expect(codes(demoted)).toEqual(['ALREADY_DONE']);
  });

  test('after a day the key is new, and a sweep removes it', async () => {
    const [key, before] = [randomUUID(), await count('customer')];
    await send(key, create, named('Kim'));
    const old = () => home().query('UPDATE idempotency_key SET created_at = created_at - 86405000');
    await old();
    expect((await send(key, create, named('Lea'))).status).toBe(200);
    expect(await count('customer')).toBe(before + 2);
    await old();
    await server.app.idempotency.sweep();
    expect(await count('idempotency_key')).toBe(0);
  });

  test('the keys of a principal are bounded', async () => {
    const { app } = server;
    const again = { isReport: () => false, answer: async () => ({}) } as never;
    const few = new IdempotencyKeys(app.stores.regions, Buffer.alloc(32, 1), again, { mostPerCaller: 2 });
    const context = await app.services.accessService.contextFor(claimsOf({ ...admin, subject: 'busy' }), 'SUPPORT');
    const begin = () => few.begin({ id: randomUUID(), key: randomUUID(), context, sent: [] });
    await begin();
    await begin();
    const more = new IdempotencyKeys(app.stores.regions, Buffer.alloc(32, 1), again, { mostPerCaller: 2 });
    const third = { id: randomUUID(), key: randomUUID(), context, sent: [] };
    for (let tries = 0; tries < 2; tries++)
      await expect(more.begin(third)).rejects.toMatchObject({ status: 429, code: 'TOO_MANY_IDEMPOTENCY_KEYS' });
    await home().query('UPDATE idempotency_key SET created_at = 0, lease_until = 0');
    await app.idempotency.sweep();
    await expect(more.begin(third)).resolves.toBeDefined();
  });

  test('nothing of the key, the principal, the request or the person stands in the table', async () => {
    const key = 'a-key-that-can-be-recognised';
    await send(key, create, named('Recognisable'));
    const rows = await home().query<Record<string, unknown>[]>('SELECT * FROM idempotency_key');
    const text = rows
      .flatMap((row) =>
        Object.values(row).map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value))),
      )
      .join();
    const [{ id }] = await home().query<[{ id: string }]>('SELECT id FROM customer ORDER BY id DESC LIMIT 1');
    for (const word of [key, 'admin@acme', 'Recognisable', 'createCustomer', id]) expect(text).not.toContain(word);
  });

  test('it stands in the database of the client’s region, beside the write', async () => {
    const eu = server.app.stores.regions.at('EU');
    await home().query('DELETE FROM idempotency_key');
    const bound = { ...admin, client: 'bound' };
    const key = randomUUID();
    const first = await send(key, create, named('Mia'), bound);
    expect([await count('idempotency_key'), await count('idempotency_key', eu)]).toEqual([0, 1]);
    expect((await send(key, create, named('Mia'), bound)).body.data).toEqual(first.body.data);
    // What is written at home is kept there.
    const contacts =
      'mutation { nameClientContacts(input: { representative: "Somebody" }) { client { representative } } }';
    const naming = randomUUID();
    expect((await send(naming, contacts, {}, bound)).body.errors).toBeUndefined();
    expect([await count('idempotency_key'), await count('idempotency_key', eu)]).toEqual([1, 1]);
    const again = await send(naming, contacts, {}, bound);
    expect(again.body.data).toEqual({ nameClientContacts: { client: { representative: 'Somebody' } } });
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  test('over WebSocket it stands in the extensions of an operation', async () => {
    const url = await server.http.listen({ port: 0, host: '127.0.0.1' });
    const socket = await connect(url);
    await socket.init({ authorization: `Bearer ${tokenOf(admin)}`, 'processing-purpose': 'SERVICE_DELIVERY' });
    const extensions = { 'idempotency-key': randomUUID() };
    const before = await count('customer');
    const ask = async (id: string, more: object): Promise<unknown> => {
      socket.subscribe(id, create, more);
      const answer = (await socket.next()) as { type: string; payload: { data?: unknown } };
      if (answer.type === 'next') await socket.next();
      return answer.payload.data ?? answer.payload;
    };
    const first = await ask('1', { variables: named('Nia'), extensions });
    expect(first).toMatchObject({ createCustomer: { customer: { firstName: 'Nia' } } });
    expect(await ask('2', { variables: named('Nia'), extensions })).toEqual(first);
    expect(await ask('3', { variables: named('Eve'), extensions })).toMatchObject([
      { extensions: { code: 'IDEMPOTENCY_KEY_REUSED', write: 'NOT_DONE' } },
    ]);
    expect(await ask('4', { variables: named('Nia'), extensions: { 'idempotency-key': '' } })).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT' } },
    ]);
    expect(await count('customer')).toBe(before + 1);
    socket.close();
  });

  test('a query takes no key', async () => {
    const before = await count('idempotency_key');
    const answer = await send(randomUUID(), '{ customers(first: 1) { nodes { id } } }');
    expect([answer.status, answer.body.errors]).toEqual([200, undefined]);
    expect(await count('idempotency_key')).toBe(before);
  });
});
