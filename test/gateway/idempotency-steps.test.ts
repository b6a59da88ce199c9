import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ErasureFiling } from '../../src/erasure/requests/filing';
import { IdempotencyKeys } from '../../src/gateway/idempotency/idempotency-keys';
import { CHANGE_FAILED, type ChangeRecorder, changing } from '../../src/identity/change-recorder';
import { KeyStore } from '../../src/keys/key-store';
import { Notices } from '../../src/register/notices';
import { alongside, type Companion } from '../../src/storage/companions';
import { inTransaction } from '../../src/storage/transaction';
import { isInSteps, tallyingWrites } from '../../src/storage/write-outcome';
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
  const pass = (): Promise<void> => {
    arrive();
    return opened;
  };
  return { open, arrived, pass };
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
      if (reinstatedFrom === null) await server.post(dpo, 'LEGAL', reinstate, { input: { id, reason: 'made ready' } });
  };

  test('one that fails between its steps is told as done in part, then and when it is sent again', async () => {
    await free();
    const [key, before] = [randomUUID(), await notices()];
    const failing = jest.spyOn(Notices.prototype, 'send').mockRejectedValueOnce(new Error('its key does not open'));
    const first = await send(key, suspend, suspension, dpo);
    expect(told(first)).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', write: 'PARTLY' });
    // The others were notified all the same.
    expect([await notices(), failing.mock.calls.length]).toEqual([before + 1, 2]);
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
    expect(told(await send(key, suspend, suspension, dpo))).toEqual({
      code: 'IDEMPOTENCY_KEY_IN_USE',
      write: 'UNKNOWN',
    });
    await letLeasesLapse();
    expect(told(await send(key, suspend, suspension, dpo))).toMatchObject({ code: 'ALREADY_DONE', write: 'PARTLY' });
    open();
    const late = await slow;
    expect([late.status, told(late)]).toEqual([409, { code: 'IDEMPOTENCY_KEY_IN_USE', write: 'UNKNOWN' }]);
    expect(late.headers['retry-after']).toBe('1');
    // Neither at home, where the key is kept, nor in the other region.
    expect(await notices()).toBe(before);
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
    const { customers } = server.app.services;
    const ids: string[] = [];
    for (const firstName of ['Bo', 'Cy'])
      ids.push(await customers.create(acme, { firstName, residency: 'DE' }, 'test'));
    const [, failing] = ids;
    const real = ErasureFiling.prototype.file;
    jest.spyOn(ErasureFiling.prototype, 'file').mockImplementation(async function (this: ErasureFiling, ...asked) {
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

  test('a report that is too long to be kept is told as what it was: done in part', async () => {
    const acme = (await server.app.services.clients.find('acme'))?.id ?? '';
    const one = await server.app.services.customers.create(acme, { firstName: 'Di', residency: 'DE' }, 'test');
    const damaged = Array.from({ length: 1_500 }, () => randomUUID());
    const real = ErasureFiling.prototype.file;
    jest.spyOn(ErasureFiling.prototype, 'file').mockImplementation(async function (this: ErasureFiling, ...asked) {
      if (asked[1].some((id) => id !== one)) throw new Error('a damaged row');
      return real.apply(this, asked);
    });
    // A page that has failed as a whole ends a call; so each has somebody who can be erased.
    const pages = [0, 1, 2].map((page) => [one, ...damaged.slice(page * 499, (page + 1) * 499)]);
    const [key, variables] = [randomUUID(), { input: { customerIds: pages.flat(), grounds: 'OBJECTION' } }];
    const first = await send(key, erase, variables, admin);
    expect(first.body.errors).toBeUndefined();
    const second = await send(key, erase, variables, admin);
    expect(told(second)).toMatchObject({ code: 'ALREADY_DONE', write: 'PARTLY' });
  });

  test('until the key is looked up, it is unknown whether an earlier request has done it', async () => {
    const [key, before] = [randomUUID(), await count('customer')];
    expect((await send(key, create, somebody('Em'), admin)).body.errors).toBeUndefined();
    await home().query('ALTER TABLE idempotency_key RENAME TO idempotency_key_away');
    const lost = await send(key, create, somebody('Em'), admin);
    await home().query('ALTER TABLE idempotency_key_away RENAME TO idempotency_key');
    expect(told(lost)).toMatchObject({ write: 'UNKNOWN' });
    expect((await send(key, create, somebody('Em'), admin)).headers['idempotency-replayed']).toBe('true');
    expect(await count('customer')).toBe(before + 1);
  });

  test('every write that spans two databases says that it takes several steps', async () => {
    await free();
    const commits: boolean[] = [];
    const counting: Companion = {
      isOfEach: true,
      isFor: () => true,
      write: async () => void commits.push(isInSteps()),
    };
    const stepsOf = async (query: string, variables: object, asker: Asker): Promise<readonly boolean[]> => {
      commits.length = 0;
      const { result } = await alongside(counting, () => server.app.ask(asker, 'LEGAL', query, { ...variables }));
      expect(result.errors).toBeUndefined();
      return [...commits];
    };
    expect(await stepsOf(suspend, suspension, dpo)).toEqual([true, true, true]);
    const client = { slug: 'remote', name: 'Remote', country: 'DE', hostingRegion: 'EU' };
    const administrator = { name: 'Boss', email: 'boss@example.org' };
    expect(await stepsOf(register, { input: { ...client, administrator } }, staff)).toEqual([true, true]);
    const { clients, records } = server.app.services;
    const remote = (await clients.find('remote'))?.id ?? '';
    const order = { purpose: 'LEGAL' as const, reason: 'end us', acts: ['END_CLIENT' as const] };
    await records.instruct({ client: remote, principal: 'boss' }, order);
    const end = `mutation ($input: TerminateClientInput!) { terminateClient(input: $input) { proposal { id } } }`;
    const ending = { input: { clientId: remote, effectiveOn: '2040-01-01T00:00:00Z' } };
    const { data } = await server.app.ask({ ...staff, client: 'remote' }, 'LEGAL', end, ending);
    const proposed = data?.terminateClient as { proposal: { id: string } } | undefined;
    const confirm = `mutation ($input: ConfirmProposalInput!) { confirmProposal(input: $input) { proposal { id } } }`;
    const deputy = { ...dpo, client: 'remote', subject: 'deputy@platform' };
    expect(await stepsOf(confirm, { input: { id: proposed?.proposal.id } }, deputy)).toEqual([true, true]);
  });

  test('a change by a task or an operator that fails midway is recorded as made in part', async () => {
    const entries: Array<readonly [kind: string, outcome: unknown]> = [];
    const recorder: ChangeRecorder = {
      record: async (kind, { details }) => {
        entries.push([kind, details?.outcome]);
        return 'entry';
      },
    };
    const change = { principal: 'task' };
    const midway = changing(recorder, 'ERASURES_REQUESTED', change, async () => {
      await letLeasesLapse();
      throw new Error('while it only reads');
    });
    await expect(midway).rejects.toThrow('while it only reads');
    const asked = tallyingWrites(async (tally) => {
      const reading = changing(recorder, 'CLIENT_TERMINATED', change, async () => {
        await letLeasesLapse();
        throw new Error('while it only reads');
      });
      await reading.catch(() => undefined);
      return tally.outcome;
    });
    expect(await asked).toBe('PARTLY');
    const unbegun = changing(recorder, 'ERASURES_REQUESTED', change, async () => {
      throw new Error('before anything was done');
    });
    await expect(unbegun).rejects.toThrow('before anything was done');
    expect(entries.filter(([kind]) => kind === CHANGE_FAILED)).toEqual([
      [CHANGE_FAILED, 'PARTLY'],
      [CHANGE_FAILED, 'PARTLY'],
      [CHANGE_FAILED, undefined],
    ]);
  });
});
