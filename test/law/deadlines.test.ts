import { addMonths, dayOf, endOf, requireDay, startOf } from '../../src/law/calendar';
import { due, hipaaLookBack, statementDeletion } from '../../src/law/deadlines';
import { law } from '../../src/law/law';
import { regimeOf } from '../../src/law/transfer';

describe('a month is a calendar month, clamped to its end (Reg. 1182/71 Art. 3(2)(c); docs/pitfalls.md, 31)', () => {
  test.each([
    ['2026-01-30', 1, '2026-02-28'],
    ['2026-01-31', 1, '2026-02-28'],
    ['2028-01-31', 1, '2028-02-29'],
    ['2026-03-31', 1, '2026-04-30'],
    ['2026-08-31', 1, '2026-09-30'],
    ['2026-02-28', 1, '2026-03-28'],
    ['2026-11-23', 1, '2026-12-23'],
    ['2026-12-31', 1, '2027-01-31'],
    ['2026-12-31', 2, '2027-02-28'],
    ['2026-11-30', 3, '2027-02-28'],
    ['2028-02-29', 12, '2029-02-28'],
  ])('%s and %i months: %s', (from, months, end) => {
    expect(addMonths(from, months)).toBe(end);
  });
});

const asked = Date.parse('2026-11-23T10:00:00Z');

/** What a request of somebody of this country has. */
function deadlineOf(country: string, at: number) {
  const deadline = regimeOf(law, country, at)?.requestDeadline;
  if (!deadline) throw new Error(`no deadline for ${country}`);
  return deadline;
}

test.each([
  ['DE', '2026-01-31T23:59:00Z', false, '2026-02-28', 'GDPR Art. 12(3)'],
  ['NO', '2026-01-31T23:59:00Z', true, '2026-04-30', 'GDPR Art. 12(3)'],
  ['IE', '2026-11-23T00:00:00Z', false, '2026-12-23', 'GDPR Art. 12(3)'],
  ['GB', '2026-11-23T00:00:00Z', false, '2026-12-23', 'UK GDPR Art. 12(3)'],
  ['GB', '2020-12-31T00:00:00Z', false, '2021-01-31', 'GDPR Art. 12(3)'],
  ['CH', '2026-12-23T00:00:00Z', false, '2027-01-22', 'FADP Art. 25(7)'],
  ['US', '2026-11-23T10:00:00Z', false, '2027-01-07', '11 CCR § 7021(b)'],
  ['US', '2026-11-23T10:00:00Z', true, '2027-02-21', '11 CCR § 7021(b)'],
])(
  'a request of somebody of %s on %s, extended %p: the last day is %s (%s)',
  (country, from, extended, on, article) => {
    const at = Date.parse(from);
    expect(due(deadlineOf(country, at), at, extended)).toEqual({ on, before: endOf(on), article });
  },
);

test('every regime held here says by when a request must be answered', () => {
  for (const { territory } of law.regimes)
    for (const { country, from } of territory) expect(deadlineOf(country, startOf(from)).article).not.toBe('');
});

test('years and days are counted from the day after the event', () => {
  expect(due(hipaaLookBack, Date.parse('2028-02-29T10:00:00Z')).on).toBe('2034-02-28');
  expect(due(statementDeletion, asked).on).toBe('2027-02-21');
});

test('a time limit without an extension is not extended', () => {
  expect(() => due(deadlineOf('CH', asked), asked, true)).toThrow('FADP Art. 25(7) cannot be extended');
});

test('a day that does not exist is no day', () => {
  for (const text of ['2026-02-29', '2026-13-01', '26-01-01', '', '2026-01-01T00:00:00Z'])
    expect(() => requireDay(text)).toThrow(RangeError);
  expect(dayOf(Number.NaN)).toBe('');
});
