import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { getIntrospectionQuery } from 'graphql';
import { type Harness, send, startServer } from './server-harness';
import { connect } from './socket-client';

const app = 'https://app.example';

describe('ALLOWED_ORIGINS', () => {
  let server: Harness;
  beforeAll(async () => {
    server = await startServer({ allowedOrigins: [app] });
  });
  afterAll(() => server.close());

  const preflight = (origin: string, path = '/graphql') =>
    send(`${server.url}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,processing-purpose',
      },
    });

  it('lets pages of those origins send what the API needs, and no cookie', async () => {
    const { status, headers } = await preflight(app);
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': app,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': expect.stringMatching(/authorization, content-type, processing-purpose/),
      'access-control-max-age': '7200',
      vary: 'Origin',
    });
    expect(headers['access-control-allow-credentials']).toBeUndefined();
  });

  it.each([
    'https://evil.example',
    'https://app.example.evil.example',
    'http://app.example',
    'https://app.example:8443',
    'null',
  ])('says nothing of the kind to %s', async (origin) => {
    const { status, headers } = await preflight(origin);
    expect(status).toBe(405);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    const answer = await server.post({ query: '{ greeting }' }, { origin });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    await expect(connect(server.url, { headers: { origin } })).rejects.toThrow('403');
  });

  it('opens nothing but /graphql', async () => {
    for (const path of ['/metrics', '/exports/1', '/webhooks/acknowledge', '/playground/']) {
      expect((await preflight(app, path)).headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('lets them read answers and refusals, when to try again, and what a token lacks', async () => {
    const answers = [
      await server.post({ query: '{ greeting }' }, { origin: app }),
      await server.post({ query: '{ greeting }' }, { origin: app, authorization: 'Bearer x' }),
      await server.post('not json', { origin: app }),
      await server.post('{}', { origin: app, 'content-type': 'text/plain' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 400, 415]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'access-control-allow-origin': app,
        'access-control-expose-headers': 'retry-after, www-authenticate, idempotency-replayed',
        'cache-control': 'no-store',
      });
    }
  });

  it('opens WebSockets to their pages and to its own, and to whoever is no browser', async () => {
    for (const origin of [app, server.url, undefined]) {
      const client = await connect(server.url, { headers: origin === undefined ? {} : { origin } });
      expect(await client.init()).toEqual({ type: 'connection_ack' });
      client.close();
    }
  });
});

test('without it no page of another origin is let in', async () => {
  const server = await startServer();
  const headers = { origin: app, 'access-control-request-method': 'POST' };
  const answer = await send(`${server.url}/graphql`, { method: 'OPTIONS', headers });
  expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([405, undefined]);
  await server.close();
});

test('PUBLIC_ORIGIN says which pages are its own, where a proxy writes another Host', async () => {
  const server = await startServer({ publicOrigin: 'https://remit.example' });
  const client = await connect(server.url, { headers: { origin: 'https://remit.example', host: 'internal:4000' } });
  expect(await client.init()).toEqual({ type: 'connection_ack' });
  client.close();
  for (const origin of [server.url, 'http://remit.example', 'https://internal:4000']) {
    await expect(connect(server.url, { headers: { origin } })).rejects.toThrow('403');
  }
  await server.close();
});

describe('compression', () => {
  const schema = { query: getIntrospectionQuery() };
  const people = { query: `{ ${Array.from({ length: 40 }, (_, n) => `c${n}: customers { id email }`).join(' ')} }` };

  /** What is said of an answer's encoding, and whether it says what it says without. */
  async function told(server: Harness, body: object, accepted: string) {
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${await server.token()}`,
      'processing-purpose': 'SUPPORT',
    };
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { ...headers, 'accept-encoding': accepted },
      body: JSON.stringify(body),
    });
    const { data } = (await response.json()) as { data: unknown };
    const plain = await server.post(body, headers);
    expect(data).toEqual(plain.body.data);
    expect(plain.headers['content-encoding']).toBeUndefined();
    return response.headers.get('content-encoding');
  }

  it('is of what reaches no personal data, unless told otherwise', async () => {
    const server = await startServer();
    expect(await told(server, schema, 'gzip, deflate')).toBe('gzip');
    expect(await told(server, schema, 'gzip, br')).toBe('br');
    expect(await told(server, schema, 'identity')).toBeNull();
    expect(await told(server, people, 'gzip, br')).toBeNull();
    expect(await told(server, { query: '{ greeting }' }, 'gzip, br')).toBeNull();
    await server.close();
  });

  it('is of everything, or of nothing, where the operator says so', async () => {
    const all = await startServer({ compression: 'all' });
    expect(await told(all, people, 'gzip')).toBe('gzip');
    expect(await told(all, people, 'br')).toBe('br');
    await all.close();
    const none = await startServer({ compression: 'none' });
    expect(await told(none, schema, 'gzip')).toBeNull();
    await none.close();
  });

  it('opens no compressed request', async () => {
    const server = await startServer({ compression: 'all' });
    const answer = await server.post('x', { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(415);
    await server.close();
  });

  it('gives whole answers', async () => {
    const server = await startServer({ compression: 'all' });
    for (const [encoding, open] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const response = await new Promise<Buffer>((resolve, reject) => {
        const headers = { 'content-type': 'application/json', 'accept-encoding': encoding };
        const sent = request(`${server.url}/graphql`, { method: 'POST', headers }, (answer) => {
          expect(answer.headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' });
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => resolve(Buffer.concat(chunks)));
        });
        sent.on('error', reject);
        sent.end(JSON.stringify(schema));
      });
      expect(JSON.parse(String(open(response)))).toMatchObject({ data: { __schema: {} } });
    }
    await server.close();
  });
});
