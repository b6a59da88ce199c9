import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { GraphQLError, GraphQLScalarType, type GraphQLUnionType, isObjectType, isUnionType } from 'graphql';
import type { GovernedResult } from '../../src/governance/govern';
import { root } from '../support/root';
import { expectNoCanary, house, improvement, plainData, rows, security, support } from './pitfall-schema';

/** What its maker meant for callers: on a value that is withheld it is not. */
const coded = () =>
  new GraphQLError('canary', { extensions: { code: 'NOT_FOUND', row: 'canary' }, originalError: new Error('canary') });

const expectNoTrace = (result: GovernedResult) => {
  expectNoCanary(result);
  for (const error of result.errors ?? []) {
    expect(error.originalError).toBeUndefined();
    expect(error.cause).toBeUndefined();
  }
};

/** A promise of somebody else's making: all that it has is `then`. */
const foreignPromise = () =>
  Object.fromEntries([['then', (_: unknown, reject: (error: unknown) => void) => reject(coded())]]);

const ways: Array<[string, () => unknown]> = [
  ['throws', () => fail(coded())],
  ['rejects', async () => fail(coded())],
  ['rejects late', () => new Promise((_, reject) => setTimeout(() => reject(coded()), 5))],
  ['is a thenable that rejects', foreignPromise],
];

describe.each([{ plainSources: true }, { plainSources: false }])('%j', (options) => {
  test.each(ways)('attack S17: what a type resolver says stays inside: it %s', async (_, fails) => {
    for (const access of [support, security, improvement]) {
      const { run } = houseWith({ 'U.resolveType': fails });
      const result = await run('{ plain u { ... on A { secret } } us { ... on C { hidden } } }', access);
      expectNoTrace(result);
      expect(plainData(result)).toEqual({ plain: 'plain', u: null, us: null });
    }
  });

  test.each(ways)('attack S17: what isTypeOf says stays inside: it %s', async (_, fails) => {
    const { run } = houseWith({ 'A.isTypeOf': fails });
    const result = await run('{ a { secret } plain }', security);
    expectNoTrace(result);
    expect(plainData(result)).toEqual({ a: null, plain: 'plain' });
  });

  test('attack S17: what a scalar says of a value that it cannot give stays inside', async () => {
    const told: unknown[] = [];
    const { run, schema } = house({ ...options, onInternalError: (error) => told.push(error) });
    const day = schema.getType('Day') as GraphQLScalarType;
    expect(day).toBeInstanceOf(GraphQLScalarType);
    const text = schema.getType('Int') as GraphQLScalarType;
    const { serialize } = text;
    text.serialize = () => fail(coded());
    try {
      const result = await run('{ c { age } }', support);
      expectNoTrace(result);
      expect(result.errors?.map(({ message }) => message)).toEqual(['Internal server error']);
      expect(told).toHaveLength(1);
    } finally {
      text.serialize = serialize;
    }
  });

  test('attack S17: where a list is de-identified, an item that is promised is waited for, and one that fails is nothing', async () => {
    const { run } = houseWith({
      'Query.a': () => ({ ...rows.a, secret: 'canary' }),
      'Query.nodes': () => [{ ...rows.a, secret: async () => fail(coded()) }],
    });
    const result = await run('{ a { secret } nodes { ... on A { secret } } }', improvement);
    expectNoTrace(result);
    expect(result.errors ?? []).toHaveLength(options.plainSources ? 0 : 1);
  });

  test('attack S17: what a subscription’s source says stays inside, where its field is de-identified and when it breaks off', async () => {
    const said = house(options, { 'Subscription.said': async () => fail(coded()) });
    const document = 'subscription { said }';
    const refused = await said.governed.subscribe({ document, access: () => improvement });
    expectNoTrace(refused as GovernedResult);
    expect((refused as GovernedResult).errors).toHaveLength(1);

    async function* broken() {
      yield { said: 'canary' };
      throw coded();
    }
    const breaking = house(options, { 'Subscription.said': broken });
    const events = await breaking.governed.subscribe({ document, access: () => improvement });
    const results: GovernedResult[] = [];
    for await (const result of events as AsyncGenerator<GovernedResult>) results.push(result);
    expect(results.map(({ errors }) => errors?.length ?? 0)).toEqual([0, 1]);
    for (const result of results) expectNoTrace(result);
  });

  function houseWith(resolvers: Record<string, () => unknown>) {
    const { schema, ...rest } = house(options, resolversOfFields(resolvers), (built) => {
      for (const [name, resolve] of Object.entries(resolvers)) {
        const [typeName = '', kind] = name.split('.');
        const type = built.getType(typeName);
        if (kind === 'resolveType' && isUnionType(type)) type.resolveType = resolve as GraphQLUnionType['resolveType'];
        if (kind === 'isTypeOf' && isObjectType(type)) type.isTypeOf = resolve as typeof type.isTypeOf;
      }
    });
    return { schema, ...rest };
  }
});

const resolversOfFields = (resolvers: Record<string, () => unknown>) =>
  Object.fromEntries(Object.entries(resolvers).filter(([name]) => !/resolveType|isTypeOf/.test(name)));

test('attack S17: introspection and every truth of the conditions run in the governed executor', async () => {
  const { run } = house();
  const names = Array.from({ length: 6 }, (_, index) => `b${index}`);
  const document = `query Q(${names.map((name) => `$${name}: Boolean!`).join()}) {
    __schema { queryType { name } } type: __type(name: "A") { fields(includeDeprecated: true) { name } }
    a { ${names.map((name) => `${name}: label @include(if: $${name})`).join(' ')} secret }
  }`;
  for (let truth = 0; truth < 64; truth++) {
    const variableValues = Object.fromEntries(names.map((name, index) => [name, Boolean(truth & (1 << index))]));
    const result = await run(document, security, { variableValues });
    const chosen = Object.fromEntries(names.filter((name) => variableValues[name]).map((name) => [name, 'a']));
    expect(plainData(result)).toMatchObject({
      __schema: { queryType: { name: 'Query' } },
      type: { fields: [{ name: 'secret' }, { name: 'label' }, {}, {}, {}, {}, {}] },
      a: { ...chosen, secret: null },
    });
    expect(Object.keys((plainData(result) as { a: object }).a)).toHaveLength(Object.keys(chosen).length + 1);
  }
});

test('attack S17: no rejection that a resolver leaves behind ends the process', () => {
  const script = `
    const { buildSchema } = require('graphql');
    const { govern, governanceTypeDefs } = require('./dist/src/governance/govern.js');
    const told = '@nonPersonal(because: "x")';
    const rejected = () => Promise.reject(new Error('left behind'));
    const schema = buildSchema(governanceTypeDefs + \`
      type A { x: Int! \${told} xs: [Int!]! \${told} list: [Int] \${told}
        secret: [String] @personalData(category: NAME) @deidentify(for: [SUPPORT], by: PSEUDONYM) @purposes(allow: [LEGAL])
        n: Int @nonPersonal(because: "n") late: Int! \${told} nested: [A!] @personalRows
        seen: Int @personalData(category: USAGE) @purposes(allow: [SUPPORT, LEGAL, SECURITY]) }
      type Query { a: A @personalRows as: [A!] @personalRows }\`, { assumeValid: true });
    const row = {
      x: rejected, late: () => new Promise((_, reject) => setTimeout(reject, 5, new Error('late'))),
      xs: () => [new Error('first'), rejected(), rejected()], list: () => [rejected(), new Error('one'), rejected()],
      secret: () => [rejected(), 'x', Promise.resolve('y')], n: rejected,
    };
    const governed = govern(schema, { pseudonymKey: 'per-access' });
    const fields = ['x', 'late', 'xs', 'list', 'secret', 'n', '__typename'];
    const sets = fields.flatMap((one) => fields.flatMap((two) => [one + ' ' + two, '__schema { types { name } } ' + one]));
    process.on('exit', (code) => console.log('exit', code));
    (async () => {
      for (const purpose of ['SUPPORT', 'LEGAL', 'SECURITY']) {
        const access = { principal: 'p', purpose, grantedPurposes: [purpose] };
        for (const set of sets) {
          const [inner, outer] = set.startsWith('__schema') ? [set.split('} } ')[1], '__schema { types { name } }'] : [set, ''];
          await governed.execute({ document: '{ ' + outer + ' a { ' + inner + ' } as { ' + inner + ' } }', access,
            rootValue: { a: async () => row, as: () => new Set([row, rejected(), row]) } });
        }
      }
      const access = { principal: 'p', purpose: 'SECURITY', grantedPurposes: ['SECURITY'] };
      await governed.execute({ document: '{ a { secret } }', access, rootValue: { a: () => ({ secret: [rejected()] }) } });
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log('done');
    })();
  `;
  const run = () => execFileSync(process.execPath, ['-e', script], { cwd: join(root), encoding: 'utf8' });
  expect(run().trim().split('\n')).toEqual(['done', 'exit 0']);
});

function fail(error: unknown): never {
  throw error;
}
