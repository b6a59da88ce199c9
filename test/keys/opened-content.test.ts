import fc from 'fast-check';
import { OpenedContent } from '../../src/keys/opened-content';

const names = ['email', 'phone', 'name', 'name2', 'ame'] as const;
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"', '\\', '"email":', '\\"email\\":"x"', '{', '}', 'null', ',', ':', '["', '\u2028', '\ud800'),
);
const values = fc.oneof(
  { weight: 5, arbitrary: texts },
  { weight: 1, arbitrary: fc.oneof(fc.constant(null), fc.integer(), fc.boolean(), fc.array(texts)) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...names), texts) },
);

test('a field of opened content is as its JSON says, and its text as JSON would write it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), values), (record) => {
      const content = new OpenedContent(JSON.stringify(record));
      for (const name of names) {
        const value = record[name] ?? null;
        const isText = value === null || typeof value === 'string';
        expect(content.textOf(name)).toBe(isText ? JSON.stringify(value) : undefined);
        expect(content.field(name) ?? null).toEqual(JSON.parse(JSON.stringify(value)));
      }
    }),
    { numRuns: 500 },
  );
});

test('content need not be an object', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(new OpenedContent(JSON.stringify(value)).value).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(new OpenedContent('"text"').textOf('email')).toBe('null');
});
