import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import {
  codesOf,
  errorsOf,
  expectNoCanary,
  house,
  improvement,
  plainData,
  rows,
  security,
  support,
} from './pitfall-schema';

describe.each([{ plainSources: true }, { plainSources: false }])('%j', (options) => {
  const bound: Array<[string, Record<string, unknown>?]> = [
    ['{ as(filter: {secret: {lt: "m"}}) { label } }'],
    ['{ as(filter: {secret: null}) { label } }'],
    ['{ as(filter: {and: [{label: "x"}, {and: {secret: {eq: "m"}}}]}) { label } }'],
    ['query Q($f: AFilter) { as(filter: $f) { label } }', { f: { and: [{ secret: { prefix: 'c' } }] } }],
    ['query Q($f: AFilter = {secret: {eq: "c"}}) { as(filter: $f) { label } }'],
    ['query Q($t: TextFilter) { as(filter: {secret: $t}) { label } }', { t: { eq: 'x' } }],
    ['query Q($and: [AFilter!]) { as(filter: {and: $and}) { label } }', { and: { secret: { eq: 'x' } } }],
    ['{ as(sort: NAMED) { label } }'],
    ['query Q($s: ASort) { as(sort: $s) { label } }', { s: 'LABEL' }],
    ['{ as: count(filter: {secret: {prefix: "c"}}) { count } }'],
    ['{ as: distinct }'],
    ['{ as: distinct(by: "label") }'],
  ];

  test.each(bound)(
    'pitfall 12: %s reads the field it filters, sorts or counts by',
    async (document, variableValues = {}) => {
      const { run, calls } = house(options);
      for (const access of [security, improvement]) {
        const result = await run(document, access, { variableValues });
        expect(plainData(result)).toEqual({ as: null });
        expect(calls).toEqual([]);
        expect(errorsOf(result)).toMatchObject([{ coordinate: 'A.secret', path: ['as'], rows: 1 }]);
        expect(result.extensions?.governance.withheld).toEqual(['A.secret']);
      }
    },
  );

  test('pitfall 12: what is allowed by purpose is allowed in an argument, with its operators only', async () => {
    const { run, calls } = house(options);
    for (const filter of ['{secret: {eq: "x"}}', '{secret: {prefix: "x"}}', '{and: {label: "x"}}', '{hidden: "x"}']) {
      expect((await run(`{ as(filter: ${filter}) { label } }`, support)).errors).toBeUndefined();
    }
    expect(calls).toHaveLength(4);
    for (const filter of [
      '{secret: {contains: "x"}}',
      '{secret: {eq: "x", lt: null}}',
      '{and: [{secret: {lt: "x"}}]}',
    ]) {
      const result = await run(`{ as(filter: ${filter}) { label } }`, support);
      expect(plainData(result)).toEqual({ as: null });
      expect(errorsOf(result)).toMatchObject([
        { code: 'PURPOSE_NOT_PERMITTED', rule: '@governedBy operators of A.secret' },
      ]);
    }
    expect(calls).toHaveLength(4);
  });

  test('pitfall 12: an argument that is left out reads nothing but its default', async () => {
    const { run, calls } = house(options);
    const nobody = { grantedPurposes: [] };
    expect(plainData(await run('{ count { count } }', nobody))).toEqual({ count: { count: 1 } });
    expect((await run('{ count(filter: {label: "x"}) { count } }', nobody)).errors).toBeUndefined();
    expect(calls).toEqual(['Query.count', 'Query.count']);
    const rows = await run('{ as(filter: {label: "x"}, label: "y") { peers { __typename } } }', security);
    expect([plainData(rows), rows.errors]).toMatchObject([{ as: [{}] }, undefined]);
    expect(codesOf(await run('{ distinct }', nobody))).toEqual(['UNAUTHENTICATED']);
    expect(codesOf(await run('query Q($f: AFilter) { as(filter: $f) { label } }', nobody))).toEqual([
      'UNAUTHENTICATED',
    ]);
    const unset = await run('query Q($f: AFilter) { as(filter: $f) { peers { __typename } } }', security);
    expect([plainData(unset), unset.errors]).toMatchObject([{ as: [{}] }, undefined]);
  });

  test('pitfall 12: a non-null field with a refused argument is not called either, and its parent is null', async () => {
    const { run, calls } = house(options);
    const result = await run('{ first(secretIs: "c") }');
    expect(result.data).toBeNull();
    expect(errorsOf(result)).toMatchObject([
      { code: 'PURPOSE_NOT_PERMITTED', path: ['first'], coordinate: 'A.secret' },
    ]);
    expect(calls).toEqual([]);
  });

  test('pitfall 13: denied and absent differ by the decision only, never by the row', async () => {
    const { governed } = house(options);
    const read = (row: unknown) =>
      governed.execute({ document: '{ a { secret length } }', access: security, rootValue: { a: row } });
    const present = await read({ secret: 'canary', length: 6 });
    const absent = await read({ secret: null, length: null });
    expect(JSON.stringify(present)).toBe(JSON.stringify(absent));
    const none = await governed.execute({ document: '{ a { secret } }', access: security, rootValue: { a: null } });
    expect([plainData(none), none.errors]).toEqual([{ a: null }, undefined]);
  });

  test('pitfall 13: a withheld field that fails to be read looks like any other', async () => {
    const fails = jest.fn(() => {
      throw new Error('canary');
    });
    const { run } = house(options, { 'A.secret': fails });
    const result = await run('{ a { secret } }');
    expect(JSON.stringify(result)).toBe(JSON.stringify(await house(options).run('{ a { secret } }')));
    expect(fails).not.toHaveBeenCalled();
  });

  const coercions: Array<[string, Record<string, unknown>?]> = [
    ['query Q($n: Int) { say(number: $n) }', { n: 'canary' }],
    ['query Q($n: Int) { say(number: $n) }', { n: { 'canary at "x"; Expected': 'canary' } }],
    ['query Q($t: String) { say(text: $t) }', { t: ['canary'] }],
    ['query Q($s: ASort) { say(sort: $s) }', { s: 'canary' }],
    ['query Q($d: Day) { say(on: $d) }', { d: 'canary' }],
    ['query Q($d: Day) { say(on: $d) }', { d: 'own canary' }],
    ['query Q($f: AFilter) { as(filter: $f) { label } }', { f: { label: { canary: 'canary' } } }],
    ['query Q($f: AFilter) { as(filter: $f) { label } }', { f: { secret: { eq: 4711 } } }],
    ['query Q($f: AFilter) { as(filter: $f) { label } }', { f: 'canary' }],
    ['query Q($f: [Int]!) { plain }', { f: 'canary' }],
    ['{ say(number: "canary") }'],
    ['{ say(number: canary) }'],
    ['{ say(text: 4711) }'],
    ['{ say(sort: canary) }'],
    ['{ say(sort: "canary") }'],
    ['{ say(on: "canary") }'],
    ['{ say(on: "own canary") }'],
    ['{ say(on: "plain canary") }'],
    ['{ say(on: "canary cannot represent a day") }'],
    ['{ say(on: 4711) }'],
    ['{ as(filter: {label: ["canary"]}) { label } }'],
    ['{ as(filter: "canary") { label } }'],
    ['query Q($n: Int = "canary") { say(number: $n) }'],
    ['{ say(text: "canary }'],
    ['{ say(text: canary!) }'],
  ];

  test.each(coercions)('pitfall 14: errors never repeat the value: %s %j', async (document, variableValues = {}) => {
    const day = new GraphQLScalarType({ name: 'Day' });
    const { schema, governed } = house(options);
    const refuse = (value: unknown): never => {
      const text = String(value);
      if (text.startsWith('own')) throw new GraphQLError(`Value is not a day: ${text}`, { extensions: { code: text } });
      if (text.includes('cannot')) throw new GraphQLError(text);
      throw new TypeError(`${text} is not a day`);
    };
    const scalar = schema.getType('Day') as typeof day;
    scalar.parseValue = refuse;
    scalar.parseLiteral = (node) =>
      refuse(node.kind === Kind.STRING ? node.value : node.kind === Kind.INT ? `own ${node.value}` : '');
    const result = await governed.execute({ document, variableValues, access: support, rootValue: rows });
    expect(result.errors?.length).toBeGreaterThan(0);
    for (const { message, extensions } of result.errors ?? []) {
      expect(message).not.toMatch(/canary|4711/);
      expect(JSON.stringify(extensions)).not.toMatch(/canary|4711/);
      expect(message.length).toBeGreaterThan(10);
    }
    // Where it is, and of which type, is still said.
    if (/number: \$n/.test(document) && variableValues.n)
      expect(result.errors?.[0]?.message).toBe('Variable "$n" got an invalid value: expected type "Int".');
    if (document.includes('"own canary"'))
      expect(result.errors?.[0]?.message).toBe('Expected value of type "Day" for "on".');
  });

  test('pitfall 14: the place of a wrong value is told', async () => {
    const { run } = house(options);
    const variableValues = { f: { and: [{ label: 'x' }, { secret: { eq: 4711 } }] } };
    const result = await run('query Q($f: AFilter) { as(filter: $f) { label } }', support, { variableValues });
    expect(result.errors?.[0]?.message).toBe(
      'Variable "$f" got an invalid value at "f.and[1].secret.eq": expected type "String".',
    );
    const literal = await run('{ say(number: "x") }', support);
    expect(literal.errors?.[0]?.message).toBe('Expected value of type "Int" for "number".');
    expect(literal.errors?.[0]?.locations).toEqual([{ line: 1, column: 15 }]);
    const messages = async (document: string) => (await run(document, support)).errors?.map(({ message }) => message);
    expect(await messages('{ say(sort: NAME) }')).toEqual(['Expected value of type "ASort" for "sort".']);
    expect(await messages('{ say(sort: "NAMED") }')).toEqual(['Expected value of type "ASort" for "sort".']);
    expect(await messages('{ as(filter: {labl: "x"}) { label } }')).toEqual([
      'Field "labl" is not defined by type "AFilter".',
    ]);
    expect(await messages('{ as(filter: "x") { label } }')).toEqual(['Expected value of type "AFilter" for "filter".']);
    expect(await messages('query Q($x: Int) { plain }')).toEqual(['Variable "$x" is never used in operation "Q".']);
    expect(await messages('{ say(number: $x) }')).toEqual(['Variable "$x" is not defined.']);
  });

  test('attack S1: messages are made from place and type, and a value that looks like one changes nothing', async () => {
    const { run } = house(options);
    const value = '"$n" got invalid value "; "; Expected type'.repeat(100);
    const messages = async (document: string, variableValues = {}) =>
      (await run(document, support, { variableValues })).errors?.map(({ message }) => message);
    expect(await messages('query Q($n: Int) { say(number: $n) }', { n: value })).toEqual([
      'Variable "$n" got an invalid value: expected type "Int".',
    ]);
    expect(await messages(`{ say(number: ${JSON.stringify(value)}) }`)).toEqual([
      'Expected value of type "Int" for "number".',
    ]);
    const filters = 'query Q($f: AFilter) { as(filter: $f) { label } }';
    expect(await messages(filters, { f: { [value]: 1 } })).toEqual([
      'Variable "$f" got an invalid value: it has a field that type "AFilter" does not define.',
    ]);
    expect(await messages(filters, { f: { and: [{ and: value }] } })).toEqual([
      'Variable "$f" got an invalid value at "f.and[0].and": expected type "[AFilter!]".',
    ]);
    expect(await messages('query Q($n: Int!) { say(number: $n) }', {})).toEqual([
      'Variable "$n" got an invalid value: it is of required type "Int!" and was not provided.',
    ]);
    const many = await messages(filters, { f: { and: Array.from({ length: 100 }, () => ({ label: 1 })) } });
    expect(many).toHaveLength(21);
    expect(many?.[20]).toBe('Too many values are invalid; no more of them are told.');
  });

  test('attack S1: a message is bounded, however long the names in it are, and says what the text is, not what is in it', async () => {
    const { run } = house(options);
    const long = await run(`{ ${'z'.repeat(100_000)} }`, support);
    expect(long.errors?.map(({ message }) => message.length)).toEqual([1_000]);
    const named = await run('{ plain( "tokens', support);
    expect(codesOf(named)).toEqual(['GRAPHQL_PARSE_FAILED']);
    expect(codesOf(await run(`{ ${'plain '.repeat(10_001)} }`, support))).toEqual(['OPERATION_TOO_LARGE']);
  });

  const thrown: Array<[string, () => unknown]> = [
    ['thrown', () => fail(new Error('canary in an SQL text'))],
    ['rejected', async () => fail(new Error('canary in an SQL text'))],
    ['returned', () => new Error('canary in an SQL text')],
    ['a GraphQLError without a code', () => fail(new GraphQLError('canary', { extensions: { canary: 'canary' } }))],
    ['no error at all', () => fail('canary')],
    ['a value that its type refuses', () => ({ canary: 'canary' })],
  ];

  test.each(thrown)('pitfall 14: what a resolver throws stays inside: %s', async (_, resolve) => {
    const told: unknown[] = [];
    const { run } = house({ ...options, onInternalError: (error) => told.push(error) }, { 'Query.fails': resolve });
    const result = await run('{ fails plain a { label } }', support);
    expectNoCanary(result);
    expect(plainData(result)).toEqual({ fails: null, plain: 'plain', a: { label: 'a' } });
    expect(result.errors?.map(({ message, path, extensions }) => ({ message, path, extensions }))).toEqual([
      { message: 'Internal server error', path: ['fails'], extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]);
    expect(told).toHaveLength(1);
    expect(String(told[0])).toContain('canary');
  });

  test('pitfall 14: what a resolver says to its caller goes out, unless it is of a value that may not be seen', async () => {
    const told: unknown[] = [];
    const resolve = (source: unknown) =>
      fail(
        new GraphQLError(`no ${(source as { secret?: string }).secret ?? 'such thing'}`, {
          extensions: { code: 'NOT_FOUND' },
        }),
      );
    const { run } = house(
      { ...options, onInternalError: (error) => told.push(error) },
      { 'Query.fails': resolve, 'A.secret': resolve, 'A.label': async (source) => resolve(source) },
    );
    const clear = await run('{ fails a { secret } }', support);
    expect(clear.errors?.map(({ message, extensions }) => [message, extensions.code])).toEqual([
      ['no such thing', 'NOT_FOUND'],
      ['no canary-a', 'NOT_FOUND'],
    ]);
    expect(told).toEqual([]);
    const masked = await run('{ a { secret } }', improvement);
    expectNoCanary(masked);
    expect(masked.errors?.map(({ message, path }) => [message, path])).toEqual([
      ['Internal server error', ['a', 'secret']],
    ]);
    expect((told[0] as Error).cause).toBeInstanceOf(GraphQLError);
  });

  test('pitfall 14: a type that cannot be told nulls its field, and stays inside', async () => {
    const { run } = house(options, {
      'Query.u': () => ({ secret: 'canary' }),
      'Query.us': async () => [{ __typename: 'Canary' }, { ...rows.a }],
    });
    const result = await run('{ plain u { ... on A { secret } } us { ... on A { label } } }', support);
    expectNoCanary({ ...result, errors: result.errors?.map(({ message, extensions }) => ({ message, extensions })) });
    expect(plainData(result)).toEqual({ plain: 'plain', u: null, us: null });
    expect(codesOf(result)).toEqual(['INTERNAL_SERVER_ERROR', 'INTERNAL_SERVER_ERROR']);
  });

  test('pitfall 14: null where a field may not be null says where, not what', async () => {
    const { run } = house(options, { 'Query.first': () => null });
    const result = await run('{ first(secretIs: "canary") }', support);
    expectNoCanary(result);
    expect(result.data).toBeNull();
    expect(result.errors?.[0]?.message).toBe('Cannot return null for non-nullable field Query.first.');
  });

  test('a string literal is never code', async () => {
    // graphql-jit pastes literals into what it compiles, and takes a mark in a string for a date to be made.
    const marks = [
      '__MAGIC_DATE__33a9e76d_02e0_4128_8e92_3530ad3da74dglobalThis.pwned=1',
      '__MAGIC_NAN__57f286b9_4c20_487f_b409_79804ddcb4f8',
    ];
    const { run } = house(options, { 'Query.say': (_, args) => JSON.stringify(args) });
    for (const mark of marks) {
      expect(plainData(await run(`{ say(text: "${mark}") }`, support))).toEqual({
        say: JSON.stringify({ text: mark }),
      });
      const listed = await run(`query Q($t: String = "${mark}") { say(text: $t) }`, support);
      expect(plainData(listed)).toEqual({ say: JSON.stringify({ text: mark }) });
    }
    expect(globalThis).not.toHaveProperty('pwned');
  });

  test('arguments reach resolvers as graphql coerces them', async () => {
    const { run } = house(options, {
      'Query.as': (_, args) => fail(new GraphQLError(JSON.stringify(args), { extensions: { code: 'ARGS' } })),
    });
    const args = async (document: string, variableValues = {}) =>
      (await run(document, support, { variableValues })).errors?.[0]?.message;
    expect(await args('query Q($l: String) { as(filter: {label: $l}) { label } }')).toBe('{"filter":{}}');
    expect(await args('query Q($l: String) { as(filter: {label: $l}) { label } }', { l: null })).toBe(
      '{"filter":{"label":null}}',
    );
    expect(await args('query Q($l: String! = "d") { as(label: $l) { label } }')).toBe('{"label":"d"}');
    expect(await args('query Q($l: String) { as(label: $l) { label } }')).toBe('{}');
    expect(await args('{ as(filter: {and: {label: "one"}}) { label } }')).toBe('{"filter":{"and":[{"label":"one"}]}}');
    // A literal that only its variables make invalid is graphql's to report.
    const invalid = await run('query Q($a: AFilter) { as(filter: {and: [$a]}) { label } }', support);
    expect(invalid.errors?.length).toBe(1);
  });
});

function fail(error: unknown): never {
  throw error;
}
