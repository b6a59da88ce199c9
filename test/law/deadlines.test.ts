import { addMonths, addWorkingDays, dayOf, endOf, nextWorkingDay, requireDay, startOf } from '../../src/law/calendar';
import { type DeadlineName, deadlines, due } from '../../src/law/deadlines';

describe('pitfall 31: a month is a calendar month, clamped to its end (Reg. 1182/71 Art. 3(2)(c))', () => {
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

test.each<[DeadlineName, string, boolean, string]>([
  ['GDPR_REQUEST', '2026-01-31T23:59:00Z', false, '2026-02-28'],
  ['GDPR_REQUEST', '2026-01-31T23:59:00Z', true, '2026-04-30'],
  ['GDPR_REQUEST', '2026-11-23T00:00:00Z', false, '2026-12-23'],
  ['CCPA_RESPOND', '2026-11-23T10:00:00Z', false, '2027-01-07'],
  ['CCPA_RESPOND', '2026-11-23T10:00:00Z', true, '2027-02-21'],
  ['CCPA_CONFIRM', '2026-11-23T10:00:00Z', false, '2026-12-07'],
  ['CCPA_CONFIRM', '2026-11-21T10:00:00Z', false, '2026-12-04'],
  ['HIPAA_ACCOUNTING', '2026-11-23T10:00:00Z', false, '2027-01-22'],
  ['HIPAA_LOOK_BACK', '2028-02-29T10:00:00Z', false, '2034-02-28'],
  ['STATEMENT_DELETION', '2026-11-23T10:00:00Z', false, '2027-02-21'],
])('%s from %s, extended %p: the last day is %s', (name, from, extended, on) => {
  expect(due(name, Date.parse(from), { extended })).toMatchObject({ on, before: endOf(on) });
});

test('72 hours are hours (GDPR Art. 33(1))', () => {
  const from = Date.parse('2026-11-23T15:30:00Z');
  expect(due('GDPR_BREACH_AUTHORITY', from)).toEqual({
    on: '2026-11-26',
    before: Date.parse('2026-11-26T15:30:00Z'),
    article: 'GDPR Art. 33(1)',
  });
});

test('a time limit without an extension is not extended', () => {
  expect(() => due('CCPA_CONFIRM', 0, { extended: true })).toThrow('11 CCR § 7021(a) cannot be extended');
});

test('business days leave out weekends and the holidays that are named', () => {
  expect(addWorkingDays('2026-12-24', 1, new Set(['2026-12-25']))).toBe('2026-12-28');
  expect(due('CCPA_CONFIRM', startOf('2026-11-23'), { holidays: new Set(['2026-11-26']) }).on).toBe('2026-12-08');
  expect(nextWorkingDay('2026-11-28')).toBe('2026-11-30');
  expect(nextWorkingDay('2026-11-27')).toBe('2026-11-27');
});

test('a day that does not exist is no day', () => {
  for (const text of ['2026-02-29', '2026-13-01', '26-01-01', '', '2026-01-01T00:00:00Z'])
    expect(() => requireDay(text)).toThrow(RangeError);
  expect(dayOf(Number.NaN)).toBe('');
});

test('every time limit names its article and its source', () => {
  for (const { article, source, what } of Object.values(deadlines)) expect(article && source && what).toBeTruthy();
});
