import fc from 'fast-check';
import { canonical, Written } from '../../src/audit/log/canonical';
import { accessBody } from '../../src/audit/recording/access-entry';

const text = fc.string({ unit: 'binary', maxLength: 12 });
const plain = fc.stringMatching(/^[A-Za-z0-9_-]{0,43}$/);
const orNull = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
const outcome = fc.constantFrom('CLEAR', 'DEIDENTIFIED', 'WITHHELD');
const count = fc.nat();

const entries = fc.record({
  client: fc.option(fc.uuid(), { nil: undefined }),
  codes: fc.dictionary(text, count, { maxKeys: 3 }),
  coordinates: fc.dictionary(text, outcome, { maxKeys: 4 }),
  counts: fc.record({ CLEAR: count, DEIDENTIFIED: count, WITHHELD: count }),
  country: orNull(text),
  decision: orNull(plain),
  id: fc.uuid(),
  microseconds: count,
  operation: orNull(text),
  operationHash: orNull(plain),
  permissions: fc.array(text, { maxLength: 3 }),
  policyVersion: orNull(text),
  principal: orNull(plain),
  principalName: orNull(plain),
  purpose: orNull(text),
  result: fc.constantFrom('ANSWERED', 'PARTLY', 'REFUSED', 'REJECTED'),
  roles: fc.array(text, { maxLength: 3 }),
  rowsWithheld: fc.array(text, { maxLength: 3 }),
  subjects: fc.array(plain, { maxLength: 60 }),
  time: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  transferBases: fc.array(text, { maxLength: 3 }),
  transport: fc.constantFrom('http', 'websocket'),
});

test('what an access leaves is canonical, byte for byte', () => {
  fc.assert(
    fc.property(entries, fc.uuid(), count, (entry, log, sequence) => {
      const written = { coordinates: new Written(entry.coordinates), counts: new Written(entry.counts) };
      const { client = null, ...fields } = entry;
      const expected = canonical({ ...fields, client, kind: 'ACCESS', log, sequence, version: 1 });
      expect(accessBody({ ...entry, ...written })(log, sequence)).toBe(expected);
    }),
    { numRuns: 500 },
  );
});
