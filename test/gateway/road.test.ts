import { EventEmitter, on } from 'node:events';
import { buildSchema } from 'graphql';
import { type Governed, govern, governanceTypeDefs } from '../../src/governance/govern';
import type { TokenClaims } from '../../src/identity/caller';
import type { RequestContext } from '../../src/identity/request-context';
import { type Harness, send, startServer } from './server-harness';
import { connect } from './socket-client';

const access = { principal: 'mara', purpose: 'SUPPORT', grantedPurposes: ['SUPPORT'] };
const changes = new EventEmitter();
const steps: string[] = [];
let server: Harness;
let bearer: Record<string, string>;

beforeAll(async () => {
  const governed = counting(governSchema());
  server = await startServer({
    contracts: { api: governed, 'client-app': governed, partner: governed },
    contractOf: () => 'api',
    contextFor: async (claims) => {
      steps.push('rights');
      return contextOf(claims);
    },
    audit: {
      begin: () => {
        steps.push('begin');
        return () => undefined;
      },
      record: async () => void steps.push('record'),
    },
  });
  bearer = { authorization: `Bearer ${await server.token()}` };
});
afterAll(() => server.close());
beforeEach(() => {
  steps.length = 0;
});

function governSchema(): Governed {
  const schema = buildSchema(`${governanceTypeDefs}
    type Query { person(id: ID): Person @personalRows, people(first: Int): [Person] @personalRows }
    type Subscription { changed: Person @personalRows }
    type Person { name: String @personalData(category: NAME) @purposes(allow: [SUPPORT]) }`);
  const [person] = Object.values(schema.getQueryType()?.getFields() ?? {});
  const [changed] = Object.values(schema.getSubscriptionType()?.getFields() ?? {});
  if (!person || !changed) throw new Error('no such fields');
  person.resolve = (_source, _args, { decision }: RequestContext) => {
    steps.push(decision ? 'execute' : 'execute without a decision');
    return { name: 'Ada' };
  };
  changed.subscribe = () => on(changes, 'changed');
  changed.resolve = () => {
    steps.push('execute');
    return { name: 'Ada' };
  };
  return govern(schema, {
    contextWith: (context, decision): RequestContext => ({ ...(context as RequestContext), decision }),
  });
}

/** An object with some of its methods replaced. All else is the object's own. */
function instead<T extends object>(object: T, methods: Partial<T>): T {
  return new Proxy(object, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The same, with a note of each step that is asked of it. */
function counting(governed: Governed): Governed {
  return instead(governed, {
    plan: (...args) => {
      steps.push('plan');
      const planned = governed.plan(...args);
      if (!('decide' in planned)) return planned;
      return instead(planned, {
        decide: (asked) => {
          steps.push('decide');
          return planned.decide(asked);
        },
      });
    },
  });
}

const contextOf = (claims: TokenClaims): RequestContext => ({
  claims,
  client: undefined,
  country: undefined,
  access,
  accessFor: () => access,
  notes: { subjects: new Set(), transferBases: new Set() },
  memory: new Map(),
});

const whole = ['begin', 'rights', 'plan', 'decide', 'execute', 'record'];

test('a request that Apollo Server answers takes each step once, in order', async () => {
  const { body } = await server.post({ query: '{ person { name } }' }, bearer);
  expect(body.data).toEqual({ person: { name: 'Ada' } });
  expect(steps).toEqual(whole);
});

test('and so does one that goes the short way', async () => {
  await server.post({ query: '{ person { name } }' }, bearer);
  steps.length = 0;
  await server.post({ query: '{ person { name } }' }, bearer);
  expect(steps).toEqual(whole);
});

test('a dear one looks up rights and decides again when it may go on, since it may have waited', async () => {
  await server.post({ query: '{ people(first: 1000) { name } }' }, bearer);
  expect(steps).toEqual(['begin', 'rights', 'plan', 'decide', 'begin', 'rights', 'decide', 'record']);
  steps.length = 0;
  // And so does one whose document is long and new, before it is planned.
  await server.post({ query: `{ person { name } } #${'.'.repeat(1_000)}` }, bearer);
  expect(steps).toEqual(['begin', 'rights', 'begin', 'rights', 'plan', 'decide', 'execute', 'record']);
});

test('and one by GET', async () => {
  const headers = { ...bearer, 'apollo-require-preflight': 'yes' };
  await send(`${server.url}/graphql?query=${encodeURIComponent('{ person { name } }')}`, { headers });
  expect(steps).toEqual(whole);
});

test.each([
  ['a document that is not valid', { query: '{ nobody }' }, ['begin', 'rights', 'plan', 'record']],
  ['no document', { query: '{ person {' }, ['begin', 'rights', 'plan', 'record']],
  [
    'a variable that is wrong',
    { query: 'query ($id: ID!) { person(id: $id) { name } }' },
    ['begin', 'rights', 'plan', 'decide', 'record'],
  ],
])('what the short way cannot answer is not looked at anew by Apollo Server: %s', async (_name, body, taken) => {
  await server.post({ query: '{ person { name } }' }, bearer);
  steps.length = 0;
  const { errors } = (await server.post(body, bearer)).body;
  expect(errors).toHaveLength(1);
  expect(steps).toEqual(taken);
});

test('a query over WebSocket takes the same steps', async () => {
  const client = await connect(server.url);
  await client.init({ authorization: bearer.authorization });
  client.subscribe('1', '{ person { name } }');
  expect(await client.next()).toMatchObject({ type: 'next', payload: { data: { person: { name: 'Ada' } } } });
  expect(steps).toEqual(whole);
  client.close();
});

test('a subscription is planned once, and each event is a request of its own', async () => {
  const client = await connect(server.url);
  await client.init({ authorization: bearer.authorization });
  client.subscribe('1', 'subscription { changed { name } }');
  while (changes.listenerCount('changed') === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(steps).toEqual(['begin', 'rights', 'plan', 'decide']);
  for (let event = 0; event < 2; event++) {
    steps.length = 0;
    changes.emit('changed');
    expect(await client.next()).toMatchObject({ type: 'next', payload: { data: { changed: { name: 'Ada' } } } });
    expect(steps).toEqual(['begin', 'rights', 'decide', 'execute', 'record']);
  }
  client.close();
});

test('the ledger does not wait for the entry of a request that waits for its turn', async () => {
  const underWay = new Set<number>();
  const seen: number[] = [];
  let begun = 0;
  const queueing = await startServer({
    limits: { executionsPerCaller: 1 },
    audit: {
      begin: () => {
        const id = begun++;
        underWay.add(id);
        return () => underWay.delete(id);
      },
      record: async ({ settled }) => {
        seen.push(underWay.size);
        settled();
      },
    },
  });
  const authorization = { authorization: `Bearer ${await queueing.token()}` };
  await Promise.all([1, 2, 3].map(() => queueing.post({ query: '{ slow(ms: 100) }' }, authorization)));
  // Each is alone, and none has left the ledger waiting.
  expect(seen).toEqual([1, 1, 1]);
  expect([...underWay]).toEqual([]);
  await queueing.close();
});
