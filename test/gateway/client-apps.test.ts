import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import { contractOf } from '../../src/gateway/contracts';
import { createLogger } from '../../src/gateway/logging';
import { createServer } from '../../src/gateway/server';
import { createTokenVerifier } from '../../src/identity/tokens';
import { type Issuer, startIssuer } from '../identity/issuer';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { root } from '../support/root';

jest.setTimeout(120_000);

const page = readFileSync(join(root, 'docs/client-apps.md'), 'utf8');

/** The blocks of the page, by the file that they are said to be of, and by their language. */
function blocks(language: 'js' | 'text'): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, tongue, file = '', content = ''] of page.matchAll(/^```(\w+) ([\w.]+)\n([\s\S]*?)^```$/gm)) {
    if (tongue === language) found.set(file, (found.get(file) ?? '') + content);
  }
  return found;
}

const programs = blocks('js');
const printed = blocks('text');
const scripts = [...programs.keys()].filter((file) => file.endsWith('.mjs'));

test('every block of code on the page is of a program that is run here', () => {
  expect([...page.matchAll(/^```(?:js|ts|text)/gm)]).toHaveLength(
    [...page.matchAll(/^```(?:js|text) [\w.]+$/gm)].length,
  );
  expect(scripts).toEqual(['apollo.mjs', 'urql.mjs', 'request.mjs', 'socket.mjs']);
  expect([...printed.keys()]).toEqual(scripts);
});

describe.each(databases)('what the page on client apps shows, on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let issuer: Issuer;
  let server: FastifyInstance;
  let provider: Server;
  let folder: string;
  /** Tokens that the provider gives out next; good ones when there are none. */
  const next: string[] = [];
  let renewed = 0;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    issuer = await startIssuer(['EdDSA']);
    server = await createServer({
      contracts: app.contracts,
      contractOf,
      verifier: createTokenVerifier({ issuer: issuer.url, production: true }),
      contextFor: (claims, purpose) => app.services.accessService.contextFor(claims, purpose),
      audit: app.services.accesses,
      ready: async () => [],
      logger: createLogger({ level: 'silent' }),
      production: false,
    });
    await server.listen({ port: 0, host: '127.0.0.1' });
    provider = createHttpServer(async (request, response) => {
      const asked = new URLSearchParams(await text(request));
      expect(asked.get('grant_type')).toBe('refresh_token');
      renewed++;
      const token = next.shift() ?? (await tokenOfAgent());
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: token, expires_in: 600 }));
    });
    await new Promise<void>((resolve) => {
      provider.listen(0, '127.0.0.1', resolve);
    });
    const { id } = await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test');
    for (const firstName of ['Ada', 'Jonas']) {
      await app.services.customers.create(
        id,
        {
          ...{ firstName, email: `${firstName}@example.org`, ipAddress: '192.0.2.57', residency: 'FR' },
          postalAddress: { city: 'Lyon', country: 'FR' },
        },
        'test',
      );
    }
    folder = writePrograms();
  });

  afterAll(async () => {
    await server.close();
    provider.close();
    await issuer.close();
    await app.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const tokenOfAgent = () =>
    issuer.sign({
      sub: 'mara',
      tenant: 'acme',
      roles: ['CLIENT_AGENT'],
      scope: 'purpose:SUPPORT purpose:IMPROVEMENT purpose:SECURITY',
      country: 'FR',
    });
  const portOf = (of: Server | FastifyInstance['server']) => (of.address() as AddressInfo).port;

  /** Below the project's own packages, so that programs find theirs as a user's do. */
  function writePrograms(): string {
    const cache = join(root, 'node_modules/.cache');
    mkdirSync(cache, { recursive: true });
    const made = mkdtempSync(join(cache, 'client-apps-'));
    for (const [file, content] of programs) {
      const local = content
        .replaceAll('https://remit.example/graphql', `http://127.0.0.1:${portOf(server.server)}/graphql`)
        .replaceAll('https://id.example/oauth/token', `http://127.0.0.1:${portOf(provider)}/token`);
      writeFileSync(join(made, file), local);
    }
    writeFileSync(join(made, 'package.json'), '{"type":"module"}');
    // Browsers have WebSockets, and so has Node from version 22.
    writeFileSync(join(made, 'browser.mjs'), "import WebSocket from 'ws';\nglobalThis.WebSocket ??= WebSocket;\n");
    return made;
  }

  async function run(file: string): Promise<{ output: string; errors: string }> {
    const child = spawn(process.execPath, ['--import', './browser.mjs', file], {
      cwd: folder,
      env: { PATH: process.env.PATH, NO_COLOR: '1' },
    });
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { output, errors };
  }

  it.each(scripts)('%s prints what stands below it', async (file) => {
    expect(readdirSync(folder)).toContain(file);
    const { output, errors } = await run(file);
    expect(errors).toBe('');
    expect(output).toBe(printed.get(file));
  });

  it.each(scripts)('%s gets a fresh token where the one it has is refused', async (file) => {
    next.push(await issuer.sign({ exp: Math.floor(Date.now() / 1000) - 60 }));
    renewed = 0;
    expect((await run(file)).output).toBe(printed.get(file));
    expect(renewed).toBe(2);
  });
});

test('the table of codes names every code that callers get, and no other', () => {
  const sources = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'playground' ? [] : sources(path);
      return path.endsWith('.ts') ? [readFileSync(path, 'utf8')] : [];
    });
  const source = sources(join(root, 'src')).join('\n');
  const made = [
    ...source.matchAll(
      /(?:GatewayError\(\s*\d+,\s*|\bcode: |Prohibited\(|refusal\()'([A-Z]+(?:_[A-Z]+)+|UNAUTHENTICATED|FORBIDDEN|CONFLICT|ERASED|TIMEOUT)'/g,
    ),
  ].map(([, code = '']) => code);
  // The last is for users of the library who execute a governed schema without its wiring; the server never does.
  const inside = new Set(['ADDRESS_FORBIDDEN', 'CLIENT_KEY_ABSENT', 'GOVERNANCE_NOT_WIRED']);
  const table = page.slice(page.search(/^\| code +\|/m), page.indexOf('Status 200 or 400'));
  const listed = [...table.matchAll(/^\| (`[A-Z_`, ]+?) +\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, code = '']) => code),
  );
  expect(new Set(listed).size).toBe(listed.length);
  expect([...new Set(made)].filter((code) => !listed.includes(code) && !inside.has(code))).toEqual([]);
  expect(listed.filter((code) => !source.includes(`'${code}'`))).toEqual([]);
});
