import { GraphQLError } from 'graphql';
import { house, improvement, security, support } from './pitfall-schema';

const { governed } = house();
const clear = { code: null, method: null };

test('each coordinate that the operation can reach, with what decides it', () => {
  expect(
    governed.explain({
      document: '{ us { ... on A { secret length } ... on C { hidden label } } }',
      access: improvement,
    }),
  ).toEqual([
    {
      coordinate: 'A.secret',
      outcome: 'DEIDENTIFIED',
      code: null,
      rule: '@deidentify(for: [IMPROVEMENT], by: PSEUDONYM) on A.secret',
      method: 'PSEUDONYM',
    },
    {
      coordinate: 'A.length',
      outcome: 'WITHHELD',
      code: 'PURPOSE_NOT_PERMITTED',
      rule: '@deidentify(for: [IMPROVEMENT], by: PSEUDONYM) on A.secret',
      method: null,
    },
    {
      coordinate: 'C.hidden',
      outcome: 'WITHHELD',
      code: 'PURPOSE_NOT_PERMITTED',
      rule: '@purposes(allow: [SUPPORT]) on C.hidden',
      method: null,
    },
    { coordinate: 'Query.us', outcome: 'CLEAR', rule: '@personalRows on Query.us', ...clear },
  ]);
  expect(governed.explain({ document: '{ a { length } }', access: support })).toEqual([
    { coordinate: 'A.secret', outcome: 'CLEAR', rule: '@purposes(allow: [SUPPORT]) on A.secret', ...clear },
    { coordinate: 'A.length', outcome: 'CLEAR', rule: '@derivedFrom on A.length', ...clear },
    { coordinate: 'Query.a', outcome: 'CLEAR', rule: '@personalRows on Query.a', ...clear },
  ]);
});

test('arguments and skipped fields are reached too', () => {
  const explain = (document: string) =>
    governed.explain({ document, access: security }).map(({ coordinate }) => coordinate);
  expect(explain('{ as(sort: LABEL) { label } }')).toEqual(['A.secret', 'Query.as']);
  expect(explain('query Q($f: AFilter) { count(filter: $f) { count } }')).toEqual(['A.secret', 'C.hidden']);
  expect(explain('{ count(filter: {hidden: "x"}) { count } }')).toEqual(['C.hidden']);
  expect(explain('{ a @skip(if: true) { secret } }')).toEqual(['A.secret', 'Query.a']);
  expect(explain('{ plain }')).toEqual([]);
});

test.each([
  ['UNAUTHENTICATED', { grantedPurposes: [] }],
  ['PURPOSE_REQUIRED', { ...security, purpose: undefined }],
  ['PURPOSE_NOT_GRANTED', { ...security, grantedPurposes: [] }],
])('an operation that is refused as a whole: %s', (code, access) => {
  expect(governed.explain({ document: '{ a { secret } }', access })).toMatchObject([
    { coordinate: 'A.secret', outcome: 'WITHHELD', code },
    { coordinate: 'Query.a', outcome: 'WITHHELD', code },
  ]);
});

test('the operation that is named', () => {
  const document = 'query One { plain } query Two { a { secret } }';
  expect(governed.explain({ document, operationName: 'One', access: security })).toEqual([]);
  expect(governed.explain({ document, operationName: 'Two', access: security })).toHaveLength(2);
});

test.each([
  '{ a { nothing } }',
  '{',
  'query One { plain } query Two { plain }',
  'query @purpose(is: SUPPORT) { a { secret } }',
])('throws on a wrong document or purpose: %s', (document) => {
  expect(() => governed.explain({ document, access: security })).toThrow(GraphQLError);
});
