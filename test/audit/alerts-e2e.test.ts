import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { signDevelopmentToken } from '../../src/identity/development-keys';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { createServices } from '../../src/services';
import { openStores } from '../../src/stores';
import { startRemit } from '../support/cli';

jest.setTimeout(120_000);

const PERSONS = 210;
const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
/** A clock that an hour passes on at each SIGUSR2. */
const clock = `
const now = Date.now;
let hours = 0;
Date.now = () => now() + hours * 3_600_000;
process.on('SIGUSR2', () => console.log('hours passed: ' + ++hours));
`;

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('alerts of a running server (statement G3)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'remit-alerts-'));
  const delivered: Delivery[] = [];
  let answer = 204;
  const recipient = createServer(async (request, response) => {
    delivered.push({ headers: request.headers, body: await text(request) });
    response.writeHead(answer).end();
  });
  let server: ReturnType<typeof startRemit>;
  let output = '';
  let url = '';
  let hours = 0;

  beforeAll(async () => {
    recipient.listen(0, '127.0.0.1');
    await once(recipient, 'listening');
    const env = {
      DATABASE_URL: `sqlite:${join(folder, 'remit.db')}`,
      KEYS_DATABASE_URL: `sqlite:${join(folder, 'keys.db')}`,
      REMIT_MASTER_KEY_FILE: join(folder, 'master.key'),
      PORT: '0',
      AUDIT_ALERT_URL: `http://127.0.0.1:${(recipient.address() as AddressInfo).port}/alerts`,
      AUDIT_ALERT_SECRET: secret,
    };
    await generateMasterKeyFile(env.REMIT_MASTER_KEY_FILE);
    const stores = await openStores({
      databaseUrl: env.DATABASE_URL,
      keysDatabaseUrl: env.KEYS_DATABASE_URL,
      regionalDatabaseUrls: {},
      masterKeyFile: env.REMIT_MASTER_KEY_FILE,
      production: false,
    });
    const { clients, customers, ledger } = createServices(stores);
    const { id } = await clients.register({ slug: 'acme', name: 'Acme' }, 'test');
    for (let number = 0; number < PERSONS; number++) {
      await customers.create(id, { firstName: `CANARY-${number}`, residency: 'DE' }, 'test');
    }
    await ledger.close();
    await stores.close();
    writeFileSync(join(folder, 'clock.js'), clock);
    server = startRemit(['serve'], { cwd: folder, env, nodeOptions: ['--require', join(folder, 'clock.js')] });
    server.stdout.on('data', (chunk) => {
      output += chunk;
    });
    await eventually(() => /http:\/\/127\.0\.0\.1:\d+(?=\/graphql)/.test(output));
    url = /http:\/\/127\.0\.0\.1:\d+(?=\/graphql)/.exec(output)?.[0] ?? '';
  });

  afterAll(async () => {
    const exited = once(server, 'exit');
    server.kill('SIGTERM');
    await exited;
    recipient.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function eventually(holds: () => boolean): Promise<void> {
    for (const deadline = Date.now() + 30_000; !holds(); await sleep(20)) {
      if (Date.now() > deadline) throw new Error(`it did not come to that: ${output.slice(-2_000)}`);
    }
  }

  /** A principal that reads ten persons an hour for three hours; then the next hour begins. */
  async function habitOf(subject: string): Promise<(first: number) => Promise<string>> {
    const token = await signDevelopmentToken(
      { subject, tenant: 'acme', roles: ['CLIENT_AGENT'], purposes: ['SUPPORT'], country: 'DE' },
      join(folder, 'data', 'dev-jwt.key.json'),
    );
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      'processing-purpose': 'SUPPORT',
    };
    const read = async (first: number): Promise<string> => {
      const query = `{ customers(first: ${first}) { nodes { firstName } } }`;
      const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
      const { data, extensions } = (await response.json()) as {
        data: { customers: { nodes: unknown[] } };
        extensions: { governance: { auditId: string } };
      };
      expect(data.customers.nodes).toHaveLength(first);
      return extensions.governance.auditId;
    };
    for (let times = 0; times < 3; times++) {
      await read(10);
      server.kill('SIGUSR2');
      hours++;
      await eventually(() => output.includes(`hours passed: ${hours}\n`));
    }
    return read;
  }

  const logged = (message: string): Array<Record<string, unknown>> =>
    output
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === message);

  async function counted(): Promise<number> {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const [, count = '0'] = /^remit_alerts_total\{rule="SUBJECTS_BEYOND_OWN_PAST"\} (\d+)$/m.exec(metrics) ?? [];
    return Number(count);
  }

  test('who reads far more persons than before is told of once: to the log, the metrics and the webhook', async () => {
    const read = await habitOf('agent-CANARY');
    expect(await counted()).toBe(0);
    expect(delivered).toEqual([]);

    const entry = await read(PERSONS);
    await eventually(() => delivered.length > 0 && logged('an access stood out').length > 0);
    const alert = { rule: 'SUBJECTS_BEYOND_OWN_PAST', entry, measured: PERSONS, limit: 200 };
    expect(logged('an access stood out')).toEqual([expect.objectContaining({ ...alert, level: 40 })]);
    expect(await counted()).toBe(1);
    const { headers, body } = delivered[0] as Delivery;
    const signed = headers as Record<string, string>;
    expect(new Webhook(secret).verify(body, signed)).toMatchObject({ type: 'audit.alert', data: alert });
    const other = `whsec_${Buffer.alloc(32, 4).toString('base64')}`;
    expect(() => new Webhook(other).verify(body, signed)).toThrow();
    expect(() => new Webhook(secret).verify(body.replace('210', '211'), signed)).toThrow();

    await read(PERSONS);
    await read(10);
    expect(await counted()).toBe(1);
    expect(delivered).toHaveLength(1);
    // An alert names nobody: neither who read, nor who was read.
    expect(JSON.stringify([logged('an access stood out'), body])).not.toContain('CANARY');
  });

  test('a recipient that fails is told of to the log, and keeps nobody from an answer', async () => {
    const read = await habitOf('another');
    answer = 500;
    await read(PERSONS);
    await eventually(() => logged('an alert could not be sent').length > 0);
    expect(logged('an alert could not be sent')).toEqual([expect.objectContaining({ level: 50 })]);
    expect(await counted()).toBe(2);
    await read(10);
  });
});
