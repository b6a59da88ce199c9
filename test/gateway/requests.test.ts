import { openTestApp } from '../support/app';
import { databases } from '../support/databases';
import { type Answer, type Harness, send, startServer } from './server-harness';
import { connect } from './socket-client';

let server: Harness;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const two = 'query A { greeting } query B { greeting }';
const ofGet = (search: string) =>
  send(`${server.url}/graphql?${search}`, { headers: { 'apollo-require-preflight': '1' } });
const codeOf = ({ status, body }: Answer) => [status, body.errors?.[0]?.extensions.code];

describe('an operation name that is empty names none', () => {
  it('in a body, by the first answer of a media type and by the next', async () => {
    for (let turn = 0; turn < 2; turn++) {
      const answer = await server.post({ query: 'query Named { greeting }', operationName: '' });
      expect([answer.status, answer.body.data]).toEqual([200, { greeting: 'hello' }]);
      expect(codeOf(await server.post({ query: two, operationName: '' }))).toEqual(
        codeOf(await server.post({ query: two })),
      );
    }
  });

  it('in an address', async () => {
    expect((await ofGet('query={greeting}&operationName=')).body.data).toEqual({ greeting: 'hello' });
    expect(codeOf(await ofGet('query={greeting}&operationName=&operationName='))).toEqual([400, 'BAD_REQUEST']);
  });

  it('on a WebSocket', async () => {
    const client = await connect(server.url);
    await client.init();
    client.subscribe('1', 'query Named { greeting }', { operationName: '' });
    expect(await client.next()).toMatchObject({ payload: { data: { greeting: 'hello' } } });
    client.close();
  });
});

describe('what is not UTF-8 is refused, and told so', () => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1');
  const post = (path: string, body: Buffer, type = 'application/json') =>
    send(`${server.url}${path}`, { method: 'POST', headers: { 'content-type': type }, body });

  it.each([
    ['ISO 8859-1', latin1('{"query":"{ greeting }","variables":{"name":"Zoë"}}')],
    ['a sequence that is cut off', Buffer.concat([Buffer.from('{"query":"{ greeting } #'), Buffer.from([0xe2, 0x82])])],
    [
      'an overlong form',
      Buffer.concat([Buffer.from('{"query":"{ greeting } #'), Buffer.from([0xc0, 0xaf, 0x22, 0x7d])]),
    ],
    [
      'a surrogate in bytes',
      Buffer.concat([Buffer.from('{"q":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    ],
    ['UTF-16', Buffer.from('\ufeff{"query":"{ greeting }"}', 'utf16le')],
  ])('in a body: %s', async (_, body) => {
    const answer = await post('/graphql', body);
    expect(codeOf(answer)).toEqual([400, 'BAD_REQUEST']);
    expect(answer.body.errors?.[0]?.message).toContain('The body is not valid UTF-8');
  });

  it('in a body that says it is in another encoding', async () => {
    const body = Buffer.from('{"query":"{ greeting }"}');
    for (const charset of ['iso-8859-1', 'utf-16', '"windows-1252"']) {
      expect((await post('/graphql', body, `application/json; charset=${charset}`)).status).toBe(415);
    }
    for (const charset of ['utf-8', 'UTF8', '"utf-8"']) {
      expect((await post('/graphql', body, `application/json;charset=${charset}`)).status).toBe(200);
    }
  });

  it('in an address', async () => {
    expect((await ofGet('query={greeting}%23Zo%C3%AB')).status).toBe(200);
    const answer = await ofGet('query={greeting}%23Zo%EB');
    expect(codeOf(answer)).toEqual([400, 'BAD_REQUEST']);
    expect(answer.body.errors?.[0]?.message).toContain('The address is not valid UTF-8');
  });

  it('in an acknowledgement of a webhook', async () => {
    const own = await startServer({ acknowledge: async (body) => body.includes('\ufffd') });
    const headers = { 'content-type': 'application/json' };
    const url = `${own.url}/webhooks/acknowledge`;
    expect(codeOf(await send(url, { method: 'POST', headers, body: latin1('{"type":"ë"}') }))).toEqual([
      400,
      'BAD_REQUEST',
    ]);
    expect((await send(url, { method: 'POST', headers, body: '{"type":"ë"}' })).status).toBe(401);
    await own.close();
  });

  it('on a WebSocket, in a text or in a binary message', async () => {
    const texts = await connect(server.url);
    texts.socket.send(latin1('{"type":"connection_init","payload":{"a":"ë"}}'), { binary: false });
    expect(await texts.next()).toMatchObject({ closed: 1007 });
    const binary = await connect(server.url);
    binary.socket.send(latin1('{"type":"connection_init","payload":{"a":"ë"}}'));
    expect(await binary.next()).toEqual({ closed: 4400, reason: expect.stringContaining('UTF-8') });
  });
});

describe.each(databases)('an operation name that is empty names none, on $name', ({ create }) => {
  it('where an operation is explained', async () => {
    const database = await create();
    const app = await openTestApp(database);
    await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test');
    const explain = `query ($operation: String!) { explainAccess(operation: $operation, operationName: "", purpose: SUPPORT) {
      coordinate outcome } }`;
    const operation = 'query Named { customers(first: 1) { nodes { firstName } } }';
    const agent = { role: 'CLIENT_AGENT', client: 'acme' } as const;
    const { data, errors } = await app.ask(agent, undefined, explain, { operation });
    expect(errors).toBeUndefined();
    expect(data?.explainAccess).toContainEqual({ coordinate: 'Customer.firstName', outcome: 'CLEAR' });
    const several = await app.ask(agent, undefined, explain, {
      operation: `${operation} query B { viewer { country } }`,
    });
    expect(several.errors?.[0]?.message).toContain('operation name');
    await app.close();
    await database.drop();
  });
});
