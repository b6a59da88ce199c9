import { gunzipSync } from 'node:zlib';
import { census } from '../../src/commands/census';
import { Disclosure } from '../../src/disclosures/disclosure';
import type { JobHandler } from '../../src/jobs/job-worker';
import { inTransaction } from '../../src/storage/transaction';
import { TenantWriter } from '../../src/tenancy/tenant-writer';
import { CANARY, countRows, dump, newClient, plantedRows, plantPeople } from '../erasure/people';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { plantEverything } from './everything';
import { collect, drainAt, smallModule } from './reading';

const request = `mutation ($input: RequestClientExportInput!) { requestClientExport(input: $input) { export { id status } } }`;
const look = `query ($id: ID!) { clientExport(id: $id) { id status reason bytes rows readyAt collectBy collectedAt } }`;
const DAY = 86_400_000;

describe.each(databases)('exports on $name', ({ create }) => {
  let database: TestDatabase;
  let european: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    [database, european] = [await create(), await create()];
    app = await openTestApp(database, { EU: european.databaseUrl });
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
    await european.drop();
  });

  const adminOf = (client: string): Asker => ({ role: 'CLIENT_ADMIN', client });
  const ask = async (asker: Asker, clientId: string): Promise<string> => {
    const { data, errors } = await app.ask(asker, undefined, request, { input: { clientId } });
    expect(errors).toBeUndefined();
    return (data as { requestClientExport: { export: { id: string } } }).requestClientExport.export.id;
  };
  const drain = async (at = Date.now() + 1_000) => expect(await drainAt(app, at)).toEqual([]);
  const state = async (asker: Asker, id: string) => {
    const { data, errors } = await app.ask(asker, undefined, look, { id });
    expect(errors).toBeUndefined();
    return data?.clientExport as { status: string; readyAt: string; collectBy: string } | null;
  };
  const chunks = (client: string): Promise<Array<{ export_id: string; content: Buffer }>> =>
    app.stores.regions.home.query('SELECT export_id, content FROM export_chunk WHERE client_id = ? ORDER BY seq', [
      client,
    ]);

  test('pitfall 27: every classified column of every table of a client is in it, of one hosted elsewhere too', async () => {
    const client = await plantEverything(app);
    const id = await ask(adminOf(client), client);
    await drain();
    const { manifest, rows } = await collect(app, adminOf(client), id);
    expect(manifest.client).toBe(client);
    const { fields } = await census(app.services, app.stores);
    const valueAt = (row: unknown, path: string) =>
      path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | null)?.[name], row);
    const missing = fields
      .filter(({ columns }) => columns.length > 0)
      .filter(
        ({ table, field }) => !rows.some((line) => line.table === table && (valueAt(line.row, field) ?? null) !== null),
      )
      .map(({ table, field }) => `${table}.${field}`);
    // What is no data of the client's, and what this export has not been through itself.
    expect(
      missing.filter((name) => !/^(?:job|export_chunk|idempotency_key|identifier_(?:move|turn))\./.test(name)).sort(),
    ).toEqual([
      'client_export.byteCount',
      'client_export.collectBy',
      'client_export.collectedAt',
      'client_export.lineCount',
      'client_export.progress',
      'client_export.readyAt',
      'client_export.reason',
      'client_export.removedAt',
      'client_export.requestId',
      'customer.revision',
      'disclosure.subjects',
      'webhook_endpoint.secret',
    ]);
    const customer = rows.find(({ table }) => table === 'customer')?.row;
    expect(customer).toMatchObject({ lastName: `${CANARY} lastName`, createdAt: '2025-05-17T10:00:00.000Z' });
    expect(rows.find(({ table }) => table === 'purchase_order')?.row).toMatchObject({ total: 12.5 });
    for (const { row } of rows)
      expect(Object.keys(row).filter((key) => /sealed|Index$|clientId/.test(key))).toEqual([]);
  });

  test('whoever is being erased, or has no key any more, is left out and counted; so is nobody else', async () => {
    const client = await newClient(app.services, 'acme');
    const people = (await plantPeople(app.stores, client, [1, 2, 3, 4, 5])).map(({ id }) => id);
    await plantPeople(app.stores, await newClient(app.services, 'other'), [6]);
    const [leaving = '', gone = '', ...staying] = people;
    const filing = { principal: 'a', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' as const, notBefore: Date.now() + DAY };
    await app.services.erasure.erasures.request(client, leaving, filing);
    await app.stores.keys.destroySubjectKey(client, gone);
    const id = await ask({ ...adminOf('acme'), subject: 'another' }, 'acme');
    expect(await ask(adminOf('acme'), 'acme')).toBe(id);
    expect(await state(adminOf('acme'), id)).toMatchObject({ status: 'WAITING', bytes: null });
    // It begins after the erasure was asked for: that one needs no other.
    await drain(Date.now() + 120_000);

    const ready = await state(adminOf('acme'), id);
    expect(ready).toMatchObject({ status: 'READY', collectedAt: null });
    expect(Date.parse(ready?.collectBy ?? '') - Date.parse(ready?.readyAt ?? '')).toBe(30 * DAY);
    const pieces = await chunks(client);
    expect(pieces.length).toBeGreaterThan(5);
    for (const { content } of pieces) expect(() => gunzipSync(content)).toThrow();
    expect(await dump(app.stores.regions.home)).not.toContain(CANARY);

    const { rows, end } = await collect(app, adminOf('acme'), id);
    for (const [table, each] of Object.entries(plantedRows)) {
      const expected = { rows: 3 * each, underErasure: each, withoutKey: each, damaged: 0 };
      expect([table, end.tables[table]]).toEqual([table, expected]);
      expect(rows.filter((line) => line.table === table)).toHaveLength(3 * each);
    }
    expect(end.tables.erasure_request).toMatchObject({ rows: 0, underErasure: 1 });
    expect(rows).toHaveLength(end.rows);
    const exported = rows.filter(({ table }) => table === 'customer').map(({ row }) => row.id);
    expect(exported.sort()).toEqual(staying.sort());
    expect(JSON.stringify(rows)).not.toContain(leaving);
    expect(JSON.stringify(rows)).not.toContain(gone);
    expect(await state(adminOf('acme'), id)).toMatchObject({
      status: 'COLLECTED',
      collectedAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/),
      rows: end.rows,
    });
    const entries = await app.services.auditReader.entries(client, {}, 100, undefined);
    const kinds = entries.map(({ kind }) => kind).filter((kind) => kind.startsWith('EXPORT_'));
    expect(kinds.reverse()).toEqual([
      'EXPORT_REQUESTED',
      'EXPORT_REQUESTED',
      'EXPORT_MADE',
      'EXPORT_DOWNLOADED',
      'EXPORT_COLLECTED',
    ]);
  });

  test('is given to administrators of the client alone', async () => {
    const client = await newClient(app.services, 'ours');
    await newClient(app.services, 'theirs');
    await plantPeople(app.stores, client, [1]);
    const id = await ask(adminOf('ours'), 'ours');
    await drain();
    const foreign = await app.ask(adminOf('theirs'), undefined, request, { input: { clientId: 'ours' } });
    expect(foreign).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    expect(await state(adminOf('theirs'), id)).toBeNull();
    const refused = async (asker: Asker) => collect(app, asker, id).catch((error) => error.extensions.code);
    expect(await refused(adminOf('theirs'))).toBe('NOT_FOUND');
    expect(await refused({ role: 'CLIENT_AGENT', client: 'ours' })).toBe('FORBIDDEN');
    expect(await refused({ role: 'PLATFORM_STAFF', client: 'ours' })).toBe('FORBIDDEN');
    // T2: what no query gives in a country, an export does not either.
    expect(await refused({ ...adminOf('ours'), country: 'CN' })).toBe('TRANSFER_NOT_AUTHORIZED');
    expect(await refused({ ...adminOf('ours'), country: null })).toBe('TRANSFER_NOT_AUTHORIZED');
    expect(await state(adminOf('ours'), id)).toMatchObject({ status: 'READY' });
    expect((await collect(app, { role: 'CLIENT_PRIVACY_OFFICER', client: 'ours' }, id)).end.tables.customer?.rows).toBe(
      1,
    );
  });

  test('a client is not told of a disclosure through its export while it must not know (S4)', async () => {
    const client = await newClient(app.services, 'gagged');
    const disclosures = [
      { id: 'open', recipient: 'a court', gagUntil: new Date(Date.now() - DAY) },
      { id: 'secret', recipient: 'a secret court', gagUntil: new Date(Date.now() + DAY) },
    ];
    await inTransaction(app.stores.regions.home, (manager) =>
      new TenantWriter(manager, app.stores.keys).insert(Disclosure, client, disclosures),
    );
    const id = await ask(adminOf('gagged'), 'gagged');
    await drain();
    const { rows, end } = await collect(app, adminOf('gagged'), id);
    expect(rows.filter(({ table }) => table === 'disclosure').map(({ row }) => row.id)).toEqual(['open']);
    expect(end.tables.disclosure).toEqual({ rows: 1, underErasure: 0, withoutKey: 0, damaged: 0 });
  });

  test('another process goes on where one has died: no row is missing, none is there twice', async () => {
    const client = await newClient(app.services, 'broken');
    const people = await plantPeople(app.stores, client, [1, 2, 3, 4]);
    const id = await ask(adminOf('broken'), 'broken');
    const small = smallModule(app);
    let transactions = 0;
    const exporter: JobHandler = {
      carryOut: (lease, signal) => {
        const fence: typeof lease.fence = async (manager) => {
          await lease.fence(manager);
          if (++transactions === 9) throw new Error('the power is cut');
        };
        return small.exporter.carryOut({ ...lease, fence }, signal);
      },
    };
    const dying = { ...small, exporter };
    expect(await drainAt(app, Date.now() + 1_000, dying)).toHaveLength(1);
    expect(await state(adminOf('broken'), id)).toMatchObject({ status: 'PREPARING' });
    const before = (await chunks(client)).length;
    expect(before).toBeGreaterThan(2);

    const replica = await app.replica();
    expect(await drainAt(replica, Date.now() + DAY)).toEqual([]);
    const { rows, end } = await collect(replica, adminOf('broken'), id);
    await replica.close();
    expect((await chunks(client)).length).toBeGreaterThan(before);
    for (const [table, n] of Object.entries(plantedRows)) expect(end.tables[table]?.rows).toBe(n * people.length);
    const keys = rows.map(({ table, row }) => JSON.stringify([table, row]));
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toHaveLength(end.rows);
  });

  test('pitfall 28: a person’s erasure discards exports that may hold them; a sweep those that nobody collects', async () => {
    const client = await newClient(app.services, 'copies');
    const [person] = await plantPeople(app.stores, client, [1, 2]);
    const admin = adminOf('copies');
    const id = await ask(admin, 'copies');
    await drain();
    const filing = { principal: 'a', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' as const };
    await app.services.erasure.erasures.request(client, person?.id ?? '', filing);
    await drain();
    expect(await state(admin, id)).toMatchObject({ status: 'DISCARDED', reason: 'PERSON_ERASED' });
    expect(await chunks(client)).toEqual([]);
    expect(await app.stores.keys.subjectKeys(client, [id])).toEqual(new Map());
    await expect(collect(app, admin, id)).rejects.toMatchObject({ extensions: { code: 'CONFLICT' } });

    const first = await ask(admin, 'copies');
    await drain();
    expect((await collect(app, admin, first)).end.tables.customer).toMatchObject({ rows: 1, underErasure: 0 });
    const next = await ask(admin, 'copies');
    await drain();
    expect(await state(admin, first)).toMatchObject({ status: 'DISCARDED', reason: 'REPLACED' });
    const later = smallModule(app, { now: () => Date.now() + 31 * DAY });
    await later.exports.sweep();
    expect(await state(admin, next)).toMatchObject({ status: 'EXPIRED' });
    expect(await chunks(client)).toEqual([]);
    expect(await countRows(app.stores, client)).toEqual(plantedRows);
  });

  test('one whose key is gone, since a backup was put back, is not given, and does not stay', async () => {
    const client = await newClient(app.services, 'restored');
    const id = await ask(adminOf('restored'), 'restored');
    await drain();
    await app.stores.keys.destroySubjectKey(client, id);
    await expect(collect(app, adminOf('restored'), id)).rejects.toMatchObject({ extensions: { code: 'CONFLICT' } });
    expect(await state(adminOf('restored'), id)).toMatchObject({ status: 'DISCARDED', reason: 'KEY_LOST' });
    expect(await chunks(client)).toEqual([]);
  });

  test('somebody who asks to be erased is not downloaded any more, though nothing is erased yet', async () => {
    const client = await newClient(app.services, 'waiting');
    const [person] = await plantPeople(app.stores, client, [1, 2]);
    const id = await ask(adminOf('waiting'), 'waiting');
    await drain();
    await app.services.erasure.erasures.request(client, person?.id ?? '', {
      principal: 'a',
      role: 'CLIENT_ADMIN',
      grounds: 'OBJECTION',
      notBefore: Date.now() + DAY,
    });
    await expect(collect(app, adminOf('waiting'), id)).rejects.toMatchObject({ extensions: { code: 'CONFLICT' } });
    expect(await state(adminOf('waiting'), id)).toMatchObject({ status: 'DISCARDED', reason: 'PERSON_ERASED' });
  });
});
