import { verifyCertificate } from '../../src/erasure/records/certificate';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { CANARY, countRows, dump, newClient, plantedRows, plantPeople } from './people';
import { workerAt } from './work';

const terminate = `mutation ($input: TerminateClientInput!) { terminateClient(input: $input) {
  request { id kind status dueAt startsAt } } }`;
const nothing = Object.fromEntries(Object.keys(plantedRows).map((table) => [table, 0]));
const DAY = 86_400_000;

describe.each(databases)('the end of a client on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let now: number;
  /** The client's own: for the platform two persons would have to agree. */
  const adminOf = (client: string): Asker => ({ role: 'CLIENT_ADMIN', client });

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    now = Date.now();
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const end = async (input: { clientId: string } & Record<string, unknown>) => {
    const result = await app.ask(adminOf(input.clientId), 'LEGAL', terminate, { input });
    expect(result.errors).toBeUndefined();
    return (result.data as { terminateClient: { request: { id: string; dueAt: string; startsAt: string } } })
      .terminateClient.request;
  };
  /** Small chunks, so that every table takes several, and a clock of the test's own. */
  const drain = async (at = now, chunkRows = 7) => {
    const failures: unknown[] = [];
    await workerAt(app, at, { chunkRows, onFailure: (error) => failures.push(error) }).drain();
    expect(failures).toEqual([]);
  };
  const withUser = async (slug: string) => {
    const administrator = { name: `${CANARY} user`, email: `${CANARY}-${slug}@example.org` };
    return (await app.services.clients.register({ slug, name: slug, administrator }, 'test')).id;
  };
  const userCount = async (client: string) => {
    const [row] = await app.stores.regions.home.query<Array<{ n: number }>>(
      'SELECT COUNT(*) AS n FROM client_user WHERE client_id = ?',
      [client],
    );
    return Number(row?.n);
  };

  test('D1, D3: everything of a client goes within 90 days of its end, in chunks, and nobody else is touched', async () => {
    const [leaving, staying] = [await withUser('leaving'), await newClient(app.services, 'staying')];
    const people = await plantPeople(app.stores, leaving, [1, 2, 3, 4, 5]);
    await plantPeople(app.stores, staying, [6]);
    await app.services.erasure.erasures.request(leaving, people[0]?.id ?? '', {
      principal: 'a',
      role: 'CLIENT_ADMIN',
      grounds: 'OBJECTION',
      notBefore: now + DAY,
    });
    const takenOver = await app.services.erasure.erasures.request(leaving, people[1]?.id ?? '', {
      principal: 'a',
      role: 'CLIENT_ADMIN',
      grounds: 'OBJECTION',
      notBefore: now + 300 * DAY,
    });
    const effectiveOn = new Date(now + 10 * DAY);
    const { id, dueAt, startsAt } = await end({ clientId: 'leaving', effectiveOn });
    expect(startsAt).toBe(effectiveOn.toISOString());
    expect(Date.parse(dueAt)).toBe(effectiveOn.getTime() + 90 * DAY);
    const again = await app.ask(adminOf('leaving'), 'LEGAL', terminate, {
      input: { clientId: 'leaving', effectiveOn },
    });
    expect(again).toMatchObject({ errors: [{ extensions: { code: 'CONFLICT' } }] });
    await drain();
    expect((await countRows(app.stores, leaving)).customer).toBe(5);
    await drain(now + 2 * DAY);

    await drain(now + 11 * DAY);
    expect(await countRows(app.stores, leaving)).toEqual(nothing);
    expect(await userCount(leaving)).toBe(0);
    expect(await countRows(app.stores, staying)).toEqual(plantedRows);
    await expect(app.stores.keys.derivedKey(leaving, 'ledger')).rejects.toMatchObject({ code: 'CLIENT_KEY_DESTROYED' });
    const { records, signingKeys, erasures } = app.services.erasure;
    expect(await erasures.find(leaving, id)).toMatchObject({ status: 'COMPLETED' });
    const steps = await erasures.steps(leaving, id);
    const rows = Object.fromEntries(steps.map((step) => [step.store, step.rows]));
    // One of the five went by a request of their own, a day before.
    for (const [table, n] of Object.entries(plantedRows))
      expect([table, rows[`data:${table}`]]).toEqual([table, n * 4]);
    expect(rows).toMatchObject({ 'data:client_user': 1, 'keys:subject_key': 5, 'keys:client_key': 1 });
    const entry = await records.require(leaving, id);
    const statement = await verifyCertificate(entry.certificate ?? '', await signingKeys.publicKeys());
    expect(statement).toMatchObject({ kind: 'CLIENT', keyDestroyed: true, retained: [] });
    expect(await erasures.find(leaving, takenOver.id)).toMatchObject({ status: 'COMPLETED', endedBy: id });
    expect(await erasures.certificate(leaving, takenOver.id)).toBe(entry.certificate);
    const kept = await dump(app.stores.keysSource);
    for (const person of people) expect(kept).not.toContain(person.id);
  });

  test('D1: longer is agreed by name, or it is not', async () => {
    await newClient(app.services, 'longer');
    const effectiveOn = new Date(now);
    const retainUntil = new Date(now + 400 * DAY);
    const unsaid = await app.ask(adminOf('longer'), 'LEGAL', terminate, {
      input: { clientId: 'longer', effectiveOn, retainUntil },
    });
    expect(unsaid).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    const agreed = await end({ clientId: 'longer', effectiveOn, retainUntil, agreementReference: 'DPA 4, § 9(2)' });
    expect([agreed.startsAt, agreed.dueAt]).toEqual([retainUntil.toISOString(), retainUntil.toISOString()]);
    const foreign: Asker = { role: 'CLIENT_ADMIN', client: 'staying' };
    const other = await app.ask(foreign, 'LEGAL', terminate, { input: { clientId: 'longer', effectiveOn } });
    expect(other).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  });

  test('D5: client users stay as long as a dispute needs them, then go; a held person goes when the hold ends', async () => {
    const client = await withUser('disputed');
    const [held] = await plantPeople(app.stores, client, [1, 2]);
    const actor = { client, principal: 'test' };
    const hold = await app.services.erasure.holds.place(actor, {
      customerId: held?.id ?? '',
      categories: ['COMMERCE'],
      matter: 'm',
      reason: 'r',
    });
    const claimsUntil = new Date(now + 365 * DAY);
    const { id } = await end({
      clientId: 'disputed',
      effectiveOn: new Date(now),
      claimsReason: 'DISPUTE',
      claimsUntil,
    });
    await drain(now + DAY);
    const { erasures } = app.services.erasure;
    const state = await erasures.find(client, id);
    expect(state).toMatchObject({ status: 'PARTIALLY_COMPLETED' });
    const retained = state ? await erasures.retained(state) : [];
    expect(retained.map(({ category, until }) => [category, until])).toEqual([
      ['COMMERCE', null],
      ['NAME', claimsUntil],
      ['CONTACT', claimsUntil],
    ]);
    expect(await userCount(client)).toBe(1);
    expect(await countRows(app.stores, client)).toEqual({ ...nothing, customer: 1, purchase_order: 2, order_item: 4 });
    expect((await app.stores.keys.subjectKeys(client, [held?.id ?? ''])).size).toBe(1);

    await app.services.erasure.holds.release(actor, hold.id);
    await drain(now + 2 * DAY);
    expect(await countRows(app.stores, client)).toEqual(nothing);
    expect(await userCount(client)).toBe(1);
    await drain(now + 366 * DAY);
    expect(await userCount(client)).toBe(0);
    expect(await erasures.find(client, id)).toMatchObject({ status: 'COMPLETED' });
    await expect(app.stores.keys.derivedKey(client, 'ledger')).rejects.toMatchObject({ code: 'CLIENT_KEY_DESTROYED' });
  });

  test('retention: what has outlived its rule is previewed, then filed by a sweep', async () => {
    const client = await newClient(app.services, 'tidy');
    const old = new Date(now - 800 * DAY);
    await plantPeople(app.stores, client, [1, 2], { createdAt: old });
    await plantPeople(app.stores, client, [3], { createdAt: new Date(now - 10 * DAY) });
    const admin: Asker = { role: 'CLIENT_ADMIN', client: 'tidy' };
    const set = 'mutation ($input: SetRetentionInput!) { setRetention(input: $input) { retention { category days } } }';
    const bad = await app.ask(admin, 'LEGAL', set, { input: { category: 'HEALTH', days: 0 } });
    expect(bad).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    await app.ask(admin, 'LEGAL', set, { input: { category: 'CORRESPONDENCE', days: 365 } });
    expect(await app.ask(admin, 'LEGAL', set, { input: { days: 1000 } })).toMatchObject({
      data: {
        setRetention: {
          retention: [
            { category: 'CORRESPONDENCE', days: 365 },
            { category: null, days: 1000 },
          ],
        },
      },
    });
    const { retention } = app.services.erasure;
    const due = async () => (await retention.preview(client)).map(({ category, customers }) => [category, customers]);
    expect(await due()).toEqual([
      ['CORRESPONDENCE', 2],
      [null, 0],
    ]);
    expect(await retention.sweep()).toBe(2);
    expect(await retention.sweep()).toBe(0);
    await drain(Date.now() + 1_000);
    const rows = { customer: 3, purchase_order: 6, order_item: 12, conversation: 1, message: 3 };
    expect(await countRows(app.stores, client)).toMatchObject(rows);
    expect(await due()).toEqual([
      ['CORRESPONDENCE', 0],
      [null, 0],
    ]);
    await app.ask(admin, 'LEGAL', set, { input: { days: 700 } });
    expect(await retention.sweep()).toBe(2);
    await drain(Date.now() + 1_000);
    expect(await countRows(app.stores, client)).toMatchObject({ customer: 1, health_record: 1 });
  });
});
