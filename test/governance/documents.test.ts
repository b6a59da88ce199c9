import { buildSchema, print, visit } from 'graphql';
import { weightOf } from '../../src/governance/document-weight';
import { Documents } from '../../src/governance/documents';
import { LeastRecentlyUsed } from '../../src/governance/least-recently-used';
import { defaultLimits } from '../../src/governance/limits';
import { house, support } from './pitfall-schema';

const schema = buildSchema('type Query { a(x: [Int]): String }');

const found = (documents: Documents, text: string, keep: boolean) => {
  const result = documents.check(text, keep);
  if (!('document' in result)) throw new Error(`${text} is not valid`);
  return result.document;
};
const checked = (documents: Documents, text: string, keep: boolean) => found(documents, text, keep).node;

test('attack S6: a document is kept for an authenticated caller, without its text and its places', () => {
  const documents = new Documents(schema, defaultLimits);
  const kept = checked(documents, '{ a(x: [1]) }', true);
  expect(checked(documents, '{ a(x: [1]) }', true)).toBe(kept);
  expect(checked(documents, '{ a(x: [1]) }', false)).toBe(kept);
  visit(kept, { enter: (node) => expect(node.loc).toBeUndefined() });
  expect(print(kept)).toBe('{\n  a(x: [1])\n}');
});

test('attack S6: nothing is kept of what nobody was authenticated for', () => {
  const documents = new Documents(schema, defaultLimits);
  expect(checked(documents, '{ a }', false)).not.toBe(checked(documents, '{ a }', false));
  const { governed } = house();
  const of = (principal: string | undefined) => {
    const planned = governed.plan('{ plain }', null, { ...support, principal });
    return 'document' in planned ? planned.document : planned;
  };
  expect(of(undefined)).not.toBe(of(undefined));
  expect(of('p')).toBe(of('p'));
});

test('attack S6: a document of nobody’s may be of fewer tokens, and what was refused to nobody is not refused to all', () => {
  const documents = new Documents(schema, defaultLimits);
  const text = `{ a(x: [${'1 '.repeat(2_000)}]) }`;
  expect(documents.check(text, false)).toMatchObject({ errors: [{ extensions: { limit: 'tokens' } }] });
  expect(documents.check(text, true)).toHaveProperty('document');
});

test('attack S6: documents are kept by what they weigh: 16 MiB, however many that are', () => {
  const documents = new Documents(schema, defaultLimits);
  const text = (index: number) => `query Q${index} { a(x: [${'1 '.repeat(3_900)}]) }`;
  const first = checked(documents, text(0), true);
  const each = weightOf(text(0), found(documents, text(0), true));
  expect(each).toBeGreaterThan(7_800 * 60);
  const count = Math.ceil((16 * 1024 * 1024) / each);
  for (let index = 1; index < count - 1; index++) checked(documents, text(index), true);
  expect(checked(documents, text(0), true)).toBe(first);
  for (let index = count; index < 2 * count; index++) checked(documents, text(index), true);
  expect(checked(documents, text(0), true)).not.toBe(first);
});

test('attack S6: compiled forms count beforehand, as many as the conditions may ask for', () => {
  const weight = (text: string) => weightOf(text, found(new Documents(schema, defaultLimits), text, false));
  const one = weight('query Q($b: Boolean!) { a @skip(if: $b) }');
  const two = weight('query Q($b: Boolean!) { a @skip(if: $b) @include(if: $b) }');
  expect(two - one).toBeGreaterThan(2_000);
  const spread = (names: string) => weight(`{ ${names} } fragment F on Query { a b: a c: a d: a e: a }`);
  expect(spread('...F ...F ...F ...F') - spread('...F')).toBeGreaterThan(15 * 1_000);
});

test('a map by weight forgets what has gone unused longest, and keeps nothing that outweighs it', () => {
  const map = new LeastRecentlyUsed<string, number>(10, (_, weight) => weight);
  map.set('a', 4);
  map.set('b', 4);
  expect(map.get('a')).toBe(4);
  map.set('c', 4);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([4, undefined, 4]);
  expect(map.set('d', 11)).toBe(11);
  expect([map.get('d'), map.get('a')]).toEqual([undefined, 4]);
  map.set('a', 1);
  map.set('e', 5);
  expect([map.get('a'), map.get('c'), map.get('e')]).toEqual([1, 4, 5]);
});
