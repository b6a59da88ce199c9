import type { ExportStatus } from '../../src/exports/client-export';
import { countRows, newClient, plantedRows, plantPeople } from '../erasure/people';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { collect, drainAt, smallModule } from './reading';

const fields = 'id status dueAt startsAt export { id status reason readyAt collectBy collectedAt bytes rows }';
const terminate = `mutation ($input: TerminateClientInput!) { terminateClient(input: $input) { request { ${fields} } } }`;
const look = `query ($id: ID!) { erasureRequest(id: $id) { ${fields} } }`;
const cancel = `mutation ($id: ID!) { cancelErasure(input: { id: $id }) { request { ${fields} } } }`;
const nothing = Object.fromEntries(Object.keys(plantedRows).map((table) => [table, 0]));
const times = (n: number) => Object.fromEntries(Object.entries(plantedRows).map(([table, rows]) => [table, rows * n]));
const DAY = 86_400_000;

interface Termination {
  readonly id: string;
  readonly status: string;
  readonly dueAt: string;
  readonly export: {
    id: string;
    status: ExportStatus;
    reason: string | null;
    collectBy: string;
    readyAt: string;
  } | null;
}

describe.each(databases)('a client’s end that is to be preceded by an export, on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let now: number;
  let uncollected: string[];

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    now = Date.now();
  });
  beforeEach(() => {
    uncollected = [];
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const adminOf = (client: string): Asker => ({ role: 'CLIENT_ADMIN', client });
  const end = async (clientId: string, more: object = {}): Promise<Termination> => {
    const input = { clientId, effectiveOn: new Date(now + 10 * DAY), exportFirst: true, ...more };
    const { data, errors } = await app.ask(adminOf(clientId), undefined, terminate, { input });
    expect(errors).toBeUndefined();
    return (data as { terminateClient: { request: Termination } }).terminateClient.request;
  };
  const state = async (client: string, id: string): Promise<Termination> => {
    const { data, errors } = await app.ask(adminOf(client), undefined, look, { id });
    expect(errors).toBeUndefined();
    return data?.erasureRequest as Termination;
  };
  const drain = async (at: number) => {
    const small = smallModule(app, {
      now: () => at,
      onUncollected: ({ id, status }) => uncollected.push(`${id} ${status}`),
    });
    expect(await drainAt(app, at, small)).toEqual([]);
  };
  const chunks = async (client: string) => {
    const [row] = await app.stores.regions.home.query<Array<{ n: number }>>(
      'SELECT COUNT(*) AS n FROM export_chunk WHERE client_id = ?',
      [client],
    );
    return Number(row?.n);
  };

  test('waits until it is collected, then goes on at once', async () => {
    const client = await newClient(app.services, 'collecting');
    await plantPeople(app.stores, client, [1, 2, 3]);
    await newClient(app.services, 'staying');
    const { id, dueAt, export: filed } = await end('collecting');
    expect(filed).toMatchObject({ status: 'WAITING', readyAt: null, collectBy: null });
    await drain(now + 9 * DAY);
    expect((await state('collecting', id)).export).toEqual(filed);

    await drain(now + 10 * DAY + 1);
    const ready = await state('collecting', id);
    expect(ready).toMatchObject({ status: 'RECEIVED', export: { id: filed?.id, status: 'READY', collectedAt: null } });
    const collectBy = Date.parse(ready.export?.collectBy ?? '');
    expect(collectBy).toBe(now + 40 * DAY + 1);
    expect(collectBy).toBeLessThan(Date.parse(dueAt));
    await drain(collectBy - 1);
    expect(await countRows(app.stores, client)).toEqual(times(3));
    expect(await state('staying', id)).toBeNull();
    await expect(collect(app, adminOf('staying'), filed?.id ?? '')).rejects.toThrow('no such');

    const { end: counted } = await collect(app, adminOf('collecting'), filed?.id ?? '');
    expect(counted.tables.customer?.rows).toBe(3);
    await drain(now + 11 * DAY);
    expect(await countRows(app.stores, client)).toEqual(nothing);
    expect(await chunks(client)).toBe(0);
    expect(uncollected).toEqual([]);
    const { erasures } = app.services.erasure;
    expect(await erasures.find(client, id)).toMatchObject({ status: 'COMPLETED' });
    const rows = Object.fromEntries((await erasures.steps(client, id)).map((step) => [step.store, step.rows]));
    // The three people's keys, and the export's.
    expect(rows).toMatchObject({ exports: 1, 'data:customer': 3, 'keys:subject_key': 4, 'keys:client_key': 1 });
    expect(await app.services.exports.ofTermination(client, id)).toMatchObject({
      status: 'DISCARDED',
      reason: 'CLIENT_ERASED',
      collectedAt: expect.any(Number),
      removedAt: expect.any(Number),
    });
  });

  test('goes on after the term all the same, and says that nobody has collected', async () => {
    const client = await newClient(app.services, 'silent');
    await plantPeople(app.stores, client, [1]);
    const { id, export: filed } = await end('silent');
    await drain(now + 11 * DAY);
    expect(uncollected).toEqual([]);
    await drain(now + 42 * DAY);
    expect(uncollected).toEqual([`${filed?.id} READY`]);
    expect(await app.services.erasure.erasures.find(client, id)).toMatchObject({ status: 'COMPLETED' });
    expect(await countRows(app.stores, client)).toEqual(nothing);
    expect(await chunks(client)).toBe(0);
  });

  test('never waits into the last week of the term, nor begins when that is near', async () => {
    const client = await newClient(app.services, 'late');
    await plantPeople(app.stores, client, [1]);
    const { id, dueAt } = await end('late', { effectiveOn: new Date(now - 70 * DAY) });
    await drain(Date.now() + 1_000);
    const { export: ready } = await state('late', id);
    expect(ready).toMatchObject({ status: 'READY' });
    expect(Date.parse(ready?.collectBy ?? '')).toBe(Date.parse(dueAt) - 7 * DAY);
    await drain(Date.parse(dueAt) - 7 * DAY + 1);
    expect(uncollected).toHaveLength(1);
    expect(await countRows(app.stores, client)).toEqual(nothing);

    await newClient(app.services, 'too-late');
    const input = { clientId: 'too-late', effectiveOn: new Date(now - 80 * DAY), exportFirst: true };
    const { errors } = await app.ask(adminOf('too-late'), undefined, terminate, { input });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  test('a person who is erased while it waits is in no export: it is made anew', async () => {
    const client = await newClient(app.services, 'anew');
    const [person] = await plantPeople(app.stores, client, [1, 2]);
    const { id, export: first } = await end('anew', { effectiveOn: new Date(now) });
    await drain(Date.now() + 1_000);
    expect((await state('anew', id)).export).toMatchObject({ id: first?.id, status: 'READY' });
    const filing = { principal: 'a', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' as const };
    await app.services.erasure.erasures.request(client, person?.id ?? '', filing);
    await drain(Date.now() + 120_000);
    expect(await app.services.exports.find(client, first?.id ?? '')).toMatchObject({
      status: 'DISCARDED',
      reason: 'PERSON_ERASED',
      removedAt: expect.any(Number),
    });
    const again = await state('anew', id);
    expect(again).toMatchObject({ status: 'RECEIVED', export: { status: 'READY' } });
    expect(again.export?.id).not.toBe(first?.id);
    expect(await countRows(app.stores, client)).toEqual(plantedRows);
    const { rows } = await collect(app, adminOf('anew'), again.export?.id ?? '');
    expect(rows.filter(({ table }) => table === 'customer')).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(person?.id);
    await drain(Date.now() + 120_000);
    expect(await countRows(app.stores, client)).toEqual(nothing);
  });

  test('is not made when the client stays after all; without the wish there is none', async () => {
    const client = await newClient(app.services, 'back');
    const { id } = await end('back');
    const { errors } = await app.ask(adminOf('back'), undefined, cancel, { id });
    expect(errors).toBeUndefined();
    await drain(now + 20 * DAY);
    const { status, export: dismissed } = await state('back', id);
    expect([status, dismissed]).toMatchObject([
      'CANCELLED',
      { status: 'DISCARDED', reason: 'TERMINATION_CANCELLED', bytes: null },
    ]);
    expect(await smallModule(app).exports.sweep()).toBeGreaterThanOrEqual(1);
    expect(await app.stores.keys.subjectKeys(client, [dismissed?.id ?? ''])).toEqual(new Map());

    await newClient(app.services, 'plain');
    expect((await end('plain', { exportFirst: false })).export).toBeNull();
    await drain(now + 20 * DAY);
    const { status: after } = (await app.services.erasure.erasures.list(client, {}, 1, undefined))[0] ?? {};
    expect(after).toBe('CANCELLED');
  });
});
