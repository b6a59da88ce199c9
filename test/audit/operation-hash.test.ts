import { parse } from 'graphql';
import { hashOfText, operationHash } from '../../src/audit/recording/operation-hash';

const query = (
  name: string,
) => `"""for ${name}""" query Find($ids: [ID!]! = ["${name}"], $near: Float = ${name.length}.5) @purpose(is: SUPPORT) {
  found: find(ids: $ids, name: "${name}", first: ${name.length}, tags: ["${name}", 1], at: {note: """${name}""", open: true}) {
    ...F @include(if: true) ... on Person { name }
  }
}
fragment F on Person { id }`;

test('an operation’s hash is the same for all literals, with places and without, and stays what entries hold', () => {
  const hash = 'YbnzjQCABG_FEt7N4lnHmt9aRGHC6YSYoFczSxigX38';
  expect(hashOfText(query('Ada'), 4_000)).toBe(hash);
  expect(hashOfText(query('Augusta'), 4_000)).toBe(hash);
  expect(operationHash(parse(query('Augusta')))).toBe(hash);
  expect(hashOfText(query('Ada').replace('SUPPORT', 'LEGAL'), 4_000)).not.toBe(hash);
  expect(hashOfText('{ nothing', 4_000)).toBeUndefined();
});
