import { InvalidArgumentError } from 'commander';
import { DateTime } from 'luxon';

/** Reads a day, or a time with its offset. Commander turns what it throws into exit code 2. */
export function moment(text: string): Date {
  const read = DateTime.fromISO(text, { zone: 'utc' });
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || !read.isValid)
    throw new InvalidArgumentError('Write a day such as 2026-11-01, or a time such as 2026-11-01T08:00:00Z.');
  return read.toJSDate();
}
