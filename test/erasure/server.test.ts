import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { Webhook } from 'standardwebhooks';
import { type App, openApp } from '../../src/app';
import { readConfig } from '../../src/config';
import { createServer } from '../../src/gateway/server';
import { PLATFORM } from '../../src/keys/platform-key';
import { remitHere as remit } from '../support/command';
import { databases, type TestDatabase } from '../support/databases';
import { type Installation, openInstallation } from './installation';
import { CANARY, newClient, plantPeople } from './people';

const [embedded] = databases;

/** The server carries erasures out by itself, measures them, and takes recipients' acknowledgements. */
describe('a server beside its erasures', () => {
  let database: TestDatabase;
  let installation: Installation;
  let app: App;
  let server: FastifyInstance;
  let client: string;

  beforeAll(async () => {
    if (!embedded) throw new Error('there is no test database');
    database = await embedded.create();
    installation = await openInstallation(database);
    app = await openApp(readConfig({ ...installation.env, LOG_LEVEL: 'silent' }));
    server = await createServer(app.serverOptions);
    client = await newClient(app.services, 'acme');
  });
  afterAll(async () => {
    await server.close();
    await app.close();
    await installation.close();
    await database.drop();
  });

  test('erases, tells, and is told over HTTP that it was done', async () => {
    const received: Array<{ data: { delivery: string } }> = [];
    const recipient = createHttpServer(async (request, response) => {
      received.push(JSON.parse(await text(request)));
      response.writeHead(202).end();
    });
    recipient.listen(0, '127.0.0.1');
    await once(recipient, 'listening');
    const url = `http://127.0.0.1:${(recipient.address() as AddressInfo).port}/`;
    const mailer = await app.services.parties.registerSubProcessor(
      { slug: 'mailer', name: 'Mailer', service: 's', country: 'US', purposes: ['SUPPORT'], categories: ['CONTACT'] },
      'test',
    );
    const owner = { kind: 'SUB_PROCESSOR', id: mailer.id } as const;
    const { secret } = await app.services.webhooks.register(PLATFORM, owner, { url }, 'test');
    const [person] = await plantPeople(app.stores, client, [1]);
    const { erasures } = app.services.erasure;
    const filing = { principal: 'a', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
    const { id } = await erasures.request(client, person?.id ?? '', filing);
    const before = await server.inject('/metrics');
    expect(before.body).toContain('remit_erasures_open{status="RECEIVED"} 1');
    expect(before.body).toContain('remit_erasures_overdue 0');
    expect(before.body).toMatch(/remit_erasures_next_due_timestamp_seconds [1-9]/);

    app.work();
    // The recipient is told as soon as the erasure has begun.
    const isDone = async () => received.length > 0 && (await erasures.find(client, id))?.status === 'COMPLETED';
    for (const deadline = Date.now() + 20_000; !(await isDone()) && Date.now() < deadline; ) await sleep(50);
    recipient.close();
    expect(await erasures.find(client, id)).toMatchObject({ status: 'COMPLETED' });
    const delivery = received[0]?.data.delivery;
    const body = JSON.stringify({ type: 'erasure.acknowledged', data: { client, delivery } });
    const at = new Date();
    const send = (signature: string) =>
      server.inject({
        method: 'POST',
        url: '/webhooks/acknowledge',
        headers: {
          'content-type': 'application/json',
          'webhook-id': 'msg_a',
          'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
          'webhook-signature': signature,
        },
        payload: body,
      });
    const forged = await send(new Webhook(`whsec_${Buffer.alloc(32, 1).toString('base64')}`).sign('msg_a', at, body));
    expect([forged.statusCode, forged.json()]).toMatchObject([
      401,
      { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    ]);
    const taken = await send(new Webhook(secret).sign('msg_a', at, body));
    expect([taken.statusCode, taken.body]).toEqual([204, '']);
    expect(await erasures.recipients(client, id)).toMatchObject([{ name: 'Mailer', status: 'ACKNOWLEDGED' }]);
  });

  test('pitfall 28: an import does not bring an erased person back, unless it is told to', async () => {
    const { folder, env } = installation;
    const file = join(folder, 'people.csv');
    writeFileSync(
      file,
      `id,mail,name\n${CANARY}-X-1,,Again\nnew-1,${CANARY}-1@EXAMPLE.ORG,Other\nnew-2,c@example.org,New\n`,
    );
    const map = join(folder, 'map.json');
    writeFileSync(map, JSON.stringify({ externalId: 'id', email: 'mail', firstName: 'name' }));
    const words = ['import', file, '--client', 'acme', '--as', 'customers', '--map', map, '--json'];
    const refused = await remit(words, { cwd: folder, env });
    expect(JSON.parse(refused.stdout)).toMatchObject({ created: 1, rejected: 2 });
    const allowed = await remit([...words, '--allow-erased'], { cwd: folder, env });
    expect(JSON.parse(allowed.stdout)).toMatchObject({ created: 2, rejected: 0 });
  });

  test('the command line lists, previews and runs', async () => {
    const options = { cwd: installation.folder, env: installation.env };
    const list = await remit(['erasures', 'list', '--json', '--client', 'acme'], options);
    expect(JSON.parse(list.stdout)).toMatchObject({ requests: [{ client: 'acme', status: 'COMPLETED' }] });
    expect((await remit(['erasures', 'list', '--status', 'WRONG'], options)).code).toBe(2);
    await app.services.erasure.retention.set({ client, principal: 'a' }, null, 30);
    const preview = await remit(['erasures', 'preview', '--json'], options);
    expect(JSON.parse(preview.stdout)).toMatchObject({
      rules: [{ client: 'acme', category: 'everything', customers: 0 }],
    });
    const run = await remit(['erasures', 'run', '--sweep', '--json'], options);
    expect([run.code, JSON.parse(run.stdout)]).toMatchObject([0, { failed: 0, swept: 0 }]);
  });
});
