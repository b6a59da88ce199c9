import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { isDataBehind } from '../../src/audit/verification/data-behind';
import { jobsTask, jobWorker } from '../../src/background';
import { OrphanKeys } from '../../src/erasure/orphan-keys';
import { verifyCertificate } from '../../src/erasure/records/certificate';
import { openErasures } from '../../src/erasure/requests/open-erasures';
import { Scheduler } from '../../src/jobs/scheduler';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { newClient, type Planted, plantPeople } from './people';

const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };
const filing = { principal: 'officer', role: 'CLIENT_PRIVACY_OFFICER', grounds: 'OBJECTION' } as const;
const erase = `mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { request { id status } } }`;
const eraseMany = `mutation ($input: RequestErasuresInput!) { requestErasures(input: $input) {
  requested underErasure unknown complete failed { customerId code } } }`;
const HOUR = 3_600_000;

describe.each(databases)('no erasure is lost, on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: string;
  let source: DataSource;
  let people: Planted[];
  let failures: unknown[];

  beforeEach(async () => {
    database = await create();
    app = await openTestApp(database);
    client = await newClient(app.services, 'acme');
    source = app.stores.regions.home;
    failures = [];
    people = await plantPeople(app.stores, client, [1, 2, 3], { createdAt: new Date(Date.now() - 200 * 24 * HOUR) });
  });
  afterEach(async () => {
    await app.close();
    await database.drop();
  });

  const idOf = (index: number): string => people[index]?.id ?? '';
  const drain = ({ stores, services }: TestApp = app) =>
    jobWorker(stores, services, { onFailure: (error) => failures.push(error) }).drain();
  const loseKey = (id: string) => app.stores.keysSource.query('DELETE FROM subject_key WHERE subject_id = ?', [id]);
  const count = async (table: string) => {
    const [row] = await source.query<Array<{ n: number }>>(`SELECT COUNT(*) AS n FROM ${table}`);
    return Number(row?.n);
  };
  const statementOf = async (request: string) => {
    const certificate = await app.services.erasure.erasures.certificate(client, request);
    return verifyCertificate(certificate ?? '', await app.services.erasure.signingKeys.publicKeys());
  };
  const kinds = async () => {
    const rows = await source.query<Array<{ body: Buffer }>>('SELECT body FROM audit_entry');
    return rows.map(({ body }) => JSON.parse(String(body)) as { kind: string; subjects?: string[] });
  };
  /** A row that the database takes no request about, whatever the cause may be. */
  const spoil = (id: string) =>
    source.query(
      name === 'SQLite'
        ? `CREATE TRIGGER spoilt BEFORE INSERT ON erasure_request WHEN NEW.customer_id = '${id}'
           BEGIN SELECT RAISE(ABORT, 'spoilt'); END`
        : `CREATE TRIGGER spoilt BEFORE INSERT ON erasure_request FOR EACH ROW
           IF NEW.customer_id = '${id}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'spoilt'; END IF`,
    );

  test('case keyless-row: who has no key is erased by request, and the certificate says that there was none', async () => {
    await loseKey(idOf(1));
    const input = { customerId: idOf(1), grounds: 'CONSENT_WITHDRAWN', note: 'a note that nothing can seal' };
    const filed = await app.ask(officer, 'LEGAL', erase, { input });
    expect(filed).toMatchObject({ data: { requestErasure: { request: { status: 'RECEIVED' } } } });
    await drain();
    expect(failures).toEqual([]);
    const { id } = (filed.data as { requestErasure: { request: { id: string } } }).requestErasure.request;
    expect(await app.services.erasure.erasures.find(client, id)).toMatchObject({ status: 'COMPLETED' });
    const statement = await statementOf(id);
    expect(statement).toMatchObject({ keyDestroyed: false, keyAbsent: true });
    expect(statement.erased.find(({ store }) => store === 'keys:subject_key')?.rows).toBe(0);
    expect(await count(`customer WHERE id = '${idOf(1)}'`)).toBe(0);
    expect(await count(`purchase_order WHERE customer_id = '${idOf(1)}'`)).toBe(0);
    const entries = await kinds();
    expect(entries.filter(({ kind }) => kind === 'ERASURE_EXECUTED')).toHaveLength(1);
    expect(entries.some(({ kind }) => kind === 'SUBJECT_KEY_DESTROYED')).toBe(false);
  });

  test('case keyless-row: in bulk, and by retention', async () => {
    await loseKey(idOf(0));
    const input = { filter: { source: 'test' }, grounds: 'OBJECTION' };
    const report = { requested: 3, underErasure: 0, unknown: 0, failed: [], complete: true };
    const bulk = await app.ask(officer, 'LEGAL', eraseMany, { input });
    expect(bulk).toMatchObject({ data: { requestErasures: report } });
    await drain();
    const more = await plantPeople(app.stores, client, [4, 5], { createdAt: new Date(Date.now() - 200 * 24 * HOUR) });
    await source.query('UPDATE purchase_order SET placed_at = 0');
    await loseKey(more[0]?.id ?? '');
    await app.services.erasure.retention.set({ client, principal: 'officer' }, null, 30);
    expect(await app.services.erasure.retention.sweep((error) => failures.push(error))).toBe(2);
    await drain();
    expect(failures).toEqual([]);
    expect([await count('customer'), await count('message')]).toEqual([0, 0]);
  });

  test('case keyless-row: a person of a client whose own key is gone is erased too', async () => {
    await app.stores.keysSource.query('DELETE FROM subject_key WHERE client_id = ?', [client]);
    await app.stores.keysSource.query('DELETE FROM client_key WHERE client_id = ?', [client]);
    const other = await app.replica();
    const { erasures } = other.services.erasure;
    const { id } = await erasures.request(client, idOf(0), filing);
    await drain(other);
    expect(failures).toEqual([]);
    expect(await erasures.find(client, id)).toMatchObject({ status: 'COMPLETED' });
    expect(await count('customer')).toBe(2);
    await other.stores.close();
  });

  test('damaged bytes are erased like any', async () => {
    await source.query('UPDATE customer SET sealed_contact = ?, sealed_online_identifier = ? WHERE id = ?', [
      Buffer.alloc(80, 1),
      Buffer.alloc(3, 1),
      idOf(0),
    ]);
    const { id } = await app.services.erasure.erasures.request(client, idOf(0), filing);
    await drain();
    expect(failures).toEqual([]);
    expect(await statementOf(id)).toMatchObject({ keyDestroyed: true });
  });

  test('one damaged value does not keep a person’s other identifiers from being recognised later', async () => {
    await source.query('UPDATE customer SET sealed_online_identifier = ? WHERE id = ?', [Buffer.alloc(80, 1), idOf(0)]);
    const { id } = await app.services.erasure.erasures.request(client, idOf(0), filing);
    await drain();
    const sql = 'SELECT DISTINCT kind FROM erasure_tombstone WHERE request_id = ? ORDER BY kind';
    const kinds = await app.stores.keysSource.query<Array<{ kind: string }>>(sql, [id]);
    expect(kinds.map(({ kind }) => kind)).toEqual(['email', 'phone', 'socialHandle']);
  });

  test('one bad row keeps nobody else from being erased: not in bulk, not by retention, not of another client', async () => {
    await spoil(idOf(1));
    const input = { customerIds: [...people.map(({ id }) => id), uuid()], grounds: 'OBJECTION' };
    const bulk = await app.ask(officer, 'LEGAL', eraseMany, { input });
    const failed = [{ customerId: idOf(1), code: 'FAILED' }];
    expect(bulk).toMatchObject({
      data: { requestErasures: { requested: 2, underErasure: 0, unknown: 1, complete: true, failed } },
    });
    const again = await app.ask(officer, 'LEGAL', eraseMany, { input });
    expect(again).toMatchObject({ data: { requestErasures: { requested: 0, underErasure: 2, unknown: 1, failed } } });
    await drain();
    expect(await count('customer')).toBe(1);

    const globex = await newClient(app.services, 'globex');
    const old = { createdAt: new Date(Date.now() - 400 * 24 * HOUR) };
    await plantPeople(app.stores, client, [4], old);
    await plantPeople(app.stores, globex, [5], old);
    await source.query('UPDATE purchase_order SET placed_at = 0');
    const { retention } = app.services.erasure;
    for (const each of [client, globex]) await retention.set({ client: each, principal: 'officer' }, null, 30);
    expect(await retention.sweep((error) => failures.push(error))).toBe(2);
    expect(failures).toHaveLength(1);
    failures = [];
    await drain();
    expect(failures).toEqual([]);
    expect(await count('customer')).toBe(1);
  });

  test('where nothing can be filed the call fails; where the database fails midway, the answer says so', async () => {
    const many = { customerIds: people.map(({ id }) => id), grounds: 'OBJECTION' };
    await source.query('ALTER TABLE job RENAME TO job_away');
    expect(await app.ask(officer, 'LEGAL', eraseMany, { input: many })).toMatchObject({
      errors: [{ path: ['requestErasures'] }],
    });
    await source.query('ALTER TABLE job_away RENAME TO job');
    expect(await count('erasure_request')).toBe(0);
    expect(await count("customer WHERE restriction = 'ERASURE'")).toBe(0);
  });

  test('rows of a process that does not know the fence are erased before the certificate, or after it anew', async () => {
    const { signingKeys } = app.services.erasure;
    const late = () =>
      source.query('INSERT INTO purchase_order (client_id, customer_id, id) VALUES (?, ?, ?)', [
        client,
        idOf(0),
        uuid(),
      ]);
    let signed = 0;
    const { current } = signingKeys;
    // After the key's end, and after the last look before the certificate.
    jest.spyOn(signingKeys, 'current').mockImplementation(async () => {
      if (signed++ === 0) await late();
      return current();
    });
    const { id } = await app.services.erasure.erasures.request(client, idOf(0), filing);
    await drain();
    expect(failures).toEqual([]);
    expect(signed).toBe(2);
    expect(await count(`purchase_order WHERE customer_id = '${idOf(0)}'`)).toBe(0);
    const statement = await statementOf(id);
    expect(statement.erased.find(({ store }) => store === 'data:purchase_order')?.rows).toBe(3);
    expect(statement).toMatchObject({ keyDestroyed: true });
    expect(await app.services.erasure.erasures.find(client, id)).toMatchObject({ status: 'COMPLETED' });
  });

  test('rows that come in while their client ends are gone when the certificate says so', async () => {
    const { terminations, tombstones } = app.services.erasure;
    const late = uuid();
    const dropClient = tombstones.dropClient.bind(tombstones);
    // After every table was emptied, and after the client's key.
    jest.spyOn(tombstones, 'dropClient').mockImplementationOnce(async (of) => {
      await source.query('INSERT INTO customer (client_id, id) VALUES (?, ?)', [client, late]);
      await source.query('INSERT INTO message (client_id, customer_id, conversation_id, id) VALUES (?, ?, ?, ?)', [
        client,
        late,
        uuid(),
        uuid(),
      ]);
      await dropClient(of);
    });
    const by = { principal: 'admin', role: 'CLIENT_ADMIN' };
    const { id } = await terminations.terminate({ clientId: client, effectiveOn: new Date() }, by);
    await drain();
    expect(failures).toEqual([]);
    expect([await count('customer'), await count('message')]).toEqual([0, 0]);
    const statement = await statementOf(id);
    const rows = Object.fromEntries(statement.erased.map((step) => [step.store, step.rows]));
    expect(rows).toMatchObject({ 'data:customer': people.length + 1, 'data:message': 3 * people.length + 1 });
  });

  test('a restricted person can be held and erased', async () => {
    await app.services.customers.setRestriction(client, idOf(0), 'LEGAL_CLAIM', 'officer');
    const hold = `mutation ($input: PlaceLegalHoldInput!) { placeLegalHold(input: $input) { hold { id } } }`;
    const held = { customerId: idOf(0), categories: ['COMMERCE'], matter: 'docket', reason: 'claim' };
    expect((await app.ask(officer, 'LEGAL', hold, { input: held })).errors).toBeUndefined();
    const input = { customerId: idOf(0), grounds: 'OBJECTION' };
    expect((await app.ask(officer, 'LEGAL', erase, { input })).errors).toBeUndefined();
    await drain();
    const [request] = await app.services.erasure.erasures.list(client, {}, 1, undefined);
    expect(request).toMatchObject({ status: 'PARTIALLY_COMPLETED' });
    expect((await kinds()).some(({ kind }) => kind === 'ERASURE_PARTLY')).toBe(true);
  });

  test('what nobody carries out though it is time is counted', async () => {
    const { erasures } = app.services.erasure;
    const { regions } = app.stores;
    const stuck = async () => (await openErasures(regions)).stuck;
    const { id } = await erasures.request(client, idOf(0), filing);
    await erasures.request(client, idOf(1), { ...filing, notBefore: Date.now() + 30 * 24 * HOUR });
    expect(await stuck()).toBe(0);
    expect((await openErasures(regions, () => Date.now() + HOUR)).stuck).toBe(1);
    await source.query('DELETE FROM job WHERE id = ?', [id]);
    await source.query('UPDATE erasure_request SET not_before = 1 WHERE id = ?', [id]);
    expect(await stuck()).toBe(1);
    await source.query("UPDATE erasure_request SET status = 'ATTENTION_REQUIRED' WHERE id = ?", [id]);
    expect(await stuck()).toBe(1);
    await source.query("UPDATE erasure_request SET status = 'ON_HOLD' WHERE id = ?", [id]);
    expect(await stuck()).toBe(0);
  });

  test('a queue that cannot be read is told, and keeps no other from being worked on', async () => {
    const { regions: all } = app.stores;
    await app.services.erasure.erasures.request(client, idOf(0), filing);
    const broken = Object.assign(Object.create(source) as DataSource, {
      // No pool that a statement could go to straight.
      driver: {},
      query: async () => {
        throw new Error('the region is away');
      },
    });
    const regions = Object.assign(Object.create(all) as typeof all, {
      all: () => [broken, source],
      of: (each: string) => all.of(each),
    });
    const onFailure = (error: unknown) => failures.push(error);
    const worker = jobWorker({ regions }, app.services, { onFailure });
    const scheduler = new Scheduler([jobsTask(worker, { everyMs: 5 })], { onFailure });
    scheduler.start();
    while (failures.length < 2) await new Promise(setImmediate);
    expect(await scheduler.stop()).toBe(true);
    expect(scheduler.state('jobs')).toEqual({ lastSuccessAt: undefined, failedRuns: failures.length });
    expect(failures).toEqual(failures.map(() => expect.any(AggregateError)));
    expect(await count('customer')).toBe(2);
    await expect(worker.drain()).rejects.toThrow(AggregateError);
    const healthy = new Scheduler([jobsTask(jobWorker(app.stores, app.services), { everyMs: 5 })], { onFailure });
    healthy.start();
    while (healthy.state('jobs').lastSuccessAt === undefined) await new Promise(setImmediate);
    await healthy.stop();
    expect(healthy.state('jobs')).toMatchObject({ failedRuns: 0 });
  });

  describe('orphan keys', () => {
    const keysOf = async () => {
      const sql = 'SELECT COUNT(*) AS n FROM subject_key WHERE client_id = ?';
      const [row] = await app.stores.keysSource.query<Array<{ n: number }>>(sql, [client]);
      return Number(row?.n);
    };
    const age = () => app.stores.keysSource.query('UPDATE subject_key SET created_at = created_at - ?', [2 * HOUR]);

    test('one is swept, and one whose row is just being written is not', async () => {
      await app.stores.keys.createSubjectKeys(client, [uuid()]);
      await age();
      await app.stores.keys.createSubjectKeys(client, [uuid()]);
      expect(await app.services.erasure.orphans.sweep()).toBe(1);
      expect(await keysOf()).toBe(people.length + 1);
      expect(await app.services.erasure.orphans.sweep()).toBe(0);
      expect((await kinds()).some(({ kind }) => kind === 'ORPHAN_KEYS_DESTROYED')).toBe(true);
    });

    test('whoever is in any table, or under erasure, keeps theirs', async () => {
      await app.services.erasure.erasures.request(client, idOf(0), filing);
      const children = [
        'purchase_order',
        'order_item',
        'conversation',
        'message',
        'health_record',
        'customer_attribute',
      ];
      for (const table of children) await source.query(`DELETE FROM ${table} WHERE customer_id = ?`, [idOf(0)]);
      await source.query('DELETE FROM customer');
      await age();
      expect(await app.services.erasure.orphans.sweep()).toBe(0);
      await drain();
      expect(await keysOf()).toBe(people.length - 1);
    });

    test('a sweep is bounded, and the next one goes on', async () => {
      const globex = await newClient(app.services, 'globex');
      for (const each of [client, globex]) await app.stores.keys.createSubjectKeys(each, [uuid(), uuid()]);
      await age();
      const { regions, keys } = app.stores;
      const { recorder, erasure } = app.services;
      const needs = { regions, keys, recorder, tables: erasure.tables, isDataBehind: async () => false };
      const orphans = new OrphanKeys(needs, 1);
      const first = await orphans.sweep();
      // Another process goes on where this one ended.
      const elsewhere = new OrphanKeys(needs, 1);
      elsewhere.place = orphans.place;
      expect([first, await elsewhere.sweep(), await elsewhere.sweep()].sort()).toEqual([0, 2, 2]);
      expect(elsewhere.place).toBeUndefined();
    });

    test('none is swept while the data is older than the keys’ store knows', async () => {
      await app.stores.keys.createSubjectKeys(client, [uuid()]);
      await age();
      await app.services.ledger.close();
      expect(await isDataBehind(app.stores.regions, app.stores.keysSource)).toBe(false);
      // As a backup from before the last entry would have it.
      const [last] = await source.query<Array<{ log: string; at: number }>>(
        'SELECT log_id AS log, MAX(sequence) AS at FROM audit_entry GROUP BY log_id',
      );
      await source.query('DELETE FROM audit_entry WHERE log_id = ? AND sequence = ?', [last?.log, last?.at]);
      expect(await isDataBehind(app.stores.regions, app.stores.keysSource)).toBe(true);
      expect(await app.services.erasure.orphans.sweep()).toBe(0);
      expect(await keysOf()).toBe(people.length + 1);
    });
  });
});
