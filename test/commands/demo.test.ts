import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('demo serves with ready-made tokens until a signal, and deletes its database then', async () => {
  const child = startRemit(['demo', '--port', '0'], options);
  started.push(child);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await expectEventually(() => output.match(/playground {2}/g)?.length === 6);
  expect(leftovers()).toHaveLength(1);

  const address = /Serving on (http:\/\/127\.0\.0\.1:\d+)\/graphql/.exec(output)?.[1] ?? '';
  expect((await fetch(`${address}/playground/`)).status).toBe(200);
  const link = new URL(/^Support agent .*\n.*\n +playground +(\S+)/m.exec(output)?.[1] ?? '');
  expect(`${link.origin}${link.pathname}`).toBe(`${address}/playground`);
  const handOver = new URLSearchParams(link.hash.slice(1));
  const response = await fetch(`${address}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${handOver.get('token')}`,
      'content-type': 'application/json',
      'processing-purpose': handOver.get('purpose') ?? '',
    },
    body: JSON.stringify({ query: handOver.get('query') }),
  });
  expect(await response.json()).toMatchObject({
    data: { customers: { nodes: [{ firstName: 'Marlene', email: 'marlene.gruber@example.at' }] } },
    extensions: { governance: { purpose: 'SUPPORT', withheld: [] } },
  });

  child.kill('SIGINT');
  expect(await ended).toBe(0);
  expect(leftovers()).toEqual([]);
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
