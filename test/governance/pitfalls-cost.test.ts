import { type DocumentNode, Kind, parse, type SelectionSetNode } from 'graphql';
import { ExecutableDocument } from '../../src/governance/executable-document';
import { planOperation } from '../../src/governance/operation-plan';
import { readSchemaPolicy } from '../../src/governance/schema-policy';
import { codesOf, errorsOf, house, plainData, pseudonymKey, rows, security, support } from './pitfall-schema';

/** Milliseconds that a refusal or an answer may take: far more than it does, far less than an attack would. */
async function within<T>(milliseconds: number, run: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await run();
  expect(performance.now() - start).toBeLessThan(milliseconds);
  return result;
}

const fanOut = (levels: number) =>
  [
    'query { a { ...F0 } }',
    ...Array.from(
      { length: levels },
      (_, i) => `fragment F${i} on Node { peers { ...F${i + 1} } x: peers { ...F${i + 1} } }`,
    ),
    `fragment F${levels} on Node { secret }`,
  ].join('\n');

test('pitfall 21: a fan-out of 2^30 paths is refused before it is validated', async () => {
  const { run } = house({ limits: { depth: 100 } });
  const result = await within(10_000, () => run(fanOut(30), support));
  expect(errorsOf(result)).toMatchObject([{ code: 'OPERATION_TOO_LARGE' }]);
});

test('pitfall 21: the planner itself takes no longer for 2^30 paths', async () => {
  const policy = readSchemaPolicy(house().schema, { pseudonymKey });
  const { reach } = await within(10_000, async () => planOperation(policy, new ExecutableDocument(parse(fanOut(30)))));
  expect(reach.map((index) => policy.coordinates[index]?.name)).toEqual(['A.secret', 'A.peers', 'B.peers', 'Query.a']);
});

test('pitfall 21: a fan-out within one level', async () => {
  const { run } = house();
  const document = `{ a { ...F0 } } ${Array.from({ length: 60 }, (_, i) => `fragment F${i} on A { ...F${i + 1} ...F${i + 1} }`).join(' ')} fragment F60 on A { secret }`;
  expect(codesOf(await within(10_000, () => run(document, support)))).toEqual(['OPERATION_TOO_LARGE']);
});

test.each([
  ['of a field', 'x: plain'],
  ['of __typename', 'x: __typename'],
])('pitfall 21: 10,000 aliases %s', async (_, field) => {
  const { run } = house({ limits: { tokens: 1e9, breadth: 1e9, fields: 1e9 } });
  const document = `{ ${Array.from({ length: 10_000 }, (_, i) => field.replace('x', `x${i}`)).join(' ')} }`;
  expect(errorsOf(await within(10_000, () => run(document, support)))).toMatchObject([{ limit: 'aliases' }]);
  const { run: asShipped } = house();
  expect(errorsOf(await within(10_000, () => asShipped(document, support)))).toMatchObject([{ limit: 'tokens' }]);
});

test('pitfall 21: 10,000 times __typename without an alias', async () => {
  const { run } = house({ limits: { tokens: 1e9 } });
  const result = await within(10_000, () => run(`{ ${'__typename '.repeat(10_000)} }`, support));
  expect(errorsOf(result)).toMatchObject([{ code: 'OPERATION_TOO_LARGE', limit: 'breadth' }]);
});

test('pitfall 21: 500 duplicate fields are one field, or too many to compare', async () => {
  const { run, calls } = house();
  const result = await within(10_000, () => run(`{ a { ${'secret '.repeat(100)} label } }`, security));
  expect(plainData(result)).toEqual({ a: { secret: null, label: 'a' } });
  expect(errorsOf(result)).toMatchObject([{ rows: 1 }]);
  expect(calls).toEqual(['Query.a']);
  for (const fields of ['secret '.repeat(500), 'peers { secret label } '.repeat(500)]) {
    const many = await within(10_000, () => run(`{ a { ${fields} } }`, security));
    expect(errorsOf(many)).toMatchObject([{ code: 'OPERATION_TOO_LARGE', limit: 'repeats' }]);
  }
});

test('pitfall 21: deep nesting, as text and as an object that no parser has seen', async () => {
  const { run, governed } = house({ limits: { tokens: 1e9 } });
  const nested = (depth: number) => `{ a ${'{ peers '.repeat(depth)}{ label }${'}'.repeat(depth)} }`;
  expect(errorsOf(await run(nested(50), support))).toMatchObject([{ limit: 'depth' }]);
  const abyss = await within(10_000, () => run(nested(100_000), support));
  expect(codesOf(abyss)).toEqual(['GRAPHQL_PARSE_FAILED']);
  let selectionSet: SelectionSetNode = {
    kind: Kind.SELECTION_SET,
    selections: [{ kind: Kind.FIELD, name: { kind: Kind.NAME, value: 'label' } }],
  };
  for (let i = 0; i < 50_000; i++) {
    selectionSet = {
      kind: Kind.SELECTION_SET,
      selections: [{ kind: Kind.FIELD, name: { kind: Kind.NAME, value: 'peers' }, selectionSet }],
    };
  }
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [{ kind: Kind.OPERATION_DEFINITION, operation: 'query' as never, selectionSet }],
  };
  const result = await within(10_000, () => governed.execute({ document, access: support, rootValue: rows }));
  expect(errorsOf(result)).toMatchObject([{ code: 'OPERATION_TOO_LARGE', limit: 'depth' }]);
});

test('pitfall 21: an interface under itself, which doubles what is compiled at each level', async () => {
  const { run } = house();
  const document = `{ node ${'{ peers '.repeat(13)}{ secret label }${'}'.repeat(13)} }`;
  const result = await within(10_000, () => run(document, security));
  expect(plainData(result)).toMatchObject({ node: { peers: [{ peers: [] }] } });
});

test('pitfall 21: fragments that spread themselves', async () => {
  const { run } = house();
  for (const document of [
    '{ a { ...F } } fragment F on A { label ...F }',
    '{ a { ...F } } fragment F on A { ...G } fragment G on A { peers { ...H } } fragment H on Node { ... on A { ...F } }',
  ]) {
    expect(codesOf(await within(10_000, () => run(document, support)))).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  }
});

test('pitfall 21: more definitions, and more wrong ones, than anyone reads', async () => {
  const { run } = house();
  const many = Array.from({ length: 201 }, (_, i) => `query Q${i} { plain }`).join(' ');
  expect(errorsOf(await run(many, support, { operationName: 'Q0' }))).toMatchObject([{ limit: 'definitions' }]);
  const wrong = await run(`{ ${Array.from({ length: 500 }, (_, i) => `wrong${i}`).join(' ')} }`, support);
  expect(wrong.errors?.length).toBeLessThanOrEqual(21);
  expect(wrong.errors?.at(-1)?.message).toBe('Too many validation errors, error limit reached. Validation aborted.');
});

test('pitfall 22: a withheld row costs no more than a given one', async () => {
  const { governed } = house({ plainSources: true });
  const nodes = Array.from({ length: 20_000 }, (_, i) => ({ __typename: 'A', secret: `s${i}` }));
  const document = '{ nodes { x: secret y: secret } }';
  const time = async (access: typeof support) => {
    const start = performance.now();
    await governed.execute({ document, access, rootValue: { nodes } });
    return performance.now() - start;
  };
  const best = async (access: typeof support) =>
    Math.min(...[await time(access), await time(access), await time(access), await time(access)]);
  // Its two aliases make each row be remembered by its place; an error per row would cost ten times as much and more.
  expect(await best(security)).toBeLessThan(8 * (await best(support)) + 200);
});
