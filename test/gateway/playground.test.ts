import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify from 'fastify';
import { type Browser, chromium, type Page } from 'playwright-core';
import { playground } from '../../src/gateway/playground';
import { processingPurposes } from '../../src/governance/vocabulary';
import { findChromium } from '../support/chromium';
import { createPeer, type Peer, tokenOf } from './playground-peer';

const executablePath = findChromium();

const officer = tokenOf({
  sub: 'mara.lindqvist',
  tenant: 'northwind',
  roles: ['CLIENT_PRIVACY_OFFICER'],
  country: 'DE',
  scope: 'purpose:SUPPORT purpose:IMPROVEMENT customers:read',
  exp: Math.floor(Date.now() / 1000) + 3600,
});
const partner = tokenOf({ sub: 'acme-sync', roles: ['PARTNER'], scope: '' });

describe('the playground’s files', () => {
  const app = fastify();
  beforeAll(() => app.register(playground, {}));
  afterAll(() => app.close());

  it('are served under a policy that names no other host', async () => {
    const page = await app.inject('/playground/');
    expect(page.statusCode).toBe(200);
    expect(page.headers).toMatchObject({
      'content-type': expect.stringContaining('text/html'),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; " +
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
    });
    expect((await app.inject('/playground')).headers.location).toBe('/playground/');
  });

  it('are cached for good where their name is their content’s hash', async () => {
    const script = /\/playground\/assets\/[\w-]+\.js/.exec((await app.inject('/playground/')).body)?.[0] ?? '';
    const asset = await app.inject(script);
    expect(asset.statusCode).toBe(200);
    expect(asset.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("connect-src 'self'"),
    });
  });

  it('stay within their directory', async () => {
    for (const path of [
      '/playground/../package.json',
      '/playground/%2e%2e/%2e%2e/package.json',
      '/playground/none.js',
    ]) {
      expect((await app.inject(path)).statusCode).toBeGreaterThanOrEqual(400);
    }
  });

  it('are missed in words, not in a stack, and served as soon as they are built', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'remit-playground-'));
    const unbuilt = fastify();
    await unbuilt.register(playground, { directory });
    const page = await unbuilt.inject('/playground/');
    expect(page.statusCode).toBe(503);
    expect(page.body).toContain('npm run build:playground');
    writeFileSync(join(directory, 'index.html'), '<title>Built</title>');
    expect(await unbuilt.inject('/playground/')).toMatchObject({ statusCode: 200, body: '<title>Built</title>' });
    await unbuilt.close();
    rmSync(directory, { recursive: true });
  });
});

(executablePath ? describe : describe.skip)('the playground in Chromium', () => {
  let peer: Peer;
  let browser: Browser;
  let page: Page;
  let address: string;
  let elsewhere: string[];
  let complaints: string[];

  beforeAll(async () => {
    peer = await createPeer();
    await peer.app.register(playground, {});
    address = await peer.app.listen({ port: 0, host: '127.0.0.1' });
    const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
    browser = await chromium.launch({
      ...(executablePath ? { executablePath } : {}),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await peer?.app.close();
  });

  beforeEach(async () => {
    peer.asked.length = 0;
    peer.connections.length = 0;
    elsewhere = [];
    complaints = [];
    const context = await browser.newContext({ viewport: { width: 1600, height: 900 } });
    await context.route(
      (url) => url.hostname !== '127.0.0.1',
      (route) => {
        elsewhere.push(route.request().url());
        return route.abort();
      },
    );
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || /content security policy/i.test(message.text()))
        complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('websocket', (socket) => {
      if (new URL(socket.url()).hostname !== '127.0.0.1') elsewhere.push(socket.url());
    });
  });

  afterEach(async () => {
    await page.context().close();
    expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] });
  });

  /** Opens the playground and waits for the editor: GraphiQL's buttons do nothing before it. */
  const open = async (fragment = '') => {
    await page.goto(`${address}/playground${fragment}`);
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  };
  const result = () => page.getByLabel('Result Window');
  const run = () => page.getByRole('button', { name: /^Execute query/ }).click();
  const choose = (purpose: string) => page.getByRole('radio', { name: new RegExp(`^${purpose}`) }).check();
  const table = async () => {
    await page.getByRole('table').waitFor();
    const rows = await page.locator('.decision tbody tr').all();
    return Promise.all(rows.map(async (row) => (await row.locator('th, td').allTextContents()).map(plain)));
  };
  const plain = (text: string | null) => (text ?? '').replace(/\s+/g, ' ').trim();
  const summary = () => page.getByRole('status');
  const introspected = () =>
    peer.asked.filter(({ body }) => body.operationName === 'IntrospectionQuery').map(({ headers }) => headers);
  /** The last operation that was sent; the editor asks for the schema whenever it likes. */
  const lastOperation = () => peer.asked.findLast(({ body }) => body.operationName !== 'IntrospectionQuery');

  it('offers the purposes of the vocabulary, each with its meaning, and none', async () => {
    await open();
    const offered = await page.locator('.purpose').evaluateAll((labels) => labels.map((label) => label.textContent));
    const known = Object.entries(processingPurposes).map(([name, { description }]) => name + description);
    expect(offered).toEqual([...known, 'NoneState none: personal data is refused.']);
  });

  it('runs the query for the purpose and token chosen, and shows the decision by the result', async () => {
    await open();
    await page.getByText('No token. Only what is public answers.').waitFor();
    await page.getByLabel('Token', { exact: true }).fill(`Bearer ${officer}`);
    await choose('IMPROVEMENT');
    expect(await page.locator('.access dd').allTextContents()).toEqual([
      'mara.lindqvist',
      'northwind',
      'CLIENT_PRIVACY_OFFICER',
      'DE',
      'SUPPORT, IMPROVEMENT',
      'customers:read',
      expect.stringContaining('in 60 min'),
    ]);
    await run();
    await result().getByText('ps_0f3a9c1').waitFor();
    expect(await summary().textContent()).toMatch(/^For IMPROVEMENT: 3 withheld, 1 de-identified\./);
    const refusal = [
      'PURPOSE_NOT_PERMITTED May not be read for this purpose.',
      expect.stringContaining('@purposes'),
      '2',
    ];
    expect(await table()).toEqual([
      ['Customer.firstName customers.nodes[].firstName', '✕ WITHHELD', ...refusal],
      ['Customer.lastName customers.nodes[].lastName', '✕ WITHHELD', ...refusal],
      ['Customer.email customers.nodes[].email', '✕ WITHHELD', ...refusal],
      ['Customer.id', '≈ DEIDENTIFIED', '', '', ''],
    ]);
    for (const reference of ['dec_7c1f0a', '2026-11-23.4', '0192f0c4-9b3e']) {
      expect(await page.locator('.decision').textContent()).toContain(reference);
    }
    const asked = lastOperation();
    expect(asked?.headers).toMatchObject({ authorization: `Bearer ${officer}`, 'processing-purpose': 'IMPROVEMENT' });
    expect(asked?.body.query).toContain('customers(first: 5)');

    expect(page.url()).toBe(`${address}/playground/`);
    const kept = await page.evaluate(() => ({ local: { ...localStorage }, session: { ...sessionStorage } }));
    expect(kept.local).toEqual({});
    expect(Object.keys(kept.session).filter((key) => kept.session[key]?.includes(officer))).toEqual(['remit:token']);
  });

  it('runs by the token that stands there, however freshly pasted', async () => {
    await open();
    await choose('SUPPORT');
    await page.getByLabel('Token', { exact: true }).fill(officer);
    await run();
    await expectEventually(() => lastOperation()?.headers.authorization === `Bearer ${officer}`);
  });

  it('says what a refused operation was refused for', async () => {
    await open();
    await choose('None');
    await run();
    await page.getByText('No purpose was stated. Choose one.').waitFor();
    expect(plain(await page.locator('.decision .notice').textContent())).toBe(
      'PURPOSE_REQUIRED No purpose was stated. Choose one. State a purpose.',
    );
    expect(await page.getByRole('button', { name: 'Explain this query' }).isDisabled()).toBe(true);
    expect(lastOperation()?.headers).not.toHaveProperty('processing-purpose');
  });

  it('explains the editor’s query without running it', async () => {
    await open();
    await choose('IMPROVEMENT');
    await page.getByRole('button', { name: 'Explain this query' }).click();
    expect(await table()).toEqual([
      ['Customer.firstName', '✕ WITHHELD', expect.stringContaining('PURPOSE_NOT_PERMITTED'), expect.any(String), ''],
      ['Customer.lastName', '✕ WITHHELD', expect.stringContaining('PURPOSE_NOT_PERMITTED'), expect.any(String), ''],
      ['Customer.email', '✕ WITHHELD', expect.stringContaining('PURPOSE_NOT_PERMITTED'), expect.any(String), ''],
      ['Customer.id', '≈ DEIDENTIFIED PSEUDONYM', '', '@deidentify(for: [IMPROVEMENT])', ''],
      ['Customer.residency', '✓ CLEAR', '', '@purposes', ''],
    ]);
    const asked = peer.asked.filter(({ body }) => body.operationName !== 'IntrospectionQuery');
    expect(asked).toHaveLength(1);
    expect(asked[0]?.body.variables).toEqual({
      operation: expect.stringContaining('customers(first: 5)'),
      operationName: 'Customers',
      purpose: 'IMPROVEMENT',
    });
  });

  it('reads a hand-over from the fragment once, removes it, and takes the next one in the same tab', async () => {
    const query = encodeURIComponent('query Handed { customers(first: 1) { nodes { residency } } }');
    await open(`#token=${officer}&purpose=SUPPORT&query=${query}`);
    await page.getByText('mara.lindqvist', { exact: true }).waitFor();
    expect(page.url()).toBe(`${address}/playground/`);
    expect(await page.getByRole('radio', { name: /^SUPPORT/ }).isChecked()).toBe(true);
    await run();
    await result().getByText('"residency"').first().waitFor();
    expect(lastOperation()?.body.query).toContain('query Handed');

    await page.reload();
    await page.getByText('mara.lindqvist', { exact: true }).waitFor();
    await page.evaluate((hash) => location.assign(hash), `#token=${partner}&purpose=LEGAL`);
    await page.getByText('acme-sync', { exact: true }).waitFor();
    expect(page.url()).toBe(`${address}/playground/`);
    expect(await page.locator('.access .notice').textContent()).toContain('does not carry purpose:LEGAL');
  });

  it('asks for the schema again when the token changes: each role sees its own contract', async () => {
    await open(`#token=${officer}`);
    await page.getByText('mara.lindqvist', { exact: true }).waitFor();
    await expectEventually(() => introspected().at(-1)?.authorization === `Bearer ${officer}`);
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByRole('link', { name: 'Query' }).click();
    await page.getByRole('link', { name: 'customers' }).waitFor();

    await page.getByLabel('Token', { exact: true }).fill(partner);
    await expectEventually(() => introspected().at(-1)?.authorization === `Bearer ${partner}`);
    await page.getByRole('link', { name: 'Query' }).click();
    await page.getByRole('link', { name: 'partnerContract' }).waitFor();
    expect(await page.getByRole('link', { name: 'customers' }).count()).toBe(0);
    expect(introspected().filter((headers) => 'processing-purpose' in headers)).toEqual([]);

    await page.getByRole('button', { name: 'Forget' }).click();
    await expectEventually(() => introspected().at(-1)?.authorization === undefined);
    expect(await page.evaluate(() => sessionStorage.getItem('remit:token'))).toBeNull();
  });

  it('subscribes over WebSocket on the same path with the same token and purpose', async () => {
    const query = encodeURIComponent('subscription Watch { customerChanged { firstName } }');
    await open(`#token=${officer}&purpose=SUPPORT&query=${query}`);
    await run();
    await result().getByText('Luís').waitFor();
    expect(peer.connections).toEqual([{ authorization: `Bearer ${officer}`, 'processing-purpose': 'SUPPORT' }]);
    await page.getByRole('button', { name: /^Stop query/ }).click();
    await page.getByRole('button', { name: /^Execute query/ }).waitFor();
  });
});

async function expectEventually(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(holds()).toBe(true);
}
