import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { IdempotencyKeys } from '../../src/gateway/idempotency/idempotency-keys';
import { CHANGE_FAILED, type ChangeRecorder, changing } from '../../src/identity/change-recorder';
import { KeyStore } from '../../src/keys/key-store';
import { Notices } from '../../src/register/notices';
import { alongside, type Companion } from '../../src/storage/companions';
import { inTransaction } from '../../src/storage/transaction';
import { isInSteps } from '../../src/storage/write-outcome';
import { type AuditedServer, openAuditedServer } from '../audit/audited-server';
import { type Asker, claimsOf } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme', subject: 'admin@acme' };
const staff: Asker = { role: 'PLATFORM_STAFF', client: 'acme', subject: 'ops@platform' };
const dpo: Asker = { role: 'PLATFORM_PRIVACY_OFFICER', client: 'acme', subject: 'dpo@platform' };
const create = `mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }`;
const suspend = `mutation ($input: SuspendLegalBasisInput!) {
  suspendLegalBasis(input: $input) { suspension { id } clients { slug } } }`;
const reinstate = `mutation ($input: ReinstateLegalBasisInput!) {
  reinstateLegalBasis(input: $input) { suspension { id } } }`;
const erase = `mutation ($input: RequestErasuresInput!) { requestErasures(input: $input) {
  requested underErasure unknown complete failed { customerId code } } }`;
const register = `mutation ($input: RegisterClientInput!) { registerClient(input: $input) { client { id } } }`;
const somebody = (firstName: string) => ({ input: { firstName, residency: 'DE' } });
const suspension = { input: { basis: 'EU-2023/1795', reason: 'judgment', from: '2040-01-01T00:00:00Z' } };

/** What somebody waits for until the test goes on. */
function gate() {
  let open = () => {};
  let arrive = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  return { open, arrived, pass: () => (arrive(), opened) };
}

describe.each(databases)('a write of several steps under an idempotency key, on $name', ({ create: makeDatabase }) => {
  let database: TestDatabase;
  let region: TestDatabase;
  let server: AuditedServer;

  beforeAll(async () => {
    [database, region] = [await makeDatabase(), await makeDatabase()];
    server = await openAuditedServer(database, { EU: region.databaseUrl });
    const { clients, customers, parties } = server.app.services;
    const ofRegion = { slug: 'bound', name: 'Bound', country: 'DE', hostingRegion: 'EU' as const };
    for (const client of [{ slug: 'acme', name: 'Acme', country: 'DE' }, ofRegion]) {
      const { id } = await clients.register(client, 'test');
      await customers.create(id, { firstName: 'Ada', residency: 'DE' }, 'test');
    }
    await parties.registerSubProcessor({
      ...{ slug: 'cloud', name: 'Cloud Inc.', service: 'hosting', country: 'US', purposes: ['SUPPORT'] },
      categories: ['NAME', 'CONTACT'],
      certifications: [{ framework: 'EU_US_DPF' as never, from: new Date(Date.UTC(2024, 0)) }],
    });
  });
  afterEach(() => jest.restoreAllMocks());
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
  const notices = async () =>
    (await count('client_notice')) + (await count('client_notice', server.app.stores.regions.at('EU')));
  const send = (key: string, query: string, variables: object, asker: Asker) =>
    server.post(asker, 'LEGAL', query, variables, { 'idempotency-key': key });
  const told = ({ body }: Awaited<ReturnType<typeof send>>) => body.errors?.[0]?.extensions ?? body.data;
  const letLeasesLapse = () =>
    inTransaction(home(), (manager) => manager.query('UPDATE idempotency_key SET lease_until = 0'));
  const free = async () => {
    const { suspensions } = server.app.services.transfers;
    for (const { id, reinstatedFrom } of await suspensions.list())
      if (reinstatedFrom === null)
        await server.post(dpo, 'LEGAL', reinstate, { input: { id, reason: 'made ready' } });
  };

  test('one that fails between its steps is told as done in part, then and when it is sent again', async () => {
    await free();
    const [key, before] = [randomUUID(), await notices()];
    const { send: real } = Notices.prototype;
    const failing = jest.spyOn(Notices.prototype, 'send').mockRejectedValueOnce(new Error('its key does not open'));
    const first = await send(key, suspend, suspension, dpo);
    expect(told(first)).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', write: 'PARTLY' });
    // The others were notified all the same.
    expect([await notices(), failing.mock.calls.length]).toEqual([before + 1, 2]);
    expect(real).toBeDefined();
    failing.mockRestore();
    for (let times = 0; times < 2; times++)
      expect(told(await send(key, suspend, suspension, dpo))).toMatchObject({ code: 'ALREADY_DONE', write: 'PARTLY' });
    expect(await notices()).toBe(before + 1);
    // As the refusal says: after a look it is sent under another key, and makes up for what was missing.
    expect(told(await send(randomUUID(), suspend, suspension, dpo))).toMatchObject({ suspendLegalBasis: {} });
    expect(await notices()).toBe(before + 2);
  });

  test('of one whose process stands still between its steps nothing more is done once that was told', async () => {
    await free();
    const [key, before, { open, arrived, pass }] = [randomUUID(), await notices(), gate()];
    const real = Notices.prototype.send;
    jest.spyOn(Notices.prototype, 'send').mockImplementation(async function (this: Notices, ...notice) {
      await pass();
      return real.apply(this, notice);
    });
    const slow = send(key, suspend, suspension, dpo);
    await arrived;
    expect(told(await send(key, suspend, suspension, dpo))).toEqual({ code: 'IDEMPOTENCY_KEY_IN_USE', write: 'UNKNOWN' });
    await letLeasesLapse();
    expect(told(await send(key, suspend, suspension, dpo))).toMatchObject({ code: 'ALREADY_DONE', write: 'PARTLY' });
    open();
    const late = await slow;
    expect([late.status, told(late)]).toEqual([409, { code: 'IDEMPOTENCY_KEY_IN_USE', write: 'UNKNOWN' }]);
    expect(late.headers['retry-after']).toBe('1');
    // The notice in the other region's database is beyond the key's reach.
    expect(await notices()).toBeLessThanOrEqual(before + 1);
    expect(await count('client_notice')).toBe(before === 0 ? 0 : await count('client_notice'));
    expect(told(await send(key, suspend, suspension, dpo))).toMatchObject({ code: 'ALREADY_DONE', write: 'PARTLY' });
  });

  test('while its holder works, a key stays its own; when it has ended, it is free', async () => {
    const context = await server.app.services.accessService.contextFor(claimsOf(admin), 'LEGAL');
    const options = { mostPerCaller: 1_000, leaseMs: 3_000 };
    const again = { isReport: () => false, answer: async () => ({}) } as never;
    const keys = new IdempotencyKeys(server.app.stores.regions, Buffer.alloc(32, 1), again, options);
    const request = { id: randomUUID(), key: randomUUID(), context, sent: [] };
    const keyed = await keys.begin(request);
    const { open, arrived, pass } = gate();
    const real = KeyStore.prototype.createSubjectKeys;
    jest.spyOn(KeyStore.prototype, 'createSubjectKeys').mockImplementation(async function (this: KeyStore, ...of) {
      await pass();
      return real.apply(this, of);
    });
    const contextValue = { ...context, once: keyed.once };
    const asked = { document: create, variableValues: somebody('Slow'), contextValue, access: context.access };
    const slow = server.app.contracts['client-app'].execute(asked);
    await arrived;
    const lease = async () => {
      const [row] = await home().query<[{ until: number }]>(
        'SELECT lease_until AS "until" FROM idempotency_key WHERE attempt = ?',
        [request.id],
      );
      return Number(row?.until);
    };
    const first = await lease();
    while ((await lease()) <= first) await sleep(50);
    await expect(keys.begin({ ...request, id: randomUUID() })).rejects.toMatchObject({ status: 409 });
    open();
    expect((await slow).errors).toBeUndefined();
    await keyed.settle();
    expect(await lease()).toBe(0);
  });

  test('a report is given again as it was, with whom it could not do', async () => {
    const acme = (await server.app.services.clients.find('acme'))?.id ?? '';
    const { customers, erasure } = server.app.services;
    const ids: string[] = [];
    for (const firstName of ['Bo', 'Cy']) ids.push(await customers.create(acme, { firstName, residency: 'DE' }, 'test'));
    const [, failing] = ids;
    const filing = Object.getPrototypeOf(erasure.terminations) && erasureFiling();
    const real = filing.file;
    jest.spyOn(filing, 'file').mockImplementation(async function (this: typeof filing, ...asked) {
      if (asked[1].includes(failing ?? '')) throw new Error('a damaged row');
      return real.apply(this, asked);
    });
    const [key, variables] = [randomUUID(), { input: { customerIds: ids, grounds: 'OBJECTION' } }];
    const first = await send(key, erase, variables, admin);
    expect(first.body).toMatchObject({
      data: { requestErasures: { requested: 1, failed: [{ customerId: failing, code: 'FAILED' }] } },
    });
    expect(first.body.errors).toBeUndefined();
    const second = await send(key, erase, variables, admin);
    expect([second.body.errors, second.body.data]).toEqual([undefined, first.body.data]);
  });
});
