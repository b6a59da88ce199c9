import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type App, openApp } from '../../src/app';
import { customerComparison } from '../../src/commands/demo/comparisons';
import { clinic, fillWithSamples } from '../../src/commands/demo/sample-data';
import { type TemporaryInstallation, temporaryInstallation } from '../../src/commands/temporary-installation';
import { createServer } from '../../src/gateway/server';
import { signDevelopmentToken } from '../../src/identity/development-keys';
import { createTokenVerifier } from '../../src/identity/tokens';
import { findChromium } from '../support/chromium';

const executablePath = findChromium();

(executablePath ? describe : describe.skip)('the playground on the real server', () => {
  const keys = mkdtempSync(join(tmpdir(), 'remit-e2e-'));
  const developmentKeyFile = join(keys, 'dev-jwt.key.json');
  let installation: TemporaryInstallation;
  let app: App;
  let server: FastifyInstance;
  let browser: Browser;
  let page: Page;
  let address: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    installation = await temporaryInstallation({ LOG_LEVEL: 'silent' });
    app = await openApp(installation.config);
    await fillWithSamples(app.services, app.stores);
    const verifier = createTokenVerifier({ issuer: undefined, production: false, developmentKeyFile });
    server = await createServer({
      ...app.serverOptions,
      verifier,
      playgroundDirectory: join(__dirname, '../../dist/playground'),
    });
    address = await server.listen({ port: 0, host: '127.0.0.1' });
    browser = await chromium.launch({
      ...(executablePath ? { executablePath } : {}),
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
    page = await browser.newPage();
    await page.route(
      (url) => url.hostname !== '127.0.0.1',
      (route) => {
        complaints.push(`asked ${route.request().url()}`);
        return route.abort();
      },
    );
    page.on('pageerror', (error) => complaints.push(error.message));
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await app?.close();
    installation?.remove();
    rmSync(keys, { recursive: true, force: true });
  });

  /** Runs the query. @returns the answer as the page got it: the editor draws only what is in view */
  const run = async () => {
    const answered = page.waitForResponse((response) => response.url() === `${address}/graphql`);
    await page.getByRole('button', { name: /^Execute query/ }).click();
    return (await answered).text();
  };
  const verdicts = async () => {
    const rows = await page.locator('.decision tbody tr').all();
    const cells = await Promise.all(rows.map((row) => row.locator('code, .outcome').allTextContents()));
    return cells.map((texts) => texts.map((text) => text.trim()));
  };

  test('a support agent reads in the clear for SUPPORT, and de-identified or nothing for IMPROVEMENT', async () => {
    const token = await signDevelopmentToken(
      {
        subject: 'clinic.agent',
        tenant: clinic,
        roles: ['CLIENT_AGENT'],
        purposes: ['SUPPORT', 'IMPROVEMENT'],
        country: 'AT',
      },
      developmentKeyFile,
    );
    const handOver = new URLSearchParams({ token, purpose: 'SUPPORT', query: customerComparison.query });
    await page.goto(`${address}/playground#${handOver}`);
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    await page.getByText('Token of clinic.agent at alpine-clinic').waitFor();

    expect(await run()).toContain('"email":"marlene.gruber@example.at"');
    await page.getByLabel('Result Window').getByText('"firstName": "Marlene"').waitFor();
    expect(await page.getByRole('status').textContent()).toBe('For SUPPORT: nothing was withheld or de-identified.');

    await page.getByRole('radio', { name: /^IMPROVEMENT/ }).check();
    const answer = await run();
    await page.getByText(/^For IMPROVEMENT: 5 withheld, 5 de-identified/).waitFor();
    const refused = ['✕ WITHHELD', 'PURPOSE_NOT_PERMITTED', expect.stringContaining('@purposes(allow: [')];
    expect(await verdicts()).toEqual(
      expect.arrayContaining([
        ['Customer.firstName', ...refused],
        ['PostalAddress.city', ...refused],
        ['OrderItem.name', ...refused],
        ['Customer.conversations', ...refused],
        ['Customer.attributes', ...refused],
        ['Customer.email', '≈ DEIDENTIFIED'],
        ['Order.total', '≈ DEIDENTIFIED'],
      ]),
    );
    expect(answer).toMatch(/"id":"p_[\w-]{22}"/);
    expect(answer).not.toMatch(/Marlene|Salzburg|example\.at/);
    expect(complaints).toEqual([]);
  });

  describe.each([
    [360, 740],
    [600, 900],
    [900, 700],
    [1280, 800],
    [1600, 900],
  ])('on %i × %i', (width, height) => {
    const box = async (selector: string) => {
      const found = await page.locator(selector).boundingBox();
      if (!found) throw new Error(`${selector} is not shown`);
      return found;
    };

    test.each([false, true])('result and explanation are side by side; documentation open: %p', async (documented) => {
      const token = await signDevelopmentToken(
        { subject: 'clinic.analyst', tenant: clinic, roles: ['CLIENT_AGENT'], purposes: ['IMPROVEMENT'] },
        developmentKeyFile,
      );
      await page.setViewportSize({ width, height });
      const handOver = new URLSearchParams({ token, purpose: 'IMPROVEMENT', query: customerComparison.query });
      await page.goto('about:blank');
      await page.goto(`${address}/playground#${handOver}`);
      await page.getByText('Token of clinic.analyst at alpine-clinic').waitFor();
      await page.locator('.graphiql-query-editor .view-line').first().waitFor();
      const explorer = page.getByRole('button', { name: 'Show Documentation Explorer' });
      if (documented) await explorer.click();
      else await run();

      const widest = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(widest).toBeLessThanOrEqual(width);
      const result = await box('.graphiql-response');
      const decision = await box('.decision');
      if (width >= 900) {
        expect(decision.x).toBeGreaterThanOrEqual(result.x + result.width - 1);
        expect(decision.y).toBeLessThan(result.y + result.height);
        expect(result.width).toBeGreaterThan(240);
      } else {
        expect(decision.y).toBeGreaterThanOrEqual(result.y + result.height - 1);
        expect(result.width).toBeGreaterThan(280);
      }
      if (documented) await page.getByRole('button', { name: 'Hide Documentation Explorer' }).click();
      expect(await page.getByRole('table').count()).toBe(documented ? 0 : 1);
    });
  });
});
