import fc from 'fast-check';
import { canonical, Written } from '../../src/audit/log/canonical';
import { accessTemplate } from '../../src/audit/recording/access-entry';

const text = fc.string({ unit: 'binary', maxLength: 12 });
const plain = fc.stringMatching(/^[A-Za-z0-9_-]{0,43}$/);
const orNull = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
const outcome = fc.constantFrom('CLEAR', 'DEIDENTIFIED', 'WITHHELD');
const count = fc.nat();

const shared = fc.record({
  client: fc.option(fc.uuid(), { nil: undefined }),
  coordinates: fc.dictionary(text, outcome, { maxKeys: 4 }),
  counts: fc.record({ CLEAR: count, DEIDENTIFIED: count, WITHHELD: count }),
  country: orNull(text),
  decision: orNull(plain),
  operation: orNull(text),
  operationHash: orNull(plain),
  permissions: fc.array(text, { maxLength: 3 }),
  policyVersion: orNull(text),
  principal: orNull(plain),
  principalName: orNull(plain),
  purpose: orNull(text),
  roles: fc.array(text, { maxLength: 3 }),
  transport: fc.constantFrom('http', 'websocket'),
});

const one = fc.record({
  codes: fc.array(fc.tuple(text, count), { maxLength: 3 }).map((codes) => new Map(codes)),
  id: fc.uuid(),
  microseconds: count,
  result: fc.constantFrom('ANSWERED', 'PARTLY', 'REFUSED', 'REJECTED'),
  rowsWithheld: fc.array(text, { maxLength: 3 }),
  subjects: fc.array(plain, { maxLength: 60 }),
  time: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  transferBases: fc.array(text, { maxLength: 3 }),
});

test('what accesses leave is canonical, byte for byte, however many share a template', () => {
  fc.assert(
    fc.property(
      shared,
      fc.array(one, { minLength: 1, maxLength: 3 }),
      fc.uuid(),
      count,
      (same, several, log, first) => {
        const written = { coordinates: new Written(same.coordinates), counts: new Written(same.counts) };
        const template = accessTemplate({ ...same, ...written });
        const { client = null, ...fields } = same;
        for (const [index, { codes, ...own }] of several.entries()) {
          const place = { log, sequence: first + index };
          const entry = { ...fields, ...own, ...place, client, codes: Object.fromEntries(codes) };
          const expected = canonical({ ...entry, kind: 'ACCESS', version: 1 });
          expect(template({ codes, ...own })(place.log, place.sequence)).toBe(expected);
        }
      },
    ),
    { numRuns: 500 },
  );
});
