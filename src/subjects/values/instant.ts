import { certainInstant } from './certain-instant';
import { formattedInstant } from './date-format';
import { isNothing, trimmed } from './nothing';
import { nothing, type Reading } from './reading';

/** Orders and customers are of these years; what lies outside is a mistake, or a program's word for nothing. */
const FIRST_YEAR = 1900;
const LAST_YEAR = 2199;

/**
 * Days that programs write when there is no date: SQL's zero date, the smallest and largest dates of .NET and SQL
 * Server, and the first day of spreadsheets.
 */
const noDays = new Set(['0001-01-01', '1753-01-01', '1899-12-30', '1899-12-31', '1900-01-01', '9999-12-31']);
const ZERO_DATE = /^0000[-/.]?00[-/.]?00(?:[T ][0:.]{1,18}Z?)?$/i;

/** The most characters of any moment that is written for a machine or a letter. */
const MAX_LENGTH = 100;

/**
 * A moment. Without a format only spellings that mean one moment are read: ISO 8601 and RFC 9557, SQL, RFC 2822, and
 * days with their month in letters. Without an offset it is UTC, wherever the import runs.
 *
 * @param format says how ambiguous spellings are meant: a name of `dateFormats` or tokens of Luxon, such as
 * `dd.MM.yyyy`; what does not fit it is read without it
 */
export function readInstant(text: string, format?: string): Reading<Date> {
  const value = trimmed(text);
  if (isNothing(value) || ZERO_DATE.test(value)) return nothing;
  if (value.length > MAX_LENGTH) return { reason: 'is not a date' };
  const formatted = format === undefined ? undefined : formattedInstant(value, format);
  return plausible(formatted ?? certainInstant(value));
}

function plausible(read: { readonly value: Date } | { readonly reason: string }): Reading<Date> {
  if ('reason' in read) return read;
  if (Number.isNaN(read.value.getTime())) return { reason: 'is a date that does not exist' };
  if (noDays.has(read.value.toISOString().slice(0, 10))) return nothing;
  const year = read.value.getUTCFullYear();
  return year < FIRST_YEAR || year > LAST_YEAR
    ? { reason: `lies outside the years ${FIRST_YEAR} to ${LAST_YEAR}` }
    : read;
}
