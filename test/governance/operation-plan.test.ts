import { buildSchema, parse } from 'graphql';
import { ExecutableDocument } from '../../src/governance/executable-document';
import { governanceTypeDefs } from '../../src/governance/govern';
import { planOperation } from '../../src/governance/operation-plan';
import { readSchemaPolicy, type SchemaPolicy } from '../../src/governance/schema-policy';

const forSupport = '@personalData(category: NAME) @purposes(allow: [SUPPORT])';
const policy = readSchemaPolicy(
  buildSchema(`${governanceTypeDefs}
    directive @note(a: Int, if: Boolean, is: ProcessingPurpose) on QUERY | FIELD | INLINE_FRAGMENT
    interface Node { x: String n: Node @personalRows }
    interface Named { y: String }
    type A implements Node & Named { x: String ${forSupport} y: String ${forSupport} n: Node @personalRows sum: Int @derivedFrom(fields: ["x", "C.z"]) }
    type B implements Node { x: String ${forSupport} n: Node @personalRows }
    type C implements Named { z: String ${forSupport} y: String ${forSupport} open: String @nonPersonal(because: "x") }
    type D implements Node { x: String n: Node @personalRows list(x: String @governedBy(field: "D.x"), other: String @governedBy(field: "C.z")): [D] }
    union U = A | C
    type Query {
      node: Node @personalRows named: Named @personalRows a: A @personalRows b: B @personalRows c: C @personalRows d: D u: U @personalRows plain: String
      find(a: String @governedBy(field: "Node.x"), b: String = "b" @governedBy(field: "C.z"), f: Filter): A @personalRows
    }
    input Filter { x: String @governedBy(field: "A.x") y: String = "y" @governedBy(field: "A.y") and: [Filter] }
  `),
);

const plan = (document: string, operationName?: string | null, by: SchemaPolicy = policy) =>
  planOperation(by, new ExecutableDocument(parse(document)), operationName);
/** The coordinates that hold data; those that lead to rows are on every way, and looked at by themselves. */
const names = (indices: Iterable<number>) =>
  [...indices].map((index) => policy.coordinates[index]).flatMap((one) => (one && !one.rule.rows ? one.name : []));
const reach = (document: string) => names(plan(document).reach);

test.each([
  ['{ plain }', []],
  ['{ a { n { __typename } } }', []],
  ['{ a { x } }', ['A.x']],
  ['{ node { x } }', ['A.x', 'B.x']],
  ['{ named { y } }', ['A.y', 'C.y']],
  ['{ u { ... on A { x } ... on C { z } } }', ['A.x', 'C.z']],
  ['{ u { ... { __typename } ... on Named { y } ... on Node { x } } }', ['A.x', 'A.y', 'C.y']],
  ['{ node { ... on Named { y } } }', ['A.y']],
  ['{ node { ... on A { x } } }', ['A.x']],
  ['{ node { ... on D { x } } }', []],
  ['{ named { ... on Node { ... on Named { y } } } }', ['A.y']],
  ['{ node { ...F } } fragment F on Named { y }', ['A.y']],
  ['{ b { ... on Node { ... on A { x } } } }', []],
  ['{ b { ... on Node { ... on A { n { x } } } } }', []],
  ['{ a { ... { x } } }', ['A.x']],
  ['{ a { ... @note(a: 1) { ... { x } } } }', ['A.x']],
  ['{ a { n { n { x } } } }', ['A.x', 'B.x']],
  ['{ a { sum } }', ['A.x', 'A.sum', 'C.z']],
  ['{ a { sum @skip(if: true) } }', ['A.x', 'A.sum', 'C.z']],
  ['{ c { open } }', []],
  // A fragment visited with one type, then with more: what the second adds is seen.
  ['{ a { ...F } node { ...F } } fragment F on Node { x }', ['A.x', 'B.x']],
  ['{ node { ...F } a { ...F } } fragment F on Node { x }', ['A.x', 'B.x']],
  ['{ a { ...F } b { ...F } } fragment F on Node { x }', ['A.x', 'B.x']],
  ['{ u { ...F } named { ...F } node { ...F } } fragment F on Named { y ... on Node { x } }', ['A.x', 'A.y', 'C.y']],
  ['{ node { ...F } named { ...F } } fragment F on Node { x ... on Named { y } }', ['A.x', 'A.y', 'B.x']],
  ['{ x: named { ...F } } fragment F on Named { ... on C { z } y }', ['A.y', 'C.z', 'C.y']],
  ['{ a { ...Missing } }', []],
])('reach of %s', (document, expected) => {
  expect(reach(document)).toEqual(expected);
});

test.each([
  ['{ find { n { __typename } } }', ['C.z']],
  ['{ find(b: "x") { n { __typename } } }', ['C.z']],
  ['{ find(a: "x") { n { __typename } } }', ['A.x', 'B.x', 'C.z']],
  ['query Q($a: String) { find(a: $a) { n { __typename } } }', ['A.x', 'B.x', 'C.z']],
  ['{ find(f: {x: "x"}) { n { __typename } } }', ['A.x', 'A.y', 'C.z']],
  ['{ find(f: {}) { n { __typename } } }', ['A.y', 'C.z']],
  ['{ find(f: null) { n { __typename } } }', ['C.z']],
  ['{ find(f: {y: "x", and: [{x: "x"}]}) { n { __typename } } }', ['A.x', 'A.y', 'C.z']],
  ['query Q($f: Filter) { find(f: $f) { n { __typename } } }', ['A.x', 'A.y', 'C.z']],
  ['query Q($f: Filter) { find(f: {and: [$f]}) { n { __typename } } }', ['A.x', 'A.y', 'C.z']],
  ['{ d { list { n { __typename } } } }', []],
  ['{ d { list(x: "x") { n { __typename } } } }', []],
  ['{ d { list(x: "x", other: "y") { n { __typename } } } }', ['C.z']],
])('arguments of %s', (document, expected) => {
  expect(reach(document)).toEqual(expected);
});

test.each([
  ['{ a { x } }', []],
  ['{ a { x x } node { x } }', []],
  ['{ a { x y: x } }', ['A.x']],
  ['{ a { y: x x } }', ['A.x']],
  ['{ a { y: x y: x } }', []],
  ['{ node { x ... on A { y } ... on B { z: x } } }', ['B.x']],
  ['{ a { x: x y sum } }', []],
  ['{ plain x: plain c { open x: open } }', []],
  ['{ a { sum x y: sum } }', ['A.sum']],
  ['{ find { x } }', ['C.z']],
  ['{ find(a: "x") { y } }', ['A.x', 'B.x', 'C.z']],
  ['{ d { list(x: "x") { x y: x } } }', []],
])('what one row may be asked for twice in %s', (document, expected) => {
  expect(names(plan(document).recurring).sort()).toEqual(expected);
});

test('conditions, once each, in one order, wherever they stand', () => {
  const conditions = (document: string) => plan(document).conditions;
  expect(conditions('{ plain }')).toEqual([]);
  expect(
    conditions(
      'query Q($b: Boolean!, $a: Boolean!) { plain @skip(if: $b) @include(if: $a) x: plain @include(if: $b) }',
    ),
  ).toEqual(['a', 'b']);
  expect(
    conditions(
      'query Q($b: Boolean!, $a: Boolean!) { ... @skip(if: $b) { ...F @include(if: $a) } } fragment F on Query { plain }',
    ),
  ).toEqual(['a', 'b']);
  expect(conditions('query Q($c: Boolean!) { a { ...F } } fragment F on A { n { x @skip(if: $c) } }')).toEqual(['c']);
  expect(conditions('query Q($c: Boolean!) { plain @note(if: $c) @skip(if: true) }')).toEqual([]);
  expect(conditions('query Q($a: String, $c: Boolean!) { find(a: $a) @include(if: $c) { x } }')).toEqual(['c']);
  expect(conditions('{ plain @skip a @include(unless: $c) { x } }')).toEqual([]);
});

test('the fields that are selected of each type', () => {
  const { selected } = plan('{ node { x ... on Named { y } } a { x sum __typename } plain }');
  expect(Object.fromEntries([...selected].map(([type, fields]) => [type, [...fields].sort()]))).toEqual({
    Query: ['a', 'node', 'plain'],
    A: ['sum', 'x', 'y'],
    B: ['x'],
    D: ['x'],
  });
});

test('the purpose that the operation states', () => {
  const purpose = (document: string) => plan(document).purpose;
  expect(purpose('{ plain }')).toBeUndefined();
  expect(purpose('query @purpose(is: LEGAL) { plain }')).toBe('LEGAL');
  expect(purpose('query @note(a: 1) @purpose(is: LEGAL) { plain }')).toBe('LEGAL');
  expect(purpose('query @note(is: SUPPORT) { plain }')).toBeUndefined();
  expect(purpose('query @purpose(because: SUPPORT, is: LEGAL) { plain }')).toBe('LEGAL');
  expect(purpose('query @purpose(is: legal) { plain }')).toBeUndefined();
  expect(purpose('query @purpose(is: "LEGAL") { plain }')).toBeUndefined();
  expect(purpose('query @purpose(is: $is) { plain }')).toBeUndefined();
  expect(purpose('query @purpose { plain }')).toBeUndefined();
  expect(purpose('query @purpose(because: LEGAL) { plain }')).toBeUndefined();
});

const unresolved = { code: 'OPERATION_RESOLUTION_FAILURE' };

test.each([
  ['fragment F on A { x }', undefined, 'Must provide an operation.', unresolved],
  ['fragment F on A { x }', 'F', 'Unknown operation name.', unresolved],
  [
    'query One { plain } query Two { plain }',
    undefined,
    'Must provide operation name if query contains multiple operations.',
    unresolved,
  ],
  [
    'query One { plain } query Two { plain }',
    '',
    'Must provide operation name if query contains multiple operations.',
    unresolved,
  ],
  ['query One { plain } { plain }', 'Three', 'Unknown operation name.', unresolved],
  ['{ plain }', 'One', 'Unknown operation name.', unresolved],
  ['mutation { plain }', undefined, 'The schema has no mutation type.', {}],
])('%s as %s: %s', (document, operationName, message, extensions) => {
  expect(() => plan(document, operationName)).toThrow(expect.objectContaining({ message, extensions }));
});

test('the operation that is named, or the only one', () => {
  const document = '{ plain } query Two { a { x } }';
  expect(plan(document, 'Two').operation.name?.value).toBe('Two');
  for (const name of [undefined, null, ''])
    expect(plan('query Only { plain }', name).operation.name?.value).toBe('Only');
});

test('pitfall 21: each selection set is visited once for the same types, however many paths lead to it', () => {
  let asked = 0;
  const counting: SchemaPolicy = {
    ...policy,
    coordinate: (type, field) => {
      asked++;
      return policy.coordinate(type, field);
    },
  };
  const levels = Array.from(
    { length: 14 },
    (_, i) => `fragment F${i} on Node { n { ...F${i + 1} } m: n { ...F${i + 1} } }`,
  ).join(' ');
  plan(`{ node { ...F0 } b: a { ...F0 } } ${levels} fragment F14 on Node { x }`, null, counting);
  expect(asked).toBeLessThan(1_000);
  asked = 0;
  plan(
    `{ u { ...F0 } named { ...F0 } } ${Array.from({ length: 14 }, (_, i) => `fragment F${i} on Named { ...F${i + 1} ... { ...F${i + 1} } }`).join(' ')} fragment F14 on Named { y }`,
    null,
    counting,
  );
  expect(asked).toBeLessThan(100);
});
