import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type Browser, chromium } from 'playwright-core';
import { type App, openApp } from '../../src/app';
import { fillWithSamples } from '../../src/commands/demo/sample-data';
import { type TemporaryInstallation, temporaryInstallation } from '../../src/commands/temporary-installation';
import { createServer } from '../../src/gateway/server';
import { findChromium } from '../support/chromium';
import { root } from '../support/root';

const executablePath = findChromium();
const audience = 'https://remit.example/graphql';

/** A port that nobody listens on: the provider has to know where it sends people back to before the server is there. */
async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

(executablePath ? describe : describe.skip)('signing in at the issuer', () => {
  let provider: ChildProcess;
  let folder = '';
  let issuer = '';
  let installation: TemporaryInstallation;
  let app: App;
  let server: FastifyInstance;
  let browser: Browser;
  let address = '';

  beforeAll(async () => {
    const port = await freePort();
    address = `http://127.0.0.1:${port}`;
    folder = mkdtempSync(join(tmpdir(), 'remit-issuer-'));
    const accounts = { 'clinic.agent': { tenant: 'alpine-clinic', roles: ['CLIENT_AGENT'], country: 'AT' } };
    writeFileSync(join(folder, 'accounts.json'), JSON.stringify(accounts));
    provider = spawn(process.execPath, [join(root, 'deploy/compose/issuer/issuer.mjs')], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ACCOUNTS: join(folder, 'accounts.json'),
        ISSUER_PORT: '0',
        REDIRECT_URI: `${address}/playground/`,
        AUDIENCE: audience,
        SCOPE: 'openid purpose:SUPPORT purpose:LEGAL',
      },
    });
    issuer = await new Promise<string>((resolve) => {
      provider.stdout?.once('data', (text) => resolve(String(text).trim()));
    });
    installation = await temporaryInstallation({
      LOG_LEVEL: 'silent',
      OIDC_ISSUER: issuer,
      OIDC_CLIENT_ID: 'remit-playground',
      OIDC_AUDIENCE: audience,
      OIDC_SCOPE: 'openid purpose:SUPPORT purpose:LEGAL',
    });
    app = await openApp(installation.config);
    await fillWithSamples(app.services, app.stores);
    server = await createServer({
      ...app.serverOptions,
      playgroundDirectory: join(__dirname, '../../dist/playground'),
    });
    await server.listen({ port, host: '127.0.0.1' });
    browser = await chromium.launch({
      ...(executablePath ? { executablePath } : {}),
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await app?.close();
    installation?.remove();
    provider?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  test('gives the page a token of the issuer, by code and PKCE, and the server takes it', async () => {
    const page = await browser.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(`${request.method()} ${request.url()}`));
    await page.goto(`${address}/playground/`);
    await page.getByRole('button', { name: `Sign in at ${new URL(issuer).host}` }).click();
    await page.getByPlaceholder(/login/i).fill('clinic.agent');
    await page.getByPlaceholder(/password/i).fill('whatever it takes');
    await page.getByRole('button', { name: /sign-in/i }).click();
    await page.getByRole('button', { name: /continue/i }).click();
    await page.getByText('Token of clinic.agent at alpine-clinic').waitFor();
    expect(page.url()).toBe(`${address}/playground/`);

    const [authorize = ''] = asked.filter((line) => line.includes(`${issuer}/auth?`));
    expect(authorize).toMatch(/code_challenge_method=S256/);
    expect(authorize).toMatch(/response_type=code/);
    expect(asked).toContain(`POST ${issuer}/token`);

    await page.getByRole('radio', { name: /^SUPPORT/ }).check();
    // GraphiQL's buttons do nothing before its editor is drawn.
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    // The schema is asked for on the same path, as the new token's contract shows it.
    const answered = page.waitForResponse((response) => {
      return response.url() === `${address}/graphql` && !response.request().postData()?.includes('IntrospectionQuery');
    });
    await page.getByRole('button', { name: /^Execute query/ }).click();
    expect(await (await answered).text()).toContain('"firstName":"Marlene"');
    await page.close();
  });

  test('an answer that this tab did not ask for is not taken', async () => {
    const page = await browser.newPage();
    await page.goto(`${address}/playground/?code=stolen&state=made-up&iss=${encodeURIComponent(issuer)}`);
    await page.getByText('This sign-in was begun in another tab. Sign in again here.').waitFor();
    expect(await page.getByText('No token', { exact: true }).count()).toBe(1);
    await page.close();
  });

  test('the policy of the page lets it ask the token endpoint, and no other host', async () => {
    const { headers } = await fetch(`${address}/playground/`);
    expect(headers.get('content-security-policy')).toContain(`connect-src 'self' ${issuer};`);
  });

  test('where the issuer cannot be reached, the page says so and a token still works', async () => {
    const alone = await createServer({
      ...app.serverOptions,
      signIn: () => Promise.reject(new Error('down')),
      playgroundDirectory: join(__dirname, '../../dist/playground'),
    });
    const at = await alone.listen({ port: 0, host: '127.0.0.1' });
    const page = await browser.newPage();
    await page.goto(`${at}/playground/`);
    await page.getByText('nobody can sign in now. A token still works.').waitFor();
    expect((await fetch(`${at}/playground/`)).headers.get('content-security-policy')).toContain("connect-src 'self';");
    await page.close();
    await alone.close();
  });
});
