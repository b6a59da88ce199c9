import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { type App, openApp } from '../../src/app';
import { readConfig } from '../../src/config';
import { createServer as createGateway } from '../../src/gateway/server';
import { databases, type TestDatabase } from '../support/databases';
import { type Installation, openInstallation } from './installation';
import { newClient, plantPeople } from './people';

const filing = { principal: 'a', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;

/** Relays to a database, and drops the first connection that asks what engine it is, as a failover would. */
async function droppingRelay(url: string): Promise<{ url: string; dropped: () => number; server: Server }> {
  const target = new URL(url);
  const port = Number(target.port);
  let dropped = 0;
  const server = createServer((client) => {
    const database = connect(port, target.hostname);
    client.on('data', (bytes) => {
      if (dropped === 0 && bytes.includes('version_comment')) {
        dropped++;
        client.resetAndDestroy();
        database.destroy();
      } else {
        database.write(bytes);
      }
    });
    database.on('data', (bytes) => client.write(bytes));
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      one.on('close', () => other.destroy());
      one.on('error', () => other.destroy());
    }
  });
  server.unref().listen(0, '127.0.0.1');
  await once(server, 'listening');
  target.port = String((server.address() as AddressInfo).port);
  return { url: target.href, dropped: () => dropped, server };
}

describe.each(databases)('a server whose database hiccups, on $name', ({ name, create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let app: App;
  let server: FastifyInstance;
  let client: string;

  const start = async (databaseUrl: string) => {
    app = await openApp(readConfig({ ...installation.env, DATABASE_URL: databaseUrl, LOG_LEVEL: 'silent' }));
    server = await createGateway(app.serverOptions);
  };
  const until = async (holds: () => Promise<boolean>) => {
    for (const deadline = Date.now() + 40_000; !(await holds()); await sleep(50)) {
      if (Date.now() > deadline) throw new Error('it did not come to that');
    }
  };
  const readiness = async () => {
    const { statusCode, json } = await server.inject('/readyz');
    return { statusCode, ...json<{ faults?: string[]; concerns?: string[] }>() };
  };
  const metric = async (of: string) => {
    const { body } = await server.inject('/metrics');
    return Number(new RegExp(`^${of} (.*)$`, 'm').exec(body)?.[1]);
  };

  beforeEach(async () => {
    database = await create();
    installation = await openInstallation(database);
    client = await newClient(installation.services, 'acme');
  });
  afterEach(async () => {
    await server.close();
    await app.close();
    await installation.close();
    await database.drop();
  });

  if (name === 'MariaDB') {
    test('case first-round-hiccup: the first look at the engine fails, and erasure works from the next one on', async () => {
      const relay = await droppingRelay(database.databaseUrl);
      await start(relay.url);
      const [person] = await plantPeople(app.stores, client, [1]);
      const { id } = await app.services.erasure.erasures.request(client, person?.id ?? '', filing);
      app.work();
      await until(async () => (await app.services.erasure.erasures.find(client, id))?.status === 'COMPLETED');
      expect(relay.dropped()).toBe(1);
      expect(await readiness()).toEqual({ statusCode: 200, status: 'ready' });
      relay.server.close();
    }, 60_000);
  }

  test('readiness and metrics say that erasure does not work, and that it does again', async () => {
    await start(database.databaseUrl);
    const { home } = app.stores.regions;
    expect(await metric('remit_erasure_worker_last_success_timestamp_seconds')).toBe(0);
    app.work();
    await until(async () => (await metric('remit_erasure_worker_last_success_timestamp_seconds')) > 0);
    expect(await readiness()).toEqual({ statusCode: 200, status: 'ready' });
    await home.query('ALTER TABLE job RENAME TO job_away');
    await until(async () => (await readiness()).statusCode === 503);
    expect((await readiness()).faults).toEqual([
      expect.stringMatching(
        /^erasure is not working: its queue failed \d+ times in a row, it last worked at .*Z; the log/,
      ),
    ]);
    expect(await metric('remit_erasure_worker_failed_rounds')).toBeGreaterThanOrEqual(5);
    await home.query('ALTER TABLE job_away RENAME TO job');
    await until(async () => (await readiness()).statusCode === 200);
    expect(await metric('remit_erasure_worker_failed_rounds')).toBe(0);

    const [person] = await plantPeople(app.stores, client, [1]);
    const later = { ...filing, notBefore: Date.now() + 3_600_000 };
    const { id } = await app.services.erasure.erasures.request(client, person?.id ?? '', later);
    expect(await readiness()).toEqual({ statusCode: 200, status: 'ready' });
    await home.query("UPDATE erasure_request SET status = 'ATTENTION_REQUIRED' WHERE id = ?", [id]);
    expect(await readiness()).toMatchObject({
      statusCode: 200,
      concerns: [expect.stringMatching(/^erasures that are stuck: 1;/)],
    });
    expect(await metric('remit_erasures_stuck')).toBe(1);
  }, 120_000);
});
