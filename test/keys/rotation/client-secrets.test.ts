import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { verifyRecords } from '../../../src/audit/verification/records';
import { jobWorker } from '../../../src/background';
import { attributeKeyIndex, digestOf } from '../../../src/keys/blind-index';
import { deriveKey, keptUses } from '../../../src/keys/derived-keys';
import { decodeRing, encodeRing, ended } from '../../../src/keys/secret-ring';
import { inTransaction } from '../../../src/storage/transaction';
import { migrateStores } from '../../../src/stores';
import { Order } from '../../../src/subjects/related/order';
import { strayClients } from '../../../src/subjects/stray-identifiers';
import { TenantWriter } from '../../../src/tenancy/tenant-writer';
import { openTestApp, type TestApp } from '../../support/app';
import { databases, type TestDatabase } from '../../support/databases';

const pace = { leadMs: 2_000, overlapMs: 1_200 };
const read = new Set(['email', 'externalId']);

describe.each(databases)("the replacement of clients' secrets on $name", ({ create }) => {
  let database: TestDatabase;
  let apps: [TestApp, TestApp];
  let client: string;
  const fail = (error: unknown) => {
    throw error;
  };

  beforeAll(async () => {
    database = await create();
    const first = await openTestApp(database, {}, {}, { pace });
    apps = [first, await first.replica()];
    client = (await first.services.clients.register({ slug: 'acme', name: 'Acme' }, 'registrar')).id;
  });

  afterAll(async () => {
    for (const { services } of apps) await services.ledger.close();
    for (const app of apps.toReversed()) await app.close();
    await database.drop();
  });

  const either = (turn: number) => apps[turn % 2] as TestApp;
  const emailOf = (n: number) => `person-${n}@example.org`;
  const take = (n: number, app = either(n)) =>
    app.services.customers.create(client, { email: emailOf(n), externalId: `X-${n}`, residency: 'DE' }, 'test');
  const findBy = async (by: object, app: TestApp) =>
    (await app.services.customers.reads.lookup(client, by, read)).map(({ id }) => id);
  /** Advances in the second process until the old secret is gone. */
  const finish = async () => {
    const deadline = Date.now() + 30_000;
    while ((await apps[1].services.clientSecrets.advance(fail)).length === 0) {
      if (Date.now() > deadline) throw new Error('the secret is not replaced');
      await sleep(50);
    }
  };
  const secrets = () => apps[0].services.clientSecrets.state(client);

  test('nobody is missed, and no identifier is taken twice, while two processes read and write', async () => {
    const people = new Map<number, string>();
    for (let n = 0; n < 20; n++) people.set(n, await take(n));
    const { usedFrom } = await apps[0].services.clientSecrets.begin(client);
    setClockBack(apps[1], usedFrom + pace.overlapMs * 0.7);
    let isOver = false;
    const faults: unknown[] = [];
    const reading = apps.map(async (app) => {
      for (let turn = 0; !isOver; turn++) {
        // The embedded database answers at once: timers would never come.
        await sleep(1);
        const [n, id] = [...people][turn % people.size] as [number, string];
        for (const by of [{ email: emailOf(n) }, { externalId: `X-${n}` }]) {
          const found = await findBy(by, app);
          if (found.join() !== id) faults.push({ by, found, id });
        }
      }
    });
    const writing = (async () => {
      for (let n = 20; !isOver; n += 3) {
        const wanted = [n, n + 1, n + 2];
        await Promise.all(
          wanted.map(async (each) => {
            // Both processes at a time want the same identifier for a new person.
            const tried = await Promise.allSettled(apps.map((app) => take(each, app)));
            const taken = tried.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
            if (taken.length === 1) people.set(each, taken[0] as string);
            else faults.push({ each, tried });
          }),
        );
        const changed = [...people][n % 20] as [number, string];
        await either(n).services.customers.update(client, { customerId: changed[1], lastName: `Name ${n}` });
      }
    })();
    await finish();
    isOver = true;
    await Promise.all([...reading, writing]);
    expect(faults.slice(0, 3)).toEqual([]);
    expect(people.size).toBeGreaterThan(20);

    expect(await secrets()).toMatchObject([
      { number: 1, id: 'first', destroyedAt: expect.any(Number), epoch: 1, dueAt: undefined },
      { number: 2, destroyedAt: undefined, dueAt: undefined },
    ]);
    const key = await apps[0].stores.keys.derivedKey(client, 'blind-index');
    const rows = await apps[0].stores.regions.home.query<Array<{ id: string; email_index: string }>>(
      'SELECT id, email_index FROM customer WHERE client_id = ?',
      [client],
    );
    const wanted = [...people].map(([n, id]) => ({ id, email_index: digestOf(key, 'email', emailOf(n)) }));
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    expect(rows.sort(byId)).toEqual(wanted.sort(byId));
  }, 60_000);

  test('what cannot be made anew is found for ever; cursors hold until the old secret ends, pseudonyms change', async () => {
    const [{ services, stores }, { services: other }] = apps;
    const admin = { role: 'CLIENT_ADMIN', client } as const;
    const officer = 'officer@acme.example';
    const entry = await services.recorder.record('GRANT_GIVEN', { client, principal: officer });
    const gone = await take(9_001);
    const by = { principal: officer, role: 'CLIENT_ADMIN', grounds: 'CONSENT_WITHDRAWN' } as const;
    const { id: request } = await services.erasure.erasures.request(client, gone, by);
    await jobWorker(stores, services).drain();
    const person = await take(9_002);
    const attributes = [{ key: 'plan', value: 'gold' }];
    await services.customers.update(client, { customerId: person, attributes });
    const order = { id: uuid(), customerId: person, externalId: 'O-1' };
    const source = await stores.regions.of(client);
    await inTransaction(source, (manager) => new TenantWriter(manager, stores.keys).insert(Order, client, [order]));
    const first = '{ customers(first: 1) { nodes { id } pageInfo { endCursor } } }';
    const cursorOf = async (app: TestApp) => {
      const { data } = await app.ask(admin, 'SUPPORT', first);
      return (data as { customers: { pageInfo: { endCursor: string } } }).customers.pageInfo.endCursor;
    };
    const taken = async (cursor: string, app: TestApp) => {
      const { errors } = await app.ask(
        admin,
        'SUPPORT',
        `{ customers(first: 1, after: "${cursor}") { nodes { id } } }`,
      );
      return errors?.[0]?.message ?? 'taken';
    };
    const pseudonymOf = async () => {
      const document = '{ customers(first: 1) { nodes { id } } }';
      const { data } = await apps[1].ask({ role: 'CLIENT_AGENT', client }, 'IMPROVEMENT', document);
      return (data as { customers: { nodes: Array<{ id: string }> } }).customers.nodes[0]?.id;
    };
    const [oldCursor, oldPseudonym] = [await cursorOf(apps[0]), await pseudonymOf()];
    const before = await stores.keys.derivedKey(client, 'blind-index');

    const { usedFrom } = await services.clientSecrets.begin(client);
    await expect(other.clientSecrets.begin(client)).rejects.toThrow('under way');
    expect(await pseudonymOf()).toBe(oldPseudonym);
    while (Date.now() < usedFrom + 50) await sleep(20);
    expect([await taken(oldCursor, apps[0]), await taken(await cursorOf(apps[0]), apps[1])]).toEqual([
      'taken',
      'taken',
    ]);
    const newPseudonym = await pseudonymOf();
    expect(newPseudonym).not.toBe(oldPseudonym);
    await services.customers.update(client, { customerId: person, attributes: [{ key: 'plan', value: 'iron' }] });
    await finish();
    await sleep(pace.leadMs / 2 + 50);
    expect(await taken(oldCursor, apps[0])).toMatch('no cursor that you were given here');
    expect([await pseudonymOf(), await stores.keys.derivedKeys(client, 'blind-index')]).toEqual([
      newPseudonym,
      { current: expect.any(Buffer), all: [expect.any(Buffer)] },
    ]);

    expect(await other.erasure.erased.erased(client, [{ kind: 'email', value: emailOf(9_001) }])).toHaveLength(1);
    await expect(take(9_001)).rejects.toMatchObject({ extensions: { code: 'ERASED' } });
    expect(await (await other.erasure.records.require(client, request)).subject()).toBe(gone);
    const entries = await other.auditReader.entries(client, { principal: officer }, 50, undefined);
    expect(entries.map(({ id }) => id)).toContain(entry);
    const found = entries.find(({ id }) => id === entry);
    expect(found && (await other.auditReader.nameOf(found))).toBe(officer);
    const { regions, keys } = stores;
    expect((await verifyRecords({ regions, keys, references: other.references })).findings).toEqual([]);
    const now = await keys.derivedKey(client, 'blind-index');
    const indexes = await source.query(
      `SELECT o.external_id_index AS external, a.key_index AS attribute FROM purchase_order o
       JOIN customer_attribute a ON a.client_id = o.client_id AND a.customer_id = o.customer_id WHERE o.client_id = ?`,
      [client],
    );
    expect(indexes).toEqual([
      { external: digestOf(now, 'externalId', 'O-1'), attribute: attributeKeyIndex(now, person, 'plan') },
    ]);
    expect(now.equals(before)).toBe(false);
    const kinds = (await other.auditReader.entries(client, {}, 50, undefined)).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['CLIENT_SECRET_PUBLISHED', 'CLIENT_SECRET_DESTROYED']));
  }, 60_000);

  test('data from before a replacement is found again, by itself or by remit migrate', async () => {
    const [{ stores, services, env }] = apps;
    const source = await stores.regions.of(client);
    const id = await take(9_003);
    // As the secret that is gone had it.
    await source.query('UPDATE customer SET email_index = ? WHERE id = ?', [randomBytes(32).toString('base64url'), id]);
    await source.query("UPDATE identifier_move SET secret_id = 'first' WHERE client_id = ?", [client]);
    expect(await findBy({ email: emailOf(9_003) }, apps[0])).toEqual([]);
    expect(await strayClients(stores.regions, [stores.keysSource])).toEqual([client]);
    const config = {
      databaseUrl: env.DATABASE_URL ?? '',
      regionalDatabaseUrls: {},
      keysDatabaseUrl: env.KEYS_DATABASE_URL ?? '',
      masterKeyFile: env.REMIT_MASTER_KEY_FILE ?? '',
      production: false,
    };
    if (database.databaseUrl.startsWith('mysql')) await expect(apps[0].replica()).rejects.toThrow('run: remit migrate');
    const said = await migrateStores(config);
    expect(said).toEqual(['new indexes for the identifiers of 1 clients']);
    expect(await findBy({ email: emailOf(9_003) }, apps[0])).toEqual([id]);
    expect(await strayClients(stores.regions, [stores.keysSource])).toEqual([]);
    expect(await services.clientSecrets.advance(fail)).toEqual([]);
  }, 60_000);
});

/** Until a moment the process goes on making things with the older secret: its clock is behind. */
function setClockBack({ stores: { keys } }: TestApp, until: number): void {
  const derivedKeys = keys.derivedKeys.bind(keys);
  keys.derivedKeys = async (...given) => {
    const { current, all } = await derivedKeys(...given);
    return { all, current: Date.now() < until ? (all[0] as Buffer) : current };
  };
}

test('a ring of secrets is read as it was written; an ended one leaves the keys that are kept, and no others', () => {
  const secret = Buffer.alloc(32, 7);
  const first = decodeRing(secret);
  expect(first).toEqual([{ number: 1, usedFrom: 0, secret, kept: new Map() }]);
  const second = { number: 2, usedFrom: 1_700_000_000_000, secret: Buffer.alloc(32, 9), kept: new Map() };
  const ring = [...first.map(ended), second];
  const read = decodeRing(encodeRing(ring));
  expect(read).toEqual(ring);
  expect(encodeRing(ring).includes(secret)).toBe(false);
  expect([...(read[0]?.kept ?? [])]).toEqual(keptUses.map((use) => [use, deriveKey(secret, use)]));
  expect(() => decodeRing(encodeRing(ring).subarray(0, -1))).toThrow('cut off');
});
