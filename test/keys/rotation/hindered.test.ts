import { randomBytes } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { ClientSecretRotation } from '../../../src/client-secrets';
import { clientSecrets as check } from '../../../src/commands/doctor/client-secrets';
import { tenantEntities } from '../../../src/entities';
import type { ChangeRecorder } from '../../../src/identity/change-recorder';
import { decrypt } from '../../../src/keys/aes-gcm';
import { digestOf } from '../../../src/keys/blind-index';
import { UnsealError } from '../../../src/keys/errors';
import { encodeRing } from '../../../src/keys/secret-ring';
import { unwrapSecrets, wrapSecrets } from '../../../src/keys/wrapping';
import { moveSome, secretOfRows } from '../../../src/subjects/moved-identifiers';
import { Order } from '../../../src/subjects/related/order';
import { clientsWithDoubles, strayClients } from '../../../src/subjects/stray-identifiers';
import { openTestApp, type TestApp } from '../../support/app';
import { databases, type TestDatabase } from '../../support/databases';
import { insertRows } from '../../support/rows';

const HOUR = 3_600_000;
const read = new Set(['email', 'externalId']);
const fail = (error: unknown) => {
  throw error;
};

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe.each(databases)("what hinders the replacement of clients' secrets on $name", ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: string;
  let clients = 0;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
  });

  afterAll(async () => {
    await app.services.ledger.close();
    await app.close();
    await database.drop();
  });

  beforeEach(async () => {
    const slug = `client-${++clients}`;
    client = (await app.services.clients.register({ slug, name: slug }, 'registrar')).id;
  });

  const home = () => app.stores.regions.home;
  const take = (email: string, externalId: string) =>
    app.services.customers.create(client, { email, externalId, residency: 'DE' }, 'test');
  const findBy = async (by: object) =>
    (await app.services.customers.reads.lookup(client, by, read)).map(({ id }) => id).sort();
  const secrets = () => app.stores.keys.secrets;
  /** Publishes the next secret. By default it was used for long already, so that rows can be moved at once. */
  const publish = (usedFrom = Date.now() - 2 * HOUR) =>
    secrets().publish(client, { publishedBy: Date.now() + HOUR, usedFrom, dueAt: usedFrom + HOUR });
  const living = async () =>
    (await secrets().of(client)).filter(({ destroyedAt }) => !destroyedAt).map(({ number }) => number);
  const parts = () => ({ source: home(), keys: app.stores.keys, entities: tenantEntities });
  const rotationWith = (recorder: ChangeRecorder) =>
    new ClientSecretRotation({ ...app.stores, entities: tenantEntities, recorder });
  const garbage = () => randomBytes(32).toString('base64url');

  test.each([
    ['announced', 24 * HOUR],
    ['used by some processes', 0],
  ])('rows from before a replacement are made with the secret of now while another is %s', async (_, later) => {
    const person = await take('ada@example.org', 'A-1');
    const second = await publish();
    await app.services.clientSecrets.advance(fail);
    const third = await publish(Date.now() + later);
    // As they came back, made with the first secret.
    await home().query('UPDATE customer SET email_index = ? WHERE id = ?', [garbage(), person]);
    await home().query("UPDATE identifier_move SET secret_id = 'first' WHERE client_id = ?", [client]);
    const stray = () => strayClients(app.stores.regions, [app.stores.keysSource]);
    expect(await stray()).toEqual([client]);
    expect(await app.services.clientSecrets.recover(client)).toEqual([]);
    expect([await stray(), await secretOfRows(home(), client)]).toEqual([[], second.id]);
    const [row] = await home().query('SELECT email_index FROM customer WHERE id = ?', [person]);
    const key = await secrets().keyOf(client, second.number, 'blind-index');
    expect(row.email_index).toBe(digestOf(key, 'email', 'ada@example.org'));
    expect(await findBy({ email: 'ada@example.org' })).toEqual([person]);

    // Its time comes: the rows are moved, and nobody is missed.
    await app.stores.keysSource.query('UPDATE client_secret SET due_at = 1 WHERE client_id = ? AND number = 2', [
      client,
    ]);
    expect(await app.services.clientSecrets.advance(fail)).toEqual([client]);
    expect([await living(), await secretOfRows(home(), client)]).toEqual([[3], third.id]);
    expect(await findBy({ email: 'ada@example.org' })).toEqual([person]);
  });

  test('a process that was held up ends no secret to whose successor the rows have not been moved', async () => {
    const person = await take('ada@example.org', 'A-1');
    const second = await publish();
    const [held, isThere] = [gate(), gate()];
    const slow = rotationWith({
      record: async (...given) => {
        isThere.open();
        await held.opened;
        return app.services.recorder.record(...given);
      },
    }).advance(fail);
    await isThere.opened;
    expect(await app.services.clientSecrets.advance(fail)).toEqual([client]);
    const third = await publish();
    held.open();
    await slow;
    expect([await living(), await findBy({ externalId: 'A-1' })]).toEqual([[2, 3], [person]]);
    await expect(secrets().destroyOld(client, 4)).rejects.toThrow('is not there');

    while ((await moveSome(parts(), client, third)) !== 'MOVED');
    expect([await moveSome(parts(), client, second), await secretOfRows(home(), client)]).toEqual([
      'OVERTAKEN',
      third.id,
    ]);
    expect(await app.services.clientSecrets.advance(fail)).toEqual([client]);
    expect([await living(), await findBy({ externalId: 'A-1' })]).toEqual([[3], [person]]);
  });

  test('an identifier that two rows have hinders neither the others nor the end, and is told', async () => {
    const order = async (customerId: string) => {
      const row = { id: uuid(), customerId, externalId: 'O-1' };
      await insertRows(app, client, Order, [row]);
      return row.id;
    };
    const lose = (table: string, id: string) =>
      home().query(`UPDATE ${table} SET external_id_index = ? WHERE id = ?`, [garbage(), id]);
    const people = [await take('ada@example.org', 'A-1')] as [string, ...string[]];
    const orders = [await order(people[0])];
    // Nobody is found, so the same are taken in again.
    await lose('customer', people[0]);
    await lose('purchase_order', orders[0] as string);
    people.push(await take('bob@example.org', 'A-1'));
    orders.push(await order(people[0]));
    const other = await take('eve@example.org', 'E-1');
    await publish();
    const told: unknown[] = [];
    expect(await app.services.clientSecrets.advance((error) => told.push(error))).toEqual([client]);
    expect([await living(), await findBy({ externalId: 'E-1' })]).toEqual([[2], [other]]);
    expect(await findBy({ externalId: 'A-1' })).toEqual([...people].sort());
    expect(told).toEqual([expect.objectContaining({ name: 'DoubledIdentifiersError' })]);
    expect(String(told[0])).toMatch(/customer \S+ \(both are found by it\)/);
    const [left] = /purchase_order \S+ (\S+ )?\(is not found by it\)/.exec(String(told[0])) ?? [''];
    expect(orders.filter((id) => left.includes(id))).toHaveLength(1);

    const doubled = () => clientsWithDoubles(app.stores.regions, [app.stores.keysSource]);
    expect(await doubled()).toEqual([client]);
    const found = await check.look({ ...app.stores, keysSources: [app.stores.keysSource] } as never);
    expect(JSON.stringify(found)).toContain('rows of 1 client are not found by an identifier that another row has too');
    expect((await app.services.clientSecrets.recover(client)).map(({ table }) => table)).toEqual(['purchase_order']);
    const lost = orders.filter((id) => !left.includes(id));
    await home().query('DELETE FROM purchase_order WHERE id = ?', lost);
    expect([await app.services.clientSecrets.recover(client), await doubled()]).toEqual([[], []]);
    const key = await app.stores.keys.derivedKey(client, 'blind-index');
    expect(
      await home().query('SELECT external_id_index AS found FROM purchase_order WHERE client_id = ?', [client]),
    ).toEqual([{ found: digestOf(key, 'externalId', 'O-1') }]);
  });

  test("a replacement is not given up where a client's keys are away, only where they are destroyed", async () => {
    await publish();
    const { keysSource } = app.stores;
    const rename = (from: string, to: string) =>
      keysSource.query('UPDATE client_key SET client_id = ? WHERE client_id = ?', [to, from]);
    await rename(client, `${client.slice(0, -1)}-`);
    const told: unknown[] = [];
    expect(await app.services.clientSecrets.advance((error) => told.push(error))).toEqual([]);
    expect(told).toEqual([expect.objectContaining({ code: 'CLIENT_KEY_ABSENT' })]);
    await rename(`${client.slice(0, -1)}-`, client);
    expect(await app.services.clientSecrets.advance(fail)).toEqual([client]);

    await publish();
    await app.stores.keys.destroyClientKey(client);
    expect(await app.services.clientSecrets.advance(fail)).toEqual([]);
    expect((await secrets().of(client)).filter(({ dueAt }) => dueAt !== undefined)).toEqual([]);
  });

  test('a new secret is announced for ten minutes', async () => {
    const before = Date.now();
    const { usedFrom } = await rotationWith(app.services.recorder).begin(client);
    expect(usedFrom).toBeGreaterThanOrEqual(before + 600_000);
  });
});

test('what takes several secrets for one cannot open them', () => {
  const [node, secret] = [randomBytes(32), randomBytes(32)];
  const ofOld = (wrapped: Buffer) => decrypt(node, wrapped, 'client-secret:acme');
  expect(ofOld(wrapSecrets(node, secret, 'acme'))).toEqual(secret);
  const ring = encodeRing([{ number: 1, usedFrom: 0, secret, kept: new Map() }]);
  const wrapped = wrapSecrets(node, ring, 'acme');
  expect(() => ofOld(wrapped)).toThrow(UnsealError);
  expect(unwrapSecrets(node, wrapped, 'acme')).toEqual(ring);
});
