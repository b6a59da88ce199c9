import { gzipSync } from 'node:zlib';
import { getIntrospectionQuery } from 'graphql';
import { auditServer } from 'graphql-http';
import { canaries, type Harness, send, startServer } from './server-harness';

const customers = '{ customers { id email health } }';
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let server: Harness;
let bearer: { authorization: string };
beforeAll(async () => {
  server = await startServer();
  bearer = { authorization: `Bearer ${await server.token()}` };
});
afterAll(() => server.close());

const support = () => ({ ...bearer, 'processing-purpose': 'SUPPORT' });

describe('a governed answer', () => {
  it('gives what the purpose may read, says what it withheld, and is found again in the log', async () => {
    const answer = await server.post({ query: `query Desk ${customers}` }, support());
    expect(answer.status).toBe(200);
    expect(answer.body.data).toEqual({
      customers: [
        { id: '1', email: 'ada@example.org', health: null },
        { id: '2', email: 'bob@example.org', health: null },
      ],
    });
    expect(answer.body.errors).toEqual([
      expect.objectContaining({
        path: ['customers', 0, 'health'],
        extensions: expect.objectContaining({ code: 'PURPOSE_NOT_PERMITTED', coordinate: 'Customer.health', rows: 2 }),
      }),
    ]);
    const governance = answer.body.extensions?.governance;
    expect(governance).toMatchObject({
      purpose: 'SUPPORT',
      withheld: ['Customer.health'],
      deidentified: [],
      auditId: expect.stringMatching(uuid7),
    });
    expect(server.log().find(({ auditId }) => auditId === governance?.auditId)).toMatchObject({
      route: '/graphql',
      status: 200,
      principal: 'mara',
      roles: ['CLIENT_AGENT'],
      client: 'northwind',
      purpose: 'SUPPORT',
      operation: 'query customers',
      outcome: 'PARTLY',
      codes: ['PURPOSE_NOT_PERMITTED'],
      withheld: 1,
      deidentified: 0,
      decisionId: governance?.decisionId,
      policyVersion: governance?.policyVersion,
      durationMs: expect.any(Number),
    });
  });

  it('takes the purpose from the document as well as from the header, with the same rights', async () => {
    const narrow = { authorization: `Bearer ${await server.token({ sub: 'narrow' })}` };
    const byHeader = await server.post({ query: customers }, { ...narrow, 'processing-purpose': 'IMPROVEMENT' });
    const byDocument = await server.post({ query: `query @purpose(is: IMPROVEMENT) ${customers}` }, narrow);
    expect(byHeader.body.data).toEqual({
      customers: [
        { id: '1', email: null, health: null },
        { id: '2', email: null, health: null },
      ],
    });
    expect(byDocument.body.data).toEqual(byHeader.body.data);
    expect(byDocument.body.errors).toEqual(byHeader.body.errors);
  });

  it('serves each caller by their own contract, introspection included', async () => {
    const partner = { authorization: `Bearer ${await server.token({ roles: ['PARTNER'] })}` };
    const types = (answer: { text: string }) => answer.text.includes('"Customer"');
    const query = getIntrospectionQuery({ schemaDescription: true, inputValueDeprecation: true, specifiedByUrl: true });
    const own = await server.post({ query }, bearer);
    expect(own.body.errors).toBeUndefined();
    expect(types(own)).toBe(true);
    expect(types(await server.post({ query }, partner))).toBe(false);
    expect((await server.post({ query: '{ partnerGreeting }' }, partner)).body.data).toEqual({ partnerGreeting: null });
  });

  it('says nothing of what went wrong inside, to the caller or to the log', async () => {
    const answer = await server.post({ query: '{ broken }' });
    expect(answer.body.errors).toMatchObject([
      { message: 'Internal server error', path: ['broken'], extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]);
    expect(server.log().find(({ msg }) => msg === 'a resolver failed')).toMatchObject({ err: { type: 'Error' } });
    expect(answer.text + JSON.stringify(server.log())).not.toContain(canaries.secret);
  });
});

describe('a bearer token', () => {
  it('that proves nothing is answered with 401 and a challenge, and never repeated', async () => {
    const expired = await server.token({ exp: 1_000_000 });
    for (const authorization of [`Bearer ${expired}`, 'Bearer abc.def.ghi', 'Bearer', 'Basic bWFyYTp4', '']) {
      const answer = await server.post({ query: '{ greeting }' }, { authorization });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/);
      expect(answer.body).toEqual({
        errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }],
      });
      expect(answer.text).not.toContain(expired.slice(0, 30));
    }
  });

  it('is sent once: of two, none counts', async () => {
    const answer = await send(`${server.url}/graphql?query={greeting}`, {
      headers: { authorization: [bearer.authorization, bearer.authorization] },
    });
    expect(answer.status).toBe(401);
  });

  it('may be left out: then what is public is read, and personal data is refused with a challenge', async () => {
    expect((await server.post({ query: '{ greeting }' })).body.data).toEqual({ greeting: 'hello' });
    const refused = await server.post({ query: customers });
    expect(refused.status).toBe(401);
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect(refused.body).toMatchObject({ data: null, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  it('that cannot be verified just now is answered with 503, not with 401', async () => {
    const own = await startServer();
    own.issuer.up = false;
    const answer = await own.post({ query: '{ greeting }' }, { authorization: `Bearer ${await own.token()}` });
    expect(answer.status).toBe(503);
    expect(answer.body.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    await own.close();
  });
});

test('pitfall 13: a person who is denied and one who does not exist are told apart by nothing', async () => {
  const ask = (id: string) =>
    server.post({ query: 'query ($id: ID!) { customer(id: $id) { email } }', variables: { id } }, bearer);
  const [denied, absent] = [await ask('1'), await ask('99')];
  expect(denied.status).toBe(absent.status);
  const shape = (answer: typeof denied) => ({
    data: answer.body.data,
    errors: answer.body.errors,
    governance: { ...answer.body.extensions?.governance, auditId: '' },
    headers: { ...answer.headers, date: '' },
  });
  expect(shape(denied)).toEqual(shape(absent));
});

describe('pitfall 15: no way in goes around the decision', () => {
  test('pitfall 15: GET decides as POST does, and runs no mutation however it is named', async () => {
    const get = (parameters: Record<string, string>) =>
      send(`${server.url}/graphql?${new URLSearchParams(parameters)}`, { headers: support() });
    expect((await get({ query: customers })).body.data).toMatchObject({
      customers: [{ health: null }, { health: null }],
    });
    expect((await get({ query: 'mutation { touch }' })).status).toBe(405);
    expect((await get({ query: 'mutation { touch }', operationName: '' })).status).toBe(405);
    expect((await get({ query: 'mutation M { touch } query Q { greeting }', operationName: 'M' })).status).toBe(405);
    expect(server.touched).toBe(0);
  });

  test('pitfall 15: a page of another origin cannot send a GET or a form', async () => {
    expect((await send(`${server.url}/graphql?query={greeting}`, {})).status).toBe(400);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await server.post('query={greeting}', form)).status).toBe(415);
    expect((await server.post('{"query":"{greeting}"}', { 'content-type': 'text/plain' })).status).toBe(415);
  });

  test('pitfall 15: batches are refused', async () => {
    const answer = await server.post([{ query: customers }, { query: customers }], support());
    expect(answer.status).toBe(400);
    expect(answer.body.data).toBeUndefined();
  });

  test('pitfall 15: documents are not persisted', async () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } };
    const answer = await server.post({ extensions, query: customers }, support());
    expect(answer.body.errors).toMatchObject([{ extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }]);
  });

  test('pitfall 15: a subscription over HTTP is refused', async () => {
    const answer = await server.post({ query: 'subscription { changed { health } }' }, support());
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([{ message: expect.stringContaining('WebSocket') }]);
  });
});

test('pitfall 14: what is sent wrongly is not repeated, by answer or log', async () => {
  const canary = 'CANARY-input-5c1d';
  const wrong = [
    { query: `{ greeting "${canary}" ` },
    { query: `{ echo(text: "${canary}") }` },
    { query: 'query ($t: Int) { echo(text: $t) }', variables: { t: canary } },
    { query: '{ greeting }', variables: canary },
    { query: '{ greeting }', operationName: canary },
    `{"query": ${canary}`,
  ];
  for (const body of wrong) {
    const answer = await server.post(body, { ...bearer, 'processing-purpose': 'SUPPORT' });
    expect(answer.body.errors?.length).toBeGreaterThan(0);
    expect(answer.text + JSON.stringify(answer.headers)).not.toContain(canary);
  }
  const lost = await send(`${server.url}/${canary}?query=${canary}`, {});
  expect(lost.status).toBe(404);
  await send(`${server.url}/%${canary}`, {});
  expect(lost.text + JSON.stringify(server.log())).not.toContain(canary);
});

test('pitfall 17: no answer may be kept, and all tell browsers to make nothing of them', async () => {
  const answers = [
    await server.post({ query: customers }, support()),
    await server.post({ query: '{' }),
    await server.post('not json'),
    await server.post({ query: '{ greeting }' }, { authorization: 'Bearer x' }),
    await send(`${server.url}/graphql?query={greeting}`, { headers: bearer }),
    await send(`${server.url}/nowhere`, {}),
    await send(`${server.url}/graphql`, { method: 'DELETE' }),
  ];
  for (const { headers } of answers) {
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'strict-transport-security': expect.any(String),
    });
    expect(headers.etag ?? headers['x-powered-by'] ?? headers.server).toBeUndefined();
  }
});

test('pitfall 18: one document for many purposes and callers at once mixes none of them up', async () => {
  const expected = {
    SUPPORT: { email: 'ada@example.org', health: null },
    IMPROVEMENT: { email: expect.stringMatching(/^(?!ada@example\.org).+/), health: null },
    LEGAL: { email: null, health: null },
  };
  const purposes = Object.keys(expected) as (keyof typeof expected)[];
  await Promise.all(
    Array.from({ length: 120 }, async (_, index) => {
      if (index % 4 === 3) {
        expect((await server.post({ query: customers })).body.data).toBeNull();
        return;
      }
      const purpose = purposes[index % 4] ?? 'SUPPORT';
      const answer = await server.post({ query: customers }, { ...bearer, 'processing-purpose': purpose });
      expect(answer.body.extensions?.governance.purpose).toBe(purpose);
      expect(answer.body.data).toMatchObject({ customers: [expected[purpose], {}] });
    }),
  );
});

test('pitfall 19: no token and no context read nothing governed', async () => {
  const bare = await startServer({
    contextFor: async (claims) => ({
      claims,
      client: undefined,
      country: undefined,
      access: { grantedPurposes: [] },
      accessFor: () => ({ grantedPurposes: [] }),
      notes: { subjects: new Set(), transferBases: new Set() },
      memory: new Map(),
    }),
  });
  const answer = await bare.post({ query: customers }, { ...bearer, 'processing-purpose': 'SUPPORT' });
  expect(answer.status).toBe(401);
  const withToken = await bare.post({ query: customers }, { authorization: `Bearer ${await bare.token()}` });
  expect(withToken.body.data).toBeNull();
  await bare.close();
});

describe('pitfall 20: the purpose header', () => {
  const wrong: [string, string | string[]][] = [
    ['empty', ''],
    ['doubled', ['SUPPORT', 'SUPPORT']],
    ['doubled and different', ['SUPPORT', 'LEGAL']],
    ['joined by a comma', 'SUPPORT,LEGAL'],
    ['in another case', 'support'],
    ['with a letter that only looks alike', Buffer.from('SUPPОRT').toString('latin1')],
    ['unknown', 'CANARY-purpose'],
    ['of a name that every object has', 'constructor'],
  ];
  test.each(wrong)('pitfall 20: %s is an error that lists the five and repeats nothing', async (_, value) => {
    const answer = await send(`${server.url}/graphql`, {
      method: 'POST',
      headers: { ...bearer, 'content-type': 'application/json', 'processing-purpose': value },
      body: JSON.stringify({ query: customers }),
    });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual([
      {
        message:
          'The header "processing-purpose" states exactly one of SERVICE_DELIVERY, SECURITY, SUPPORT, LEGAL, IMPROVEMENT, spelled like this.',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });

  test('pitfall 20: header and document that differ are an error', async () => {
    const answer = await server.post({ query: `query @purpose(is: LEGAL) ${customers}` }, support());
    expect(answer.body).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    expect(answer.body.data).toBeUndefined();
  });
});

describe('pitfall 21: limits', () => {
  test('pitfall 21: a body that is compressed is refused, however small', async () => {
    for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'identity, gzip']) {
      const answer = await send(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': encoding },
        body: gzipSync(JSON.stringify({ query: `{ greeting } #${' '.repeat(3_000_000)}` })),
      }).catch(() => undefined);
      if (answer) expect(answer.status).toBe(415);
    }
    const plain = await server.post({ query: '{ greeting }' }, { 'content-encoding': 'identity' });
    expect(plain.status).toBe(200);
  });

  test('pitfall 21: a body over the limit is refused as JSON', async () => {
    const answer = await server.post({ query: `{ greeting } #${'x'.repeat(256 * 1024)}` });
    expect(answer.status).toBe(413);
    expect(answer.body.errors).toMatchObject([{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }]);
  });

  test('pitfall 21: headers over the limit end the connection', async () => {
    const answer = await send(`${server.url}/healthz`, { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(answer.status).toBe(431);
  });

  test.each([
    ['tokens', `{ ${'greeting '.repeat(20_000)} }`],
    ['aliases', `{ ${Array.from({ length: 60 }, (_, i) => `a${i}: __typename`).join(' ')} }`],
    ['breadth', `{ ${'greeting '.repeat(1_500)} }`],
    ['cost', '{ customers(first: 1000000) { id } }'],
  ])('pitfall 21: a document over the limit of %s is refused before it runs', async (limit, query) => {
    const answer = await server.post({ query }, support());
    expect(answer.body.data).toBeUndefined();
    expect(answer.body.errors).toMatchObject([{ extensions: { code: 'OPERATION_TOO_LARGE', limit } }]);
  });

  test('pitfall 21: an operation that takes too long is answered in time, and the server goes on', async () => {
    const own = await startServer({ limits: { operationMs: 1_000, shutdownMs: 1 } });
    const before = Date.now();
    const answer = await own.post({ query: '{ slow(ms: 60000) }' });
    expect(Date.now() - before).toBeLessThan(60_000);
    expect(answer.status).toBe(503);
    expect(answer.body.errors).toMatchObject([{ extensions: { code: 'TIMEOUT' } }]);
    expect((await own.post({ query: '{ greeting }' })).status).toBe(200);
    await own.close();
  });

  test('more operations at once than the server takes are refused, and taken again when others have ended', async () => {
    const busy = await startServer({ limits: { operationsUnderWay: 2, operationMs: 100 } });
    const slow = [1, 2].map(() => busy.post({ query: '{ slow(ms: 1500) }' }));
    for (const { status } of await Promise.all(slow)) expect(status).toBe(503);
    // Both were given up, and still run.
    const refused = await busy.post({ query: '{ greeting }' });
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    expect(refused.body.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    let status = 503;
    while (status !== 200) ({ status } = await busy.post({ query: '{ greeting }' }));
    await busy.close();
  });
});

describe('GraphQL over HTTP', () => {
  it('answers requests that are wrong with 400, or with 200 to clients of the older media type', async () => {
    const graphql = { accept: 'application/graphql-response+json' };
    for (const query of ['{', '{ nothing }', 'query ($id: ID!) { customer(id: $id) { id } }']) {
      expect((await server.post({ query }, graphql)).status).toBe(400);
      expect((await server.post({ query }, { accept: 'application/json' })).status).toBe(200);
    }
  });

  it('meets every MUST of its audits', async () => {
    const results = await auditServer({ url: `${server.url}/graphql` });
    expect(results.length).toBeGreaterThan(50);
    const faults = results.filter(({ status }) => status === 'error').map(({ id, name }) => `${id} ${name}`);
    const warnings = results.filter(({ status }) => status !== 'ok').map(({ id, name }) => `${id} ${name}`);
    expect(faults).toEqual([]);
    expect(warnings).toEqual([
      '5A70 MAY accept application/x-www-form-urlencoded formatted GET requests',
      'D6D5 MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json',
      '6A70 MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json',
    ]);
  });
});

test('canaries, tokens and addresses are nowhere in the log', async () => {
  const log = JSON.stringify(server.log());
  expect(server.log().length).toBeGreaterThan(100);
  for (const value of [
    ...Object.values(canaries),
    bearer.authorization.slice(7, 40),
    'ada@example.org',
    '"remoteAddress"',
    '"url"',
    '"query"',
  ]) {
    expect(log).not.toContain(value);
  }
});
