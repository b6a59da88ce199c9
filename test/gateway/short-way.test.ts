import { type Answer, canaries, type Harness, startServer } from './server-harness';

let server: Harness;
let bearer: Record<string, string>;

beforeAll(async () => {
  server = await startServer();
  bearer = { authorization: `Bearer ${await server.token()}` };
});
afterAll(() => server.close());

let asked = 0;

/**
 * Sends one request twice: Apollo Server answers an `accept` header that was never seen, the short way may answer a
 * known one.
 */
async function bothWays(body: unknown, headers: Record<string, string>, type = 'application/json') {
  const accept = `${type};q=0.${String(++asked).padStart(3, '0')}`;
  // Whatever is learnt is learnt from an answer, and not from this request.
  await server.post({ query: '{ greeting }' }, { accept: `${accept}` });
  const short = await server.post(body, { ...headers, accept });
  const long = await server.post(body, { ...headers, accept: `${type};q=0.${String(++asked).padStart(3, '0')}` });
  return { short, long };
}

const comparable = ({ status, headers, body }: Answer) => {
  const { date, 'content-length': length, ...rest } = headers;
  const governance = { ...body.extensions?.governance, auditId: 'any' };
  return { status, rest, body: { ...body, extensions: { ...body.extensions, governance } } };
};

test('JSON is what Apollo Server answers to the accept headers that the short way knows from the start', async () => {
  for (const accept of [undefined, '*/*', 'application/json']) {
    const headers = { ...bearer, ...(accept === undefined ? {} : { accept }) };
    const short = await server.post({ query: '{ greeting }' }, headers);
    // A persisted query is for Apollo Server alone.
    const long = await server.post({ query: '{ greeting }', extensions: { persistedQuery: {} } }, headers);
    expect(long.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(short.headers['content-type']).toBe(long.headers['content-type']);
    expect(short.status).toBe(200);
  }
});

describe('the short way of usual operations answers as Apollo Server does', () => {
  const support = { 'processing-purpose': 'SUPPORT' };
  const page = '{ customers { id email } }';
  test.each([
    ['in the clear', { query: page }, support],
    ['partly withheld', { query: '{ customers { id email health } }' }, support],
    ['refused for want of a purpose', { query: page }, {}],
    ['a purpose that was not granted', { query: page }, { 'processing-purpose': 'SECURITY' }],
    ['nothing governed', { query: '{ greeting }' }, {}],
    ['by variables', { query: 'query Q($id: ID!) { customer(id: $id) { id } }', variables: { id: '1' } }, support],
    ['a variable that is missing', { query: 'query Q($id: ID!) { customer(id: $id) { id } }' }, support],
    ['a resolver that fails', { query: '{ broken greeting }' }, support],
    ['no GraphQL', { query: '{ customers {' }, support],
    ['a field that is not there', { query: '{ nothing }' }, support],
    ['one of several operations', { query: 'query A { greeting } query B { broken }', operationName: 'A' }, support],
    ['none of several operations', { query: 'query A { greeting } query B { broken }' }, support],
    ['an empty operation name', { query: 'query A { greeting }', operationName: '' }, support],
    ['a name that no operation has', { query: 'query A { greeting }', operationName: 'Z' }, support],
    ['a subscription', { query: 'subscription { ticks }' }, support],
    ['introspection', { query: '{ __schema { queryType { name } } }' }, support],
    ['a response key like any other', { query: '{ __proto__: greeting then: greeting }' }, support],
    ['variables that are no object', { query: '{ greeting }', variables: 'x' }, support],
    ['extensions', { query: '{ greeting }', extensions: {} }, support],
    ['a batch', [{ query: '{ greeting }' }], support],
    ['nothing at all', {}, support],
  ])('%s', async (_, body, headers) => {
    for (const type of ['application/json', 'application/graphql-response+json', 'text/html']) {
      const { short, long } = await bothWays(body, { ...bearer, ...headers }, type);
      expect(comparable(short)).toEqual(comparable(long));
    }
    const { short, long } = await bothWays(body, headers);
    expect(comparable(short)).toEqual(comparable(long));
  });

  test('a mutation runs once a request', async () => {
    const before = server.touched;
    const { short, long } = await bothWays({ query: 'mutation { touch }' }, { ...bearer, ...support });
    expect([short.status, long.status]).toEqual([200, 200]);
    expect(server.touched).toBe(before + 2);
  });

  test('what is withheld is in no answer', async () => {
    const { short } = await bothWays({ query: '{ customers { health } }' }, { ...bearer, ...support });
    expect(short.text).not.toContain(canaries.health);
  });
});
