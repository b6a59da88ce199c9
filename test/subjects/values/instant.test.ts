import { faultOfDateFormat } from '../../../src/subjects/values/date-format';
import { readInstant } from '../../../src/subjects/values/instant';

const iso = (text: string, format?: string) => {
  const read = readInstant(text, format);
  return 'value' in read ? read.value.toISOString() : 'nothing' in read ? 'nothing' : read.reason;
};

const DAY = '2021-03-04T00:00:00.000Z';
const MOMENT = '2021-03-04T10:11:12.000Z';

it('case dates: what means one moment is read', () => {
  const moments: Record<string, string> = {
    '2021-03-04 10:11:12 UTC': MOMENT,
    '2021-03-04 10:11:12 -0500': '2021-03-04T15:11:12.000Z',
    '2021-03-04T10:11:12.000+0000': MOMENT,
    '2021-03-04 10:11 PM': '2021-03-04T22:11:00.000Z',
    'Mar 4, 2021': DAY,
    'Thu, 04 Mar 2021 10:11:12 GMT': MOMENT,
    '20210304': DAY,
    '2021-03-04T10:11:12.123456Z': '2021-03-04T10:11:12.123Z',
    '2021-03-04T10:11:12.1234567+00:00': '2021-03-04T10:11:12.123Z',
    '2021-03-04 24:00:00': '2021-03-05T00:00:00.000Z',
    '2021-W09-4': DAY,
    '2021-03-04T10:11:12[Europe/Paris]': '2021-03-04T09:11:12.000Z',
    '2021/03/04': DAY,
    '4-Mar-2021': DAY,
    '2021-03-04t10:11:12z': MOMENT,
    '2021-03-04T10:11:60Z': '2021-03-04T10:12:00.000Z',
    '2021-03-04 10:11:12+00': MOMENT,
    '2021-03-04T10:11:12.123456789Z': '2021-03-04T10:11:12.123Z',
    '2021-03-04T10:11:12+05:30': '2021-03-04T04:41:12.000Z',
    '2021-03-04T10:11:12+01:00[Europe/Paris]': '2021-03-04T09:11:12.000Z',
    '2021-03-04T10:11:12Z[Europe/Paris][u-ca=gregory]': MOMENT,
    'Thu, 4 Mar 2021 10:11:12 -0800 (PST)': '2021-03-04T18:11:12.000Z',
    'Thu, 4 Mar 2021 10:11:12 EST': '2021-03-04T15:11:12.000Z',
    'Thu Mar 04 2021 10:11:12 GMT+0100 (Central European Standard Time)': '2021-03-04T09:11:12.000Z',
    'Thu Mar  4 10:11:12 2021': MOMENT,
    'March 4, 2021 at 10:11 AM': '2021-03-04T10:11:00.000Z',
    '4 March 2021': DAY,
    '20210304T101112Z': MOMENT,
    '2016-12-31T23:59:60Z': '2017-01-01T00:00:00.000Z',
    '\u00a02021-03-04 ': DAY,
    '1970-01-01': '1970-01-01T00:00:00.000Z',
  };
  expect(Object.fromEntries(Object.keys(moments).map((text) => [text, iso(text)]))).toEqual(moments);
});

it('case dates: a program’s word for nothing is nothing', () => {
  const none = ['0000-00-00 00:00:00', '0000-00-00', '9999-12-31', '9999-12-31T23:59:59Z', '1753-01-01', '0001-01-01'];
  for (const text of [...none, '1899-12-30', 'NULL', 'N/A', '#N/A', '-', '']) {
    expect([text, iso(text)]).toEqual([text, 'nothing']);
  }
  expect(iso('12/30/1899', 'US')).toBe('nothing');
  expect(iso('0', 'EXCEL')).toBe('nothing');
});

it('case dates: what may mean several moments is refused, and the option that says which is named', () => {
  const uncertain = ['04/03/2021', '03/04/2021 10:11', '3/4/21', '1614852672', '1614852672000', '2021-03', '44259'];
  for (const text of [...uncertain, '12/30/1899', '04.03.2021', '04-03-2021', '44259.5']) {
    expect([text, iso(text)]).toEqual([text, expect.stringContaining('--date-format')]);
  }
});

it('case dates: what does not exist is refused, and repeated nowhere', () => {
  const impossible = [
    '1900-01-00',
    '2021-03-04T10:11:12+99:99',
    '0500-01-01',
    '2021-02-30',
    '2021-13-01',
    '2021-W54-1',
  ];
  const more = ['2021-03-04 25:00:00', '2021-03-04 24:00:01', '2021-03-04T10:60:00', '30 February 2021', '2021-02-29'];
  const others = ['2021-03-04T10:11:12[Mars/Olympus]', '2021-03-28T02:30:00[Europe/Paris]', '2021-03-04 13:00 AM'];
  const words = [
    'yesterday',
    'Q1 2021',
    '2021-03-04 10:11:12 CST',
    'Foo, 4 Mar 2021',
    '4 Foo 2021',
    '2021-03-04T10:11:12+02:00[Europe/Paris]',
    '3021-01-01',
    'x'.repeat(9_999),
  ];
  for (const text of [...impossible, ...more, ...others, ...words]) {
    const read = readInstant(text);
    expect([text, read]).toEqual([text, { reason: expect.any(String) }]);
    expect(JSON.stringify(read)).not.toContain(text);
  }
});

it('reads ambiguous spellings in the format that is said', () => {
  expect(iso('04/03/2021', 'US')).toBe('2021-04-03T00:00:00.000Z');
  expect(iso('04/03/2021', 'EU')).toBe(DAY);
  expect(iso('3/4/21', 'US')).toBe(DAY);
  expect(iso('03/04/2021 10:11', 'US')).toBe('2021-03-04T10:11:00.000Z');
  expect(iso('3/4/2021 10:11:12 PM', 'US')).toBe('2021-03-04T22:11:12.000Z');
  expect(iso('04.03.2021', 'EU')).toBe(DAY);
  expect(iso('04.03.2021', 'dd.MM.yyyy')).toBe(DAY);
  expect(iso('2021-03', 'yyyy-MM')).toBe('2021-03-01T00:00:00.000Z');
  expect(iso('1614852672', 'EPOCH_SECONDS')).toBe('2021-03-04T10:11:12.000Z');
  expect(iso('1614852672000', 'EPOCH_MILLIS')).toBe('2021-03-04T10:11:12.000Z');
  expect(iso('44259', 'EXCEL')).toBe(DAY);
  expect(iso('44259.5', 'EXCEL')).toBe('2021-03-04T12:00:00.000Z');
});

it('reads what means one moment whatever the format, and refuses what the format makes impossible', () => {
  expect(iso('2021-03-04T10:11:12Z', 'US')).toBe(MOMENT);
  expect(iso('13/04/2021', 'US')).toContain('does not exist');
  expect(iso('60', 'EXCEL')).toContain('does not exist');
  expect(iso('99999999999999', 'EPOCH_SECONDS')).toContain('does not exist');
  expect(iso('1614852672', 'EPOCH_MILLIS')).toBe('1970-01-19T16:34:12.672Z');
});

it('says what is wrong with a format', () => {
  for (const format of ['US', 'EU', 'EPOCH_SECONDS', 'EXCEL', 'dd.MM.yyyy', 'yyyy-MM', 'M/d/yy h:mm a']) {
    expect([format, faultOfDateFormat(format)]).toEqual([format, undefined]);
  }
  for (const format of ['', 'banana', 'HH:mm', 'constructor', 'yyyy']) {
    expect([format, faultOfDateFormat(format)]).toEqual([format, expect.stringContaining('EPOCH_SECONDS')]);
  }
});
