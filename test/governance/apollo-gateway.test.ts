import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import type { Access } from '../../src/governance/govern';
import { expectNoCanary, house, rows, security, support } from './pitfall-schema';

interface Context {
  access?: Access;
  who?: Access;
}

const resolvers = Object.fromEntries(
  Object.keys(rows).map((name) => [`Query.${name}`, () => (rows as Record<string, unknown>)[name]]),
);

async function serve<T>(
  use: (
    ask: (
      query: string,
      contextValue?: Context,
      more?: object,
    ) => Promise<{
      data?: unknown;
      errors?: ReadonlyArray<{ message: string; path?: unknown; extensions?: Record<string, unknown> }>;
      extensions?: Record<string, unknown>;
    }>,
  ) => Promise<T>,
  options: Parameters<typeof house>[0] = {},
  more: Parameters<typeof house>[1] = resolvers,
): Promise<T> {
  const { governed } = house(options, more);
  const server = new ApolloServer<Context>({
    gateway: governed.gateway,
    plugins: [ApolloServerPluginCacheControlDisabled(), ApolloServerPluginUsageReportingDisabled()],
  });
  await server.start();
  try {
    return await use(async (query, contextValue = {}, extra = {}) => {
      const { body } = await server.executeOperation({ query, ...extra }, { contextValue });
      if (body.kind !== 'single') throw new Error('one result is expected');
      return JSON.parse(JSON.stringify(body.singleResult));
    });
  } finally {
    await server.stop();
  }
}

test('Apollo Server executes by the governed gateway', () =>
  serve(async (ask) => {
    const document = '{ node { secret label } us { __typename } }';
    const us = [{ __typename: 'A' }, { __typename: 'B' }, { __typename: 'C' }];
    const clear = await ask(document, { access: support });
    expect(clear).toMatchObject({
      data: { node: { secret: 'canary-a', label: 'a' }, us },
      extensions: { governance: { purpose: 'SUPPORT', withheld: [] } },
    });
    expect(clear.errors).toBeUndefined();
    const withheld = await ask(document, { access: security });
    expectNoCanary(withheld);
    expect(withheld).toMatchObject({
      data: { node: { secret: null, label: 'a' }, us },
      errors: [
        {
          message: 'The stated purpose may not read this field.',
          path: ['node', 'secret'],
          extensions: { code: 'PURPOSE_NOT_PERMITTED', coordinate: 'A.secret', rows: 1 },
        },
      ],
      extensions: { governance: { purpose: 'SECURITY', withheld: ['A.secret'], auditId: null } },
    });
  }));

test('plugins that set resolvers in the schema, as the one for caches does unless it is switched off, do not get at it', async () => {
  const { governed } = house({}, resolvers);
  const resolved: string[] = [];
  const server = new ApolloServer<Context>({
    gateway: governed.gateway,
    plugins: [
      {
        requestDidStart: async () => ({
          executionDidStart: async () => ({ willResolveField: ({ info }) => void resolved.push(info.fieldName) }),
        }),
      },
    ],
  });
  await server.start();
  const { body } = await server.executeOperation({ query: '{ a { secret } }' }, { contextValue: { access: support } });
  await server.stop();
  expect(body).toMatchObject({ kind: 'single', singleResult: { data: { a: { secret: 'canary-a' } } } });
  expect(resolved).toEqual([]);
});

test("a context that brings no access is nobody's", () =>
  serve(async (ask) => {
    expect(await ask('{ a { secret } }')).toMatchObject({
      data: null,
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
    expect(await ask('{ plain a { label } }')).toMatchObject({ data: null });
    expect(await ask('{ plain b { label } }')).toMatchObject({ data: { plain: 'plain', b: { label: 'b' } } });
  }));

test('the access comes from where it is said to be', () =>
  serve(
    async (ask) => {
      expect(await ask('{ a { secret } }', { who: support })).toMatchObject({ data: { a: { secret: 'canary-a' } } });
      expect(await ask('{ a { secret } }', { access: support })).toMatchObject({ data: null });
    },
    { accessOf: (context) => (context as Context).who },
  ));

test("variables, operation names and the caller's context arrive", async () => {
  const contexts: unknown[] = [];
  const say = (_: unknown, args: Record<string, unknown>, context: unknown) => {
    contexts.push(context);
    return JSON.stringify(args);
  };
  await serve(
    async (ask) => {
      const document = 'query One($t: String = "d") { say(text: $t) } query Two { plain }';
      expect(await ask(document, { access: support }, { operationName: 'One', variables: { t: 'x' } })).toMatchObject({
        data: { say: '{"text":"x"}' },
      });
      expect(await ask(document, { access: support }, { operationName: 'One' })).toMatchObject({
        data: { say: '{"text":"d"}' },
      });
      expect(await ask(document, { access: support }, { operationName: 'Three' })).toMatchObject({
        errors: [{ extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }],
      });
      expect(contexts).toEqual([{ access: support }, { access: support }]);
    },
    {},
    { ...resolvers, 'Query.say': say },
  );
});

test("Apollo's own validation stands before the gateway's", () =>
  serve(async (ask) => {
    expect(await ask('{ nothing }', { access: support })).toMatchObject({
      errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }],
    });
  }));

test('pitfall 18: documents that Apollo keeps are decided anew for each caller', () =>
  serve(async (ask) => {
    for (let round = 0; round < 3; round++) {
      const [clear, withheld, refused] = await Promise.all([
        ask('{ a { secret } }', { access: support }),
        ask('{ a { secret } }', { access: security }),
        ask('{ a { secret } }'),
      ]);
      expect([clear?.data, withheld?.data, refused?.data]).toEqual([
        { a: { secret: 'canary-a' } },
        { a: { secret: null } },
        null,
      ]);
    }
  }));

test('errors of resolvers stay inside', async () => {
  const told: unknown[] = [];
  await serve(
    async (ask) => {
      const result = await ask('{ fails plain }', { access: support });
      expectNoCanary(result);
      expect(result).toMatchObject({
        data: { fails: null, plain: 'plain' },
        errors: [{ message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
      });
    },
    { onInternalError: (error) => told.push(error) },
    { ...resolvers, 'Query.fails': () => Promise.reject(new Error('canary')) },
  );
  expect(told).toEqual([new Error('canary')]);
});
