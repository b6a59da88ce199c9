import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { cursorsOf } from '../../../src/identity/cursors';
import { page, positionOf } from '../../../src/api/paging';
import { verifyRecords } from '../../../src/audit/verification/records';
import { jobWorker } from '../../../src/background';
import type { SecretState } from '../../../src/client-secrets';
import { digestOf } from '../../../src/keys/blind-index';
import { ended, encodeRing, decodeRing } from '../../../src/keys/secret-ring';
import { derivedUses, deriveKey, keptUses } from '../../../src/keys/derived-keys';
import { inTransaction } from '../../../src/storage/transaction';
import { Order } from '../../../src/subjects/related/order';
import { TenantWriter } from '../../../src/tenancy/tenant-writer';
import { openTestApp, type TestApp } from '../../support/app';
import { databases, type TestDatabase } from '../../support/databases';

const pace = { leadMs: 1_200, overlapMs: 1_200 };
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
    (await app.services.customers.lookup(client, by, read)).map(({ id }) => id);
  /** Advances in the second process until the old secret is gone. */
  const finish = async () => {
    const deadline = Date.now() + 30_000;
    while ((await apps[1].services.clientSecrets.advance(fail)).length === 0) {
      if (Date.now() > deadline) throw new Error('the secret is not replaced');
      await sleep(50);
    }
  };
  const secrets = async () => {
    const all: SecretState[] = [];
    for await (const state of apps[0].services.clientSecrets.state(client)) all.push(state);
    return all;
  };

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
