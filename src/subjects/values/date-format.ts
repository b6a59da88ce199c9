import { DateTime } from 'luxon';
import { DAY_MS } from '../../law/calendar';
import type { Found } from './certain-instant';

type Reader = (text: string) => Date | undefined;

const NUMERIC = /^(\d\d?)[/.-](\d\d?)[/.-](\d{4}|\d\d)(?:,? (\d\d?):(\d\d)(?::(\d\d))?(?: ?([AP])\.?M\.?)?)?$/i;

const calendar =
  (day: 1 | 2, month: 1 | 2): Reader =>
  (text) => {
    const parts = NUMERIC.exec(text);
    if (!parts) return undefined;
    const [, , , year = '', hour = '0', minute = '0', second = '0', half = ''] = parts;
    const clock = half === '' ? Number(hour) : (Number(hour) % 12) + (half.toUpperCase() === 'P' ? 12 : 0);
    if (half !== '' && (hour === '0' || Number(hour) > 12)) return new Date(Number.NaN);
    return DateTime.fromObject(
      {
        year: year.length === 2 ? century(Number(year)) : Number(year),
        month: Number(parts[month]),
        day: Number(parts[day]),
        hour: clock,
        minute: Number(minute),
        second: Number(second),
      },
      { zone: 'utc' },
    ).toJSDate();
  };

/** As Luxon reads "yy": to 60 it is this century's. */
const century = (year: number): number => (year > 60 ? 1900 : 2000) + year;

const number =
  (moment: (count: number) => number): Reader =>
  (text) =>
    /^-?\d{1,17}(?:[.]\d{1,12})?$/.test(text) ? new Date(moment(Number(text))) : undefined;

/** Day 0 of a spreadsheet's calendar. It has a 29th of February 1900, day 60: days up to there mean different dates. */
const SPREADSHEET_EPOCH = Date.UTC(1899, 11, 30);
const spreadsheetDay = (day: number): number => {
  if (day !== 0 && day < 61) return Number.NaN;
  return SPREADSHEET_EPOCH + Math.round(day * DAY_MS);
};

const named: ReadonlyMap<string, Reader> = new Map([
  ['US', calendar(2, 1)],
  ['EU', calendar(1, 2)],
  ['EPOCH_SECONDS', number((seconds) => Math.round(seconds * 1_000))],
  ['EPOCH_MILLIS', number(Math.round)],
  ['EXCEL', number(spreadsheetDay)],
]);

/** Names of formats: month first, day first, seconds or milliseconds since 1970, days of a spreadsheet. */
export const dateFormats: readonly string[] = [...named.keys()];

/** What is wrong with a format, in words that say what would be right; undefined where it can be used. */
export function faultOfDateFormat(format: string): string | undefined {
  if (named.has(format)) return undefined;
  const sample = DateTime.fromISO('2021-12-31T13:14:15Z', { zone: 'utc' });
  const back = DateTime.fromFormat(sample.toFormat(format), format, { zone: 'utc' });
  if (back.isValid && back.year === 2021 && back.month === 12) return undefined;
  return (
    `is not a date format; write ${dateFormats.join(', ')} or tokens of Luxon with a year and a month, ` +
    'such as dd.MM.yyyy'
  );
}

/** A moment in a format; undefined where the text has another shape. */
export function formattedInstant(text: string, format: string): Found | undefined {
  const reader = named.get(format);
  if (reader) {
    const date = reader(text);
    return date && { value: date };
  }
  const moment = DateTime.fromFormat(text, format, { zone: 'utc' });
  return moment.isValid ? { value: moment.toJSDate() } : undefined;
}
