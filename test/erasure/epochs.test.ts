import type { DataSource } from 'typeorm';
import { jobWorker } from '../../src/background';
import { type SecondStatement, verifyCertificate, WITHOUT_EPOCH } from '../../src/erasure/records/certificate';
import { digestOf, verifyEpochRecords } from '../../src/erasure/records/epoch-record';
import { openErasures } from '../../src/erasure/requests/open-erasures';
import { DAY_MS, HOUR_MS } from '../../src/law/calendar';
import { inTransaction } from '../../src/storage/transaction';
import { Customer } from '../../src/subjects/customer';
import { TenantWriter } from '../../src/tenancy/tenant-writer';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';
import { CANARY, countRows, newClient, plantedRows, plantPeople } from './people';
import { workerAt } from './work';

const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
const look = `query ($id: ID!) { erasureRequest(id: $id) { status keyDeletedAt finalAt completedAt certificate
  subject { customerId } keyEpoch { number state endedAt record } } }`;
const nothing = Object.fromEntries(Object.keys(plantedRows).map((table) => [table, 0]));

/** As GraphQL gives it. */
interface Seen {
  readonly status: string;
  readonly keyDeletedAt: Date | string | null;
  readonly finalAt: Date | string | null;
  readonly certificate: string | null;
  readonly subject: { readonly customerId: string } | null;
  readonly keyEpoch: { readonly number: number; readonly state: string; readonly record: string | null } | null;
}

describe.each(databases)('erasures and the epochs of keys, on $name', ({ create }) => {
  let database: TestDatabase;
  let base: TestApp;
  let app: TestApp;
  let source: DataSource;
  let client: string;
  let officer: Asker;
  /** The number of the current epoch. */
  let now: number;
  let tests = 0;
  const failures: unknown[] = [];

  beforeAll(async () => {
    database = await create();
    base = await openTestApp(database);
    app = await base.replica({ epoch: DAY_MS });
    source = app.stores.regions.home;
  });
  afterAll(async () => {
    await app.close();
    await base.close();
    await database.drop();
  });
  beforeEach(async () => {
    const slug = `client-${++tests}`;
    client = await newClient(app.services, slug);
    officer = { role: 'CLIENT_PRIVACY_OFFICER', client: slug };
    now = (await app.stores.keys.epochs.list()).at(-1)?.number ?? 0;
  });
  afterEach(async () => {
    // Nothing is left for the next one.
    await turn();
    await drain();
    expect([...failures, ...app.internalErrors]).toEqual([]);
  });

  const drain = ({ stores, services }: TestApp = app) =>
    jobWorker(stores, services, { onFailure: (error) => failures.push(error) }).drain();
  const turn = ({ services }: TestApp = app) => services.erasure.turning.turn();
  const request = async (customerId: string, more = {}) =>
    (await app.services.erasure.erasures.request(client, customerId, { ...filing, ...more })).id;
  const find = async (id: string) => {
    const state = await app.services.erasure.erasures.find(client, id);
    if (!state) throw new Error('there is no such request');
    return state;
  };
  const see = async (id: string): Promise<Seen> => {
    const { data, errors } = await app.ask(officer, 'LEGAL', look, { id });
    expect(errors).toBeUndefined();
    return data?.erasureRequest as unknown as Seen;
  };
  const keysOf = () => app.services.erasure.signingKeys.publicKeys();
  const statementOf = async (id: string) => {
    const certificate = await app.services.erasure.erasures.certificate(client, id);
    return (await verifyCertificate(certificate ?? '', await keysOf())) as SecondStatement;
  };
  const plant = async (...numbers: number[]) => (await plantPeople(app.stores, client, numbers)).map(({ id }) => id);

  test('a person is gone at once, and erased for good once the epoch has ended', async () => {
    const [person = '', bystander = ''] = await plant(1, 2);
    const id = await request(person);
    const asked = Date.now();
    await drain();
    const awaiting = await see(id);
    expect(awaiting).toMatchObject({
      ...{ status: 'AWAITING_EPOCH', completedAt: null, certificate: null, subject: null },
      keyEpoch: { number: now, state: 'CURRENT', endedAt: null, record: null },
    });
    const deletedAt = new Date(awaiting.keyDeletedAt ?? 0).getTime();
    expect(deletedAt).toBeGreaterThanOrEqual(asked);
    // Epochs end daily, by a task that looks each hour.
    const foreseen = new Date(awaiting.finalAt ?? 0).getTime();
    expect([foreseen > deletedAt, foreseen <= Date.now() + DAY_MS + HOUR_MS]).toEqual([true, true]);
    expect(await countRows(app.stores, client)).toEqual(plantedRows);
    expect((await app.stores.keys.subjectKeys(client, [person])).size).toBe(0);
    const [held] = await source.query<unknown[]>('SELECT id FROM erasure_request WHERE customer_id = ?', [person]);
    expect(held).toBeUndefined();
    // Nobody asks again before the epoch can have ended.
    expect(await drain()).toBe(0);

    expect(await turn()).toMatchObject({ turned: [{ store: 'keys', epoch: now, destroyed: 1 }], woken: 1 });
    await drain();
    const done = await see(id);
    const [ended, current] = (await app.stores.keys.epochs.list()).slice(-2);
    expect([ended?.state, current?.state]).toEqual(['ENDED', 'CURRENT']);
    const record = digestOf(ended?.record ?? '');
    const finalAt = new Date(ended?.endedAt ?? 0);
    expect(done).toMatchObject({ status: 'COMPLETED', keyEpoch: { number: now, state: 'ENDED', record } });
    expect(new Date(done.finalAt ?? 0)).toEqual(finalAt);
    expect(done.keyDeletedAt).toEqual(awaiting.keyDeletedAt);
    const statement = await statementOf(id);
    expect(statement).toMatchObject({
      ...{ version: 2, keyDestroyed: true, finalAt: finalAt.toISOString(), epoch: { number: now, record } },
      keyDeletedAt: new Date(deletedAt).toISOString(),
    });
    expect(statement).not.toHaveProperty('withoutEpoch');
    expect(await turn()).toMatchObject({ woken: 0 });
    expect((await app.stores.keys.subjectKeys(client, [bystander])).size).toBe(1);
  });

  test('each epoch leaves a signed record that names the one before it, and an entry in the ledger', async () => {
    for (const person of await plant(1, 2)) {
      await request(person);
      await drain();
      await turn();
    }
    const records = (await app.services.erasure.epochRecords.all()).slice(-2);
    const verified = await verifyEpochRecords(records, await keysOf());
    const [first, second] = verified;
    expect(first?.statement).toMatchObject({ store: 'keys', epoch: now, destroyed: 1 });
    expect(second?.statement).toMatchObject({
      epoch: now + 1,
      previous: first?.digest,
      root: first?.statement.nextRoot,
    });
    const filter = { kind: 'KEY_EPOCH_ENDED' };
    const entries = await app.services.auditReader.entries(undefined, filter, 2, undefined);
    expect(entries.map(({ client: about, details }) => [about ?? null, details])).toEqual(
      verified.toReversed().map(({ digest, statement }) => {
        return [null, { store: 'keys', epoch: statement.epoch, record: digest }];
      }),
    );

    const [one = '', two = ''] = records;
    await expect(verifyEpochRecords([two, one], await keysOf())).rejects.toThrow(
      `comes behind that of epoch ${now + 1}`,
    );
    const other = await verifyEpochRecords([two], await keysOf());
    expect(other).toHaveLength(1);
    const { payload, ...rest } = JSON.parse(two) as Record<string, string>;
    const forged = { ...JSON.parse(Buffer.from(String(payload), 'base64url').toString()), destroyed: 0 };
    const altered = { ...rest, payload: Buffer.from(JSON.stringify(forged)).toString('base64url') };
    await expect(verifyEpochRecords([one, JSON.stringify(altered)], await keysOf())).rejects.toThrow('signature');
    const certificate = (await app.services.erasure.erasures.list(client, {}, 1, undefined))[0];
    await drain();
    const signed = await app.services.erasure.erasures.certificate(client, certificate?.id ?? '');
    await expect(verifyEpochRecords([signed ?? ''], await keysOf())).rejects.toThrow('is no record of an epoch');
  });

  test('some categories, and a person without a key, await no epoch', async () => {
    const [person = '', keyless = ''] = await plant(1, 2);
    await app.stores.keysSource.query('DELETE FROM subject_key WHERE subject_id = ?', [keyless]);
    const partly = await request(person, { categories: ['COMMERCE'] });
    const absent = await request(keyless);
    await drain();
    for (const id of [partly, absent]) {
      expect(await see(id)).toMatchObject({ status: 'COMPLETED', keyDeletedAt: null, finalAt: null, keyEpoch: null });
      const statement = await statementOf(id);
      expect(statement).toMatchObject({ version: 2, keyDestroyed: false, keyDeletedAt: null, epoch: null });
      expect(statement).not.toHaveProperty('withoutEpoch');
    }
    expect(await statementOf(absent)).toMatchObject({ keyAbsent: true });
  });

  test('where epochs are off it is completed at once, and the certificate says that none has ended', async () => {
    const [person = ''] = await plant(1);
    const id = await request(person);
    await drain(base);
    expect(await find(id)).toMatchObject({ status: 'COMPLETED', keyEpoch: now, finalAt: null });
    expect(await statementOf(id)).toMatchObject({
      ...{ keyDestroyed: true, keyDeletedAt: expect.any(String), finalAt: null, epoch: null },
      withoutEpoch: WITHOUT_EPOCH,
    });
  });

  test('the end of a client awaits its epoch too, and does not wait for people who await theirs', async () => {
    const [held = '', other = ''] = await plant(1, 2);
    const actor = { client, principal: 'test' };
    const { holds, terminations, erasures } = app.services.erasure;
    const hold = await holds.place(actor, { customerId: held, categories: ['COMMERCE'], matter: 'm', reason: 'r' });
    const { id } = await terminations.terminate({ clientId: client, effectiveOn: new Date() }, filing);
    await drain();
    // The other person's key is deleted with the first pass, which is certified once that is final.
    expect(await find(id)).toMatchObject({ status: 'AWAITING_EPOCH', keyEpoch: now });
    expect((await app.stores.keys.subjectKeys(client, [held, other])).size).toBe(1);
    await turn();
    await drain();
    expect(await find(id)).toMatchObject({ status: 'PARTIALLY_COMPLETED', keyEpoch: now, finalAt: expect.any(Number) });
    expect(await statementOf(id)).toMatchObject({ keyDestroyed: false, epoch: { number: now } });

    await holds.release(actor, hold.id);
    await drain();
    const [ofHeld] = (await erasures.list(client, {}, 10, undefined)).filter(({ kind }) => kind === 'CUSTOMER');
    expect(await find(ofHeld?.id ?? '')).toMatchObject({ status: 'AWAITING_EPOCH', customerId: null });
    expect(await find(id)).toMatchObject({ status: 'AWAITING_EPOCH', keyEpoch: now + 1, finalAt: null });
    expect(await countRows(app.stores, client)).toEqual(nothing);
    await expect(app.stores.keys.derivedKey(client, 'cursor')).rejects.toMatchObject({ code: 'CLIENT_KEY_DESTROYED' });

    await turn();
    await drain();
    expect(await find(id)).toMatchObject({ status: 'COMPLETED', keyEpoch: now + 1 });
    expect(await statementOf(id)).toMatchObject({ kind: 'CLIENT', keyDestroyed: true, epoch: { number: now + 1 } });
    expect(await find(ofHeld?.id ?? '')).toMatchObject({ status: 'COMPLETED' });
    expect(await statementOf(ofHeld?.id ?? '')).toMatchObject({ keyDestroyed: true, epoch: { number: now + 1 } });
    expect(await source.query('SELECT id FROM job WHERE client_id = ?', [client])).toEqual([]);
  });

  test('after a restore of the data the ledger of erasures still says when the key was deleted', async () => {
    const [person = ''] = await plant(1);
    const since = Date.now();
    const id = await request(person);
    await drain();
    const before = await find(id);
    // The backup has the person, and not the request.
    const lose = async () => {
      for (const table of ['erasure_request', 'erasure_step', 'job'])
        await source.query(`DELETE FROM ${table} WHERE client_id = ?`, [client]);
      await inTransaction(source, (manager) =>
        new TenantWriter(manager, app.stores.keys).insert(Customer, client, [{ id: person, residency: 'DE' }]),
      );
    };
    await lose();
    await turn();
    const [one] = await plant(2);
    const other = await request(one ?? '');
    expect(await app.services.erasure.replay.run({ since })).toMatchObject([{ request: id, rows: 1 }]);
    await drain();
    // It was final before it was repeated.
    expect(await find(id)).toMatchObject({ status: 'COMPLETED', keyEpoch: now, keyDeletedAt: before.keyDeletedAt });
    const statement = await statementOf(id);
    expect(statement).toMatchObject({ keyDestroyed: true, epoch: { number: now } });
    await lose();
    expect(await app.services.erasure.replay.run({ since })).toMatchObject([
      { request: id, rows: 1 },
      { request: other, rows: 0 },
    ]);
    await drain();
    expect(await find(id)).toMatchObject({ status: 'COMPLETED', keyEpoch: now });
    expect(await statementOf(id)).toEqual(statement);
    // Of the other one nothing came back. It is certified all the same, once its epoch has ended.
    expect(await find(other)).toMatchObject({ status: 'AWAITING_EPOCH', keyEpoch: now + 1 });
  });

  /** What a process does outside the data's database, and dies of before anybody notes it. */
  const deaths: ReadonlyArray<readonly [string, (dying: TestApp) => object, string]> = [
    ['the deletion of the key', ({ stores }) => stores.keys, 'destroySubjectKey'],
    ['the record of the deletion', ({ services }) => services.erasure.records, 'keysDeleted'],
    ['the certificate', ({ services }) => services.erasure.records, 'conclude'],
  ];
  test.each(deaths)('a process that dies behind %s leaves the same end', async (_what, of, method) => {
    const [person = ''] = await plant(1);
    const id = await request(person);
    const dying = await app.replica();
    const target = of(dying) as Record<string, (...given: unknown[]) => Promise<unknown>>;
    const real = target[method]?.bind(target);
    let died = 0;
    jest.spyOn(target, method).mockImplementation(async (...given) => {
      await real?.(...given);
      died++;
      throw new Error('the process died');
    });
    const dead: unknown[] = [];
    const work = () => jobWorker(dying.stores, dying.services, { onFailure: (error) => dead.push(error) }).drain();
    await work();
    await turn();
    // Another one comes when the first one's lease has ended, or its pause after a failure.
    const sooner = () => source.query('UPDATE job SET run_at = 0, lease_until = NULL WHERE run_at > 0');
    await sooner();
    await work();
    expect([died > 0, dead.length > 0]).toEqual([true, true]);
    await dying.close();

    await sooner();
    await drain();
    const state = await find(id);
    const endedFirst = (await app.stores.keys.epochs.list()).find(({ number }) => number === now);
    if (state.status === 'AWAITING_EPOCH') {
      // What was not noted counts from when it was found: a later epoch is late enough.
      expect(state.keyEpoch).toBe(now + 1);
      await turn();
      await drain();
    }
    const done = await find(id);
    expect(done).toMatchObject({ status: 'COMPLETED', customerId: null });
    expect(done.finalAt).toBeGreaterThanOrEqual(Number(endedFirst?.endedAt));
    expect(await statementOf(id)).toMatchObject({ keyDestroyed: true, epoch: { number: done.keyEpoch } });
    expect(await countRows(app.stores, client)).toEqual(nothing);
  });

  test('the turning wakes what waits by few statements, and what waits for a later epoch sleeps on', async () => {
    const people = await plant(1, 2, 3, 4, 5);
    for (const person of people) await request(person);
    await drain();
    await turn();
    const [late = ''] = await plant(6);
    const later = await request(late);
    await drain();
    expect(await find(later)).toMatchObject({ status: 'AWAITING_EPOCH', keyEpoch: now + 1 });
    const logs = [source, app.stores.keysSource].map(recordSql);
    expect(await app.services.erasure.turning.wake()).toBe(0);
    // One look at those that wait, and one at their epoch.
    expect(logs.flatMap((log) => log.take()).length).toBeLessThanOrEqual(2);
  });

  test('terms run on while an epoch is awaited, and a wait that lasts is told', async () => {
    const [person = ''] = await plant(1);
    const id = await request(person);
    await drain();
    const state = await find(id);
    const { regions } = app.stores;
    const at = (ms: number) => openErasures(regions, () => ms);
    expect(await at(Date.now())).toMatchObject({ dueSoon: 0, overdue: 0, stuck: 0, awaitingSince: state.keyDeletedAt });
    expect(await at(state.dueAt - DAY_MS)).toMatchObject({ dueSoon: 1, overdue: 0, nextDueAt: state.dueAt });
    expect(await at(state.dueAt + 1)).toMatchObject({ dueSoon: 1, overdue: 1 });
    expect((await at(Date.now())).byStatus).toEqual(new Map([['AWAITING_EPOCH', 1]]));
    await turn();
    await drain();
    expect(await at(Date.now())).toMatchObject({ awaitingSince: undefined, nextDueAt: undefined });
  });

  test('where a key service keeps a destroyed root for some days, it is final when that is over', async () => {
    const [person = ''] = await plant(1);
    const id = await request(person);
    await drain();
    await turn();
    const finalAt = Date.now() + 7 * DAY_MS;
    await app.stores.keysSource.query('UPDATE key_epoch SET ended_at = ? WHERE number = ?', [finalAt, now]);
    await drain();
    expect(await find(id)).toMatchObject({ status: 'AWAITING_EPOCH', finalAt });
    const seen = await see(id);
    expect([new Date(seen.finalAt ?? 0).getTime(), seen.keyEpoch?.state]).toEqual([finalAt, 'ENDED']);
    // Nobody can hasten it, so nobody is alarmed.
    expect((await openErasures(app.stores.regions)).awaitingSince).toBeUndefined();
    await workerAt(app, finalAt - 1).drain();
    expect((await find(id)).status).toBe('AWAITING_EPOCH');
    await workerAt(app, finalAt + 1).drain();
    expect(await find(id)).toMatchObject({ status: 'COMPLETED', finalAt });
    expect(await statementOf(id)).toMatchObject({ finalAt: new Date(finalAt).toISOString() });
    await app.stores.keysSource.query('UPDATE key_epoch SET ended_at = ? WHERE number = ?', [Date.now(), now]);
  });

  test('the client is told at its own endpoint when the key is deleted, and when that is final', async () => {
    const { webhooks, webhookBodies } = app.services;
    await webhooks.register(client, { kind: 'CLIENT', id: client }, { url: 'http://127.0.0.1:9/' }, 'test');
    const [person = ''] = await plant(1);
    const id = await request(person);
    const told = async () => {
      const sql = 'SELECT event FROM webhook_delivery WHERE client_id = ? AND reference = ? ORDER BY id';
      const rows = await source.query<Array<{ event: string }>>(sql, [client, id]);
      const state = (event: string) => webhookBodies.get(event)?.(client, id);
      return Promise.all(rows.map(async ({ event }) => [event, await state(event)]));
    };
    await drain();
    const destroyed = { request: id, status: 'AWAITING_EPOCH', keyEpoch: now, finalAt: null };
    expect(await told()).toMatchObject([['erasure.destroyed', destroyed]]);
    await turn();
    await drain();
    const completed = { request: id, status: 'COMPLETED', keyEpoch: now, finalAt: expect.any(String) };
    expect(await told()).toMatchObject([['erasure.completed', completed]]);
    expect(JSON.stringify(await told())).not.toContain(person);
  });

  test('who is erased is not taken in again while the epoch is awaited', async () => {
    const [person = ''] = await plant(1);
    await request(person);
    await drain();
    const create = 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }';
    const input = { email: `${CANARY}-1@EXAMPLE.org`, firstName: 'B', residency: 'DE' };
    const refused = await app.ask({ role: 'CLIENT_AGENT', client: officer.client ?? '' }, 'SUPPORT', create, { input });
    expect(refused).toMatchObject({ errors: [{ extensions: { code: 'ERASED' } }] });
  });
});
