import { buildSchema, parse } from 'graphql';
import { costOf, defaultLengths } from '../../src/governance/cost';
import { ExecutableDocument } from '../../src/governance/executable-document';
import { govern, governanceTypeDefs } from '../../src/governance/govern';

const typeDefs = `
  type Query { nodes(first: Int, last: Int, limit: Int): [Node!]! plain: Node tens(first: Int = 10): [Node!]! }
  type Node { id: ID! node: Node nodes(first: Int, last: Int): [Node!]! tens(first: Int = 10): [Node!]! }
`;
const schema = buildSchema(typeDefs);
const lengths = defaultLengths(schema);

function cost(text: string, variables: Record<string, unknown> = {}): number | undefined {
  const document = new ExecutableDocument(parse(text));
  return costOf(document, document.operation(null), lengths)?.(variables);
}

test('a list counts what is under it as often as it may be long', () => {
  expect(cost('{ nodes(first: 100) { id node { id } } }')).toBe(1 + 100 * 3);
  expect(cost('{ nodes(limit: 7) { nodes(last: 3) { id } } }')).toBe(1 + 7 * (1 + 3));
  expect(cost('{ nodes(first: 2, last: 9) { id } }')).toBe(10);
});

test('the length comes from a literal, a variable, or the default of the schema', () => {
  expect(cost('query Q($n: Int) { nodes(first: $n) { id } }', { n: 50 })).toBe(51);
  expect(cost('query Q($n: Int) { tens(first: $n) { id } }')).toBe(11);
  expect(cost('{ plain { tens { id } } }')).toBe(12);
  expect(cost('{ nodes(first: -5) { id } }')).toBe(2);
});

test('an operation without lengths is not counted', () => {
  expect(cost('{ plain { id node { id } } }')).toBeUndefined();
});

test('pitfall 21: 2^60 paths of lists are counted once a fragment', () => {
  const levels = Array.from(
    { length: 60 },
    (_, level) =>
      `fragment F${level} on Node { a: node { ...F${level + 1} } b: nodes(first: 100) { ...F${level + 1} } }`,
  );
  const text = `{ plain { ...F0 } } ${levels.join(' ')} fragment F60 on Node { id }`;
  const before = performance.now();
  expect(cost(text)).toBe(Number.MAX_SAFE_INTEGER);
  expect(performance.now() - before).toBeLessThan(10_000);
});

test('the governed executor refuses what would cost too much, by literal and by variable', async () => {
  const governed = govern(buildSchema(`${governanceTypeDefs} ${typeDefs}`), {
    limits: { cost: 1_000 },
    ungoverned: true,
  });
  const access = { grantedPurposes: [] };
  const document = 'query Q($n: Int = 5000) { nodes(first: $n) { id } }';
  const errors = [{ extensions: { code: 'OPERATION_TOO_LARGE', limit: 'cost' } }];
  expect(await governed.execute({ document, access })).toMatchObject({ errors });
  expect(await governed.execute({ document, access, variableValues: { n: 1_000 } })).toMatchObject({ errors });
  const rootValue = { nodes: [{ id: '1' }] };
  expect(await governed.execute({ document, access, rootValue, variableValues: { n: 999 } })).toMatchObject({
    data: { nodes: [{ id: '1' }] },
  });
});
