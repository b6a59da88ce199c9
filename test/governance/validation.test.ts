import fc from 'fast-check';
import {
  buildASTSchema,
  buildSchema,
  concatAST,
  type DocumentNode,
  type GraphQLSchema,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { governanceTypeDefs } from '../../src/governance/govern';
import { valueFreeRules } from '../../src/governance/literals';
import { validateDocument } from '../../src/governance/validation';
import { house } from './pitfall-schema';
import { randomDocument } from './random-document';
import { randomSchema, Tape } from './random-schema';

/** More by the environment, e.g. PROPERTY_RUNS=50000. */
const numRuns = Math.min(Number(process.env.PROPERTY_RUNS ?? 60), 2_000);
const seed = process.env.PROPERTY_SEED ? { seed: Number(process.env.PROPERTY_SEED) } : {};
const tape = (maxLength: number) => fc.array(fc.nat(9_999), { minLength: maxLength >> 1, maxLength, size: 'max' });
const governance = parse(governanceTypeDefs);

/** What makes a document invalid, by where in its text it may stand; `it` is what stands there. */
const faults: ReadonlyArray<readonly [where: RegExp, (it: string, numbers: Tape, words: readonly string[]) => string]> =
  [
    [/^\w+$/, (_, numbers, words) => numbers.pick([...words, 'nosuch'])],
    [/^\$\w+$/, (_, numbers) => numbers.pick(['$nosuch', '1', 'null', '[$nosuch, {a: 1}]'])],
    [/^"/, (_, numbers) => numbers.pick(['1', 'null', '[1, null]', '{ a: 1, a: $s0, nosuch: ENUM }', '$b0', 'ENUM'])],
    [/^\w+$/, (it, numbers) => `${it} ${numbers.pick(['@nosuch', '@skip(if: true) @skip(if: 1)', '@include'])}`],
    [/^\w+$/, (it) => `${it} (nosuch: 1, nosuch: "secret", a: $nosuch)`],
    [/^\w+$/, (it) => `${it} { nosuch }`],
    [/^\{$/, (it, numbers) => `${it} ${numbers.pick(selections)}`],
    [/^\}$/, (it, numbers) => `${it} ${numbers.pick(definitions)}`],
  ];
const selections = [
  '...NoFragment',
  '...F0',
  '... on NoType { x }',
  '... on String { x }',
  '__typename: nosuch',
  '__schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } }',
];
const definitions = [
  'query ($x: Query, $x: Int! = null) { __typename }',
  'query Op0 { __typename }',
  'subscription { a b }',
  'fragment F0 on Query { ...F0 }',
  'fragment Unused on String { __typename }',
  'fragment F1 on Query { ...F2 } fragment F2 on Query { ...F1 x: __typename }',
  'type T { a: Int @nosuch }',
];

function spoilt(text: string, numbers: Tape): string {
  const tokens = text.match(/\.\.\.|[$@]?\w+|"[^"]*"|\S/g) ?? [];
  const words = tokens.filter((token) => /^\w+$/.test(token));
  for (let times = 1 + numbers.below(3); times > 0; times--) {
    const [where, fault] = numbers.pick(faults);
    const places = [...tokens.keys()].filter((place) => where.test(tokens[place] ?? ''));
    if (places.length === 0) continue;
    const place = numbers.pick(places);
    tokens[place] = fault(tokens[place] ?? '', numbers, words);
  }
  return tokens.join(' ');
}

const parsed = (text: string): DocumentNode | undefined => {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
};

const told = (errors: ReturnType<typeof validateDocument>) =>
  errors.map(({ message, locations }) => [message, locations]);

function compare(schema: GraphQLSchema, document: DocumentNode): readonly (readonly [unknown, unknown])[] {
  for (const [rules, maxErrors] of [
    [specifiedRules, 100],
    [valueFreeRules, 20],
    [valueFreeRules, 1],
  ] as const) {
    const expected = told(validate(schema, document, rules, { maxErrors, hideSuggestions: true }) as never);
    expect(told(validateDocument(schema, document, rules, maxErrors))).toEqual(expected);
  }
  return told(validate(schema, document, specifiedRules, { hideSuggestions: true })) as never;
}

test(`validation finds what graphql's own finds, in its order and its words, in ${numRuns} random schemas`, () => {
  const seen = { documents: 0, sound: 0 };
  const kinds = new Set<string>();
  fc.assert(
    fc.property(tape(500), tape(300), tape(90), fc.boolean(), (forSchema, forDocument, forFaults, distinct) => {
      const random = randomSchema(new Tape(forSchema), true);
      const sdl = concatAST([governance, parse(random.sdl)]);
      const schema = buildASTSchema(sdl, { assumeValid: true, assumeValidSDL: true });
      const { text } = randomDocument(new Tape(forDocument), random, distinct);
      const numbers = new Tape(forFaults);
      for (const written of [text, ...Array.from({ length: 8 }, () => spoilt(text, numbers))]) {
        const document = parsed(written);
        if (!document) continue;
        const errors = compare(schema, document);
        seen.documents++;
        if (errors.length === 0) seen.sound++;
        for (const [message] of errors) kinds.add(String(message).replace(/"[^"]*"/g, '…'));
      }
    }),
    { numRuns, ...seed, endOnFailure: true },
  );
  process.stdout.write(`${JSON.stringify({ ...seen, kinds: kinds.size })}\n`);
  expect(seen.documents).toBeGreaterThan(2 * numRuns);
  expect(seen.sound).toBeGreaterThan(numRuns / 10);
  // The cases are worth their number only where they meet most rules.
  expect(kinds.size).toBeGreaterThan(20);
}, 600_000);

test('a validation that graphql gives up is given up with the same errors', () => {
  const schema = buildSchema('type Query { a(x: Int): Query b: String }');
  const spreads = Array.from({ length: 240 }, (_, n) => `...F${n}`).join(' ');
  const fragments = Array.from({ length: 240 }, (_, n) => `fragment F${n} on Query { a { ${spreads} } }`).join(' ');
  expect(compare(schema, parse(`{ ${spreads} } ${fragments}`)).at(-1)?.[0]).toBe('Validation aborted.');
});

test('a value that is nested deeper than the stack allows is too deep, not a failure', () => {
  const { governed } = house();
  const document = JSON.parse(JSON.stringify(parse('{ as(label: "x") { __typename } }', { noLocation: true })));
  let value: object = { kind: 'IntValue', value: '1' };
  for (let depth = 0; depth < 200_000; depth++) value = { kind: 'ListValue', values: [value] };
  document.definitions[0].selectionSet.selections[0].arguments[0].value = value;
  expect(governed.validate(document)).toMatchObject([{ extensions: { code: 'OPERATION_TOO_LARGE', limit: 'depth' } }]);
});
