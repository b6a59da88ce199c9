import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allCallers } from '../../src/commands/demo/callers';
import { remit, startRemit } from '../support/cli';

jest.setTimeout(180_000);

const folder = mkdtempSync(join(tmpdir(), 'remit-demo-'));
const temporary = mkdtempSync(join(folder, 'tmp-'));
const options = { cwd: folder, env: { TMPDIR: temporary } };
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Nothing of a temporary installation is left. */
const leftovers = () => readdirSync(temporary);

/** The cells of a table's row, its lines joined. */
function row(table: string, label: string): string[] {
  const lines = table.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`│ ${label} `));
  expect(start).toBeGreaterThan(-1);
  const length = lines.slice(start).findIndex((line, index) => index > 0 && !/^│ {3}/.test(line));
  const cells = lines.slice(start, start + length).map((line) => line.split('│').slice(2, -1));
  return (cells[0] ?? []).map((_, column) => cells.map((line) => (line[column] ?? '').trim()).join(''));
}

describe('demo --once', () => {
  let output: string;
  let customer: string;
  let health: string;

  beforeAll(async () => {
    const run = await remit(['demo', '--once'], options);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    output = run.stdout;
    [customer = '', health = ''] = output.split('Health data, at a client');
  });

  test('shows in one table what each caller saw of the same customer', () => {
    const notPermitted = 'withheld:PURPOSE_NOT_PERMITTED';
    const [app, agent, analyst, partner, instructed] = row(customer, 'firstName');
    expect([app, agent, partner]).toEqual(['Marlene', 'Marlene', 'Marlene']);
    expect(analyst).toBe(notPermitted);
    expect(instructed).toBe('≈ M•••');
    expect(row(customer, 'email')[2]).toMatch(/^≈ p_/);
    expect(row(customer, 'order total').slice(0, 3)).toEqual(['69', '69', '≈ 50']);
    expect(row(customer, 'mail subject').slice(2, 5)).toEqual([
      notPermitted,
      'withheld:PURPOSE_NOT_GRANTED',
      notPermitted,
    ]);
    expect(customer).toContain('Engineer (not instructed), for SECURITY: everything is refused.');
    expect(customer).toContain('PURPOSE_NOT_GRANTED, by GDPR Art. 28(3)(a).');
  });

  test('shows health data under an agreement only, and the IP address by purpose', () => {
    expect(row(health, 'health kind')).toEqual([
      'Diagnosis',
      'Diagnosis',
      'withheld:AGREEMENT_REQUIRED',
      'withheld:PURPOSE_NOT_PERMITTED',
      expect.any(String),
      'withheld:PURPOSE_NOT_PERMITTED',
    ]);
    expect(row(health, 'ipAddress').slice(0, 2)).toEqual(['192.0.2.57', '≈ 192.0.2.0/24']);
    expect(health).toContain('Partner (parcel-pilot), for SERVICE_DELIVERY: its contract has no such fields.');
  });

  test('fits a terminal of 120 columns, and writes no colour codes into a pipe', () => {
    expect(Math.max(...output.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(output).not.toContain('\u001b');
  });

  test('leaves no database behind', () => {
    expect(leftovers()).toEqual([]);
  });
});

describe('demo, while it serves', () => {
  let child: ReturnType<typeof startRemit>;
  let address = '';
  let ended: Promise<number | null>;

  beforeAll(async () => {
    child = startRemit(['demo', '--port', '0'], options);
    started.push(child);
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    ended = new Promise((resolve) => child.once('close', resolve));
    await expectEventually(() => output.includes('audit verify --demo'));
    address = /Serving on (http:\/\/127\.0\.0\.1:\d+)\/graphql/.exec(output)?.[1] ?? '';
    for (const { name } of allCallers) expect(output).toContain(` ${address}/demo/${name}\n`);
  });

  /** Follows a caller's link, and asks what the playground would be handed. */
  async function as(name: string, body: { query?: string; operationName?: string; variables?: object } = {}) {
    const link = await fetch(`${address}/demo/${name}`, { redirect: 'manual' });
    expect(link.status).toBe(303);
    const target = new URL(link.headers.get('location') ?? '', address);
    expect(target.pathname).toBe('/playground/');
    const handed = new URLSearchParams(target.hash.slice(1));
    const query = body.query ?? handed.get('query') ?? '';
    const response = await fetch(`${address}/graphql`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${handed.get('token')}`,
        'content-type': 'application/json',
        'processing-purpose': handed.get('purpose') ?? '',
      },
      body: JSON.stringify({ query, operationName: /query (\w+)/.exec(query)?.[1], ...body }),
    });
    return (await response.json()) as { data: unknown; errors?: Array<{ extensions: { code: string } }> };
  }

  test('each link opens the playground as its caller, with a query of its own that is answered', async () => {
    expect((await fetch(`${address}/playground/`)).status).toBe(200);
    for (const { name, purpose } of allCallers) {
      const answer = await as(name);
      const codes = (answer.errors ?? []).map(({ extensions }) => extensions.code);
      expect({ name, codes: codes.filter((code) => !/^(PURPOSE|PROCESSING|AGREEMENT)_/.test(code)) }).toEqual({
        name,
        codes: [],
      });
      expect(answer).toMatchObject({ extensions: { governance: { purpose } } });
    }
  });

  test('a transfer waits for the officer, a hold is in force, an erasure is open', async () => {
    expect(await as('officer')).toMatchObject({
      data: {
        transferApprovals: { nodes: [{ state: 'REQUESTED', categories: ['COMMERCE'] }, { state: 'ACTIVE' }] },
        legalHolds: [{ matter: '2026-C-118', releasedAt: null }],
        erasureRequests: { nodes: [{ status: 'RECEIVED', startsAt: expect.any(String) }] },
      },
    });
    expect(await as('sub-processor')).toMatchObject({
      data: { customers: { nodes: [{ firstName: 'Marlene' }, {}, {}] } },
    });
  });

  test('an erasure that the administrator asks for is carried out within seconds, and final with the epoch', async () => {
    const found = await as('admin');
    const [first] = (found.data as { customers: { nodes: Array<{ id: string }> } }).customers.nodes;
    const input = { customerId: first?.id, grounds: 'CONSENT_WITHDRAWN' };
    const query = 'mutation Erase($input: RequestErasureInput!) { requestErasure(input: $input) { request { id } } }';
    const asked = await as('admin', { query, operationName: 'Erase', variables: { input } });
    expect(asked.errors).toBeUndefined();
    const { id } = (asked.data as { requestErasure: { request: { id: string } } }).requestErasure.request;
    const status = async () => {
      const query = 'query Q($id: ID!) { erasureRequest(id: $id) { status } }';
      const answer = await as('admin', { query, operationName: 'Q', variables: { id } });
      return (answer.data as { erasureRequest: { status: string } }).erasureRequest.status;
    };
    const reach = async (wanted: string) => {
      const deadline = Date.now() + 30_000;
      while ((await status()) !== wanted && Date.now() < deadline) await new Promise((done) => setTimeout(done, 200));
      expect(await status()).toBe(wanted);
    };
    await reach('AWAITING_EPOCH');
    expect(await remit(['keys', 'turn', '--demo'], options)).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: expect.stringContaining('1 erasure can be completed.'),
    });
    await reach('COMPLETED');
  });

  test('the command line works on its data with --demo', async () => {
    expect(await remit(['audit', 'verify', '--demo'], options)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Sound: \d+ entries/),
    });
    expect((await remit(['--demo', 'erasures', 'list'], options)).stdout).toContain('alpine-clinic');
  });

  test('a link is given to nobody who came by another name', async () => {
    const { port } = new URL(address);
    const asked = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: `demo.attacker.example:${port}` };
      get({ host: '127.0.0.1', port, path: '/demo/agent', headers }, ({ statusCode }) => resolve(statusCode)).on(
        'error',
        reject,
      );
    });
    expect(asked).toBe(404);
    expect((await fetch(`${address}/demo/nobody`)).status).toBe(404);
  });

  test('a signal ends it, and its database is gone; --demo then says that none runs', async () => {
    expect(leftovers()).toHaveLength(1);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(leftovers()).toEqual([]);
    expect(await remit(['audit', 'verify', '--demo'], options)).toEqual({
      code: 2,
      stdout: '',
      stderr: 'error: --demo: no demo runs in this folder; start one with: npm run demo\n',
    });
  });
});

test('a port that is taken is said to be, with another to choose', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const run = await remit(['demo'], { ...options, env: { ...options.env, PORT: String(port) } });
  other.close();
  expect(run).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      new RegExp(`^error: port ${port} is taken by another process; choose another: PORT=\\d+ npm run demo\n$`),
    ),
  });
  expect(leftovers()).toEqual([]);
});

test('the demo is refused in production: it signs development tokens', async () => {
  const run = await remit(['demo', '--once'], { ...options, env: { ...options.env, NODE_ENV: 'production' } });
  expect(run).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^error: the demo signs development/),
  });
});

async function expectEventually(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!holds() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(holds()).toBe(true);
}
