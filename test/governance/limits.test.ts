import { parse } from 'graphql';
import { defaultLimits, enforceLimits, type Limits } from '../../src/governance/limits';
import { codesOf, errorsOf, house, support } from './pitfall-schema';

const endless: Limits = {
  tokens: Infinity,
  anonymousTokens: Infinity,
  depth: Infinity,
  aliases: Infinity,
  breadth: Infinity,
  fields: Infinity,
  repeats: Infinity,
  comparisons: Infinity,
  definitions: Infinity,
  cost: Infinity,
};

/** The document passes at the measure, and fails at one less. */
function expectMeasure(limit: keyof Limits, document: string, measure: number): void {
  expect(() => enforceLimits(parse(document), { ...endless, [limit]: measure })).not.toThrow();
  expect(() => enforceLimits(parse(document), { ...endless, [limit]: measure - 1 })).toThrow(
    `The document exceeds the limit of ${measure - 1} ${limit}.`,
  );
}

test.each([
  ['{ a }', 1],
  ['{ a b c }', 1],
  ['{ a { b { c } } d }', 3],
  ['{ a ... { b { c } } }', 2],
  ['{ ...F } fragment F on Q { a { ...G } } fragment G on Q { b { c } }', 3],
  ['{ a } fragment F on Q { a { b } }', 2],
  ['query A { a } query B { a { b } }', 2],
])('depth of %s is %d', (document, depth) => expectMeasure('depth', document, depth));

test.each([
  ['{ x: a y: b c }', 2],
  ['{ x: a { y: b } }', 2],
  ['{ ...F ...F } fragment F on Q { x: a }', 2],
  ['{ ... { x: a { ...F } } ...F } fragment F on Q { x: a y: __typename }', 5],
])('aliases of %s are %d', (document, aliases) => expectMeasure('aliases', document, aliases));

test.each([
  ['{ a b c }', 3],
  ['{ a { b c d } e f }', 3],
  ['{ a { b c d } a { b c d } }', 3],
  ['{ a { b } c d e }', 4],
  ['{ a ... { b { x } c } }', 3],
  ['{ a ...F ...F } fragment F on Q { b c { d } }', 5],
  ['{ a { ...F } } fragment F on Q { b c d }', 3],
])('breadth of %s is %d', (document, breadth) => expectMeasure('breadth', document, breadth));

test.each([
  ['{ a b }', 2],
  ['{ a { b c } }', 3],
  ['{ a { ...F } ...F } fragment F on Q { b ... { c } }', 5],
])('fields of %s are %d', (document, fields) => expectMeasure('fields', document, fields));

test.each([
  ['{ a b c }', 1],
  ['{ a a x: a }', 2],
  ['{ a { b } a { b c } ... { a { b } } }', 3],
  ['{ a { ...F ...F } a { ...F } } fragment F on Q { b }', 2],
  ['{ a { ...F } a { b } ...G } fragment F on Q { b } fragment G on Q { a { b ... { b } } }', 4],
])('attack S8: repeats of %s are %d', (document, repeats) => expectMeasure('repeats', document, repeats));

test.each([
  // Each field with each of its key: squares, times the depth.
  ['{ a b c }', 3],
  ['{ a a a }', 9],
  ['{ a { b b } }', 1 + 2 * 4],
  ['{ a { b } a { b } }', 4 + 2 * 4],
  // A literal counts each of its nodes, once for each field that it is compared with.
  ['{ a(x: 1) a(x: 1) }', 2 * (2 + 2)],
  ['{ a(x: [1, 2]) }', 4],
  ['{ ...F } fragment F on Q { a }', 2],
  ['query A { ...F } query B { ...F } fragment F on Q { a }', 3],
])('attack S8: comparisons of %s are %d', (document, count) => expectMeasure('comparisons', document, count));

test.each(['fragment F on Q { a { ...F } }', 'fragment F on Q { ...G } fragment G on Q { a { ...F } }'])(
  'attack S8: a fragment that spreads itself is refused before anything is compared: %s',
  (fragments) => {
    expect(() => enforceLimits(parse(`{ ...F } ${fragments}`), endless)).toThrow('A fragment spreads itself.');
  },
);

test('of two fragments that share a name, both are measured: validation compares both', () => {
  const dear = `fragment F on Q { ${'a '.repeat(30)} } fragment F on Q { a }`;
  expectMeasure('repeats', `{ a } ${dear}`, 30);
  expectMeasure('breadth', `{ a } ${dear}`, 30);
});

test('attack S8: what would take validation long is refused before it, by what it costs', async () => {
  const { run } = house();
  const many = await run(`{ ${'a { label } '.repeat(101)} }`, support);
  expect(errorsOf(many)).toMatchObject([{ code: 'OPERATION_TOO_LARGE', limit: 'repeats' }]);
  const literal = `[${Array.from({ length: 15 }, () => '{label: "x"}').join()}]`;
  const dear = await run(`{ ${`as(filter: {and: ${literal}}) { label } `.repeat(42)} }`, support);
  expect(errorsOf(dear)).toMatchObject([{ code: 'OPERATION_TOO_LARGE', limit: 'comparisons' }]);
  expect(codesOf(await run(`{ ${'a { label } '.repeat(100)} }`, support))).toEqual([]);
});

test.each([
  ['{ a }', 1],
  ['query A { a } query B { a } fragment F on Q { a }', 3],
])('definitions of %s are %d', (document, definitions) => expectMeasure('definitions', document, definitions));

test('fragments that double at each level are measured at once', () => {
  const fragments = Array.from({ length: 1_000 }, (_, i) => `fragment F${i} on Q { ...F${i + 1} ...F${i + 1} }`).join(
    ' ',
  );
  const start = performance.now();
  expect(() =>
    enforceLimits(parse(`{ ...F0 } ${fragments} fragment F1000 on Q { a }`), { ...endless, fields: 1e300 }),
  ).toThrow('fields');
  expect(performance.now() - start).toBeLessThan(10_000);
});

test('a fragment that is not there is left to validation', () => {
  expect(() =>
    enforceLimits(parse('{ ...F ...Missing } fragment F on Q { a { b } }'), { ...endless, depth: 2, fields: 2 }),
  ).not.toThrow();
});

test('the defaults', async () => {
  const { run } = house();
  const limit = async (document: string) => errorsOf(await run(document, support))[0]?.limit;
  const nest = (depth: number) => `{ a ${'{ peers '.repeat(depth - 2)}{ label }${'}'.repeat(depth - 2)} }`;
  expect(await limit(nest(defaultLimits.depth))).toBeUndefined();
  expect(await limit(nest(defaultLimits.depth + 1))).toBe('depth');
  const aliases = (count: number) => `{ ${Array.from({ length: count }, (_, i) => `x${i}: plain`).join(' ')} }`;
  expect(await limit(aliases(50))).toBeUndefined();
  expect(await limit(aliases(51))).toBe('aliases');
  expect(await limit(`{ ${'plain '.repeat(1_001)} }`)).toBe('breadth');
  expect(
    await limit(`{ a { ${'label '.repeat(700)} } b { ${'label '.repeat(700)} } node { ${'label '.repeat(700)} } }`),
  ).toBe('fields');
  expect(await limit(`{ ${'plain '.repeat(10_001)} }`)).toBe('tokens');
});

test('what is set replaces its default only', async () => {
  const { run } = house({ limits: { tokens: 5 } });
  const result = await run('{ plain plain plain plain }', support);
  expect([codesOf(result), result.errors?.[0]?.message]).toEqual([
    ['OPERATION_TOO_LARGE'],
    'The document exceeds the limit of 5 tokens.',
  ]);
  expect((await run('{ plain }', support)).errors).toBeUndefined();
});

test('a text that is no GraphQL tells where, and not what', async () => {
  const { run } = house();
  const result = await run('{ plain(x: "canary) }', support);
  expect(JSON.parse(JSON.stringify(result))).toEqual({
    errors: [
      {
        message: 'The document is not valid GraphQL: a syntax error stands at the location given.',
        locations: [{ line: 1, column: 22 }],
        extensions: { code: 'GRAPHQL_PARSE_FAILED' },
      },
    ],
  });
});
