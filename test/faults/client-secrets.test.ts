import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const pace = { leadMs: 2_000, overlapMs: 1_200 };
const read = new Set(['email', 'externalId']);
const fail = (error: unknown) => {
  throw error;
};

describe.each(databases)("processes that replace a client's secret are killed on $name", ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database, {}, {}, { pace });
  });

  afterAll(async () => {
    await app.services.ledger.close();
    await app.close();
    await database.drop();
  });

  test('a process that is killed at a step is no hindrance to the next one, and nobody is missed meanwhile', async () => {
    const { env, services, stores } = app;
    const { id: other } = await services.clients.register({ slug: 'globex', name: 'Globex' }, 'registrar');
    const input = { email: 'ada@example.org', externalId: 'A-1', residency: 'DE' };
    const person = await services.customers.create(other, input, 'test');
    const find = async () =>
      (await services.customers.reads.lookup(other, { externalId: 'A-1' }, read)).map(({ id }) => id);
    for (const step of ['prepared', 'published', 'moving', 'moved', 'destroyed', 'finished']) {
      const program = join(__dirname, 'replacing-process.js');
      const config = {
        databaseUrl: env.DATABASE_URL,
        regionalDatabaseUrls: {},
        keysDatabaseUrl: env.KEYS_DATABASE_URL,
        masterKeyFile: env.REMIT_MASTER_KEY_FILE,
        epoch: 'off',
      };
      const child = spawn(process.execPath, [program, JSON.stringify(config), other, step], { stdio: 'inherit' });
      const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
      expect([step, code, signal]).toEqual([step, null, 'SIGKILL']);
      expect([step, await find()]).toEqual([step, [person]]);
    }
    const [first, second] = await services.clientSecrets.state(other);
    expect([first?.destroyedAt, first?.epoch, second?.number]).toEqual([expect.any(Number), 1, 2]);
    expect(await services.clientSecrets.advance(fail)).toEqual([]);
    await sleep(pace.leadMs / 2 + 50);
    expect(await find()).toEqual([person]);
    const { all } = await stores.keys.derivedKeys(other, 'blind-index');
    expect(all).toHaveLength(1);
  });
});
