import { isIP } from 'node:net';
import type { LosslessNumber } from 'lossless-json';
import { countryCode } from './country-names';

/** What a value of the file became, nothing at all, or why it is neither; the reason never repeats the value. */
type Read = { readonly value: string | number | Date } | { readonly nothing: true } | { readonly reason: string };

/** What tells the meaning of a text that has several. */
export interface How {
  /** How dates are written. */
  readonly format?: string | undefined;
  /** The person's country, ISO 3166-1 alpha-2. */
  readonly country?: string | undefined;
}

/** Reads a field's text, which is not empty, or the number that a program wrote. */
export type FieldType = (raw: string | LosslessNumber, how: How) => Read;

const onText =
  (read: (text: string, how: How) => Read): FieldType =>
  (raw, how) =>
    read((typeof raw === 'string' ? raw : raw.value).trim(), how);

const COUNT_MAX = 2 ** 31 - 1;
/** Amounts are kept in ten-thousandths; beyond this they would not be exact. */
const AMOUNT_MAX = Math.floor(Number.MAX_SAFE_INTEGER / 10_000);

const limited = (value: string, limit: number): Read =>
  value.length > limit ? { reason: `is longer than ${limit} characters` } : { value };

export const text = (limit: number): FieldType => onText((value) => limited(value, limit));

/** Digits that a spreadsheet or a program cut off are gone: two people may have the same rest. */
const CUT_OFF = /^[+-]?\d(?:[.,]\d+)?E\+\d+$/i;

export const id = (limit: number): FieldType =>
  onText((value) =>
    CUT_OFF.test(value)
      ? { reason: 'is a number that was shortened, so that digits are missing; export it as text' }
      : limited(value, limit),
  );

/** Letters of any script on both sides of the @ (RFC 6531, 6532), as people have them. */
const EMAIL =
  /^[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}@[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}.-]*[\p{L}\p{M}\p{N}])?$/u;

export const email = onText((value) =>
  EMAIL.test(value) && !value.includes('..') ? limited(value, 320) : { reason: 'is not an e-mail address' },
);

export const ipAddress = onText((value) =>
  isIP(value) === 0 ? { reason: 'is not an IPv4 or IPv6 address' } : { value },
);

export const country = onText((value) => {
  const code = countryCode(value);
  return code ? { value: code } : { reason: 'is not a country; write its ISO 3166-1 code or its English name' };
});

export const currency = onText((value) =>
  /^[A-Za-z]{3}$/.test(value)
    ? { value: value.toUpperCase() }
    : { reason: 'is not a currency; write its ISO 4217 code, such as EUR' },
);

export const amount = onText((value) => {
  if (!/^[+-]?\d+(?:\.\d+)?$/.test(value)) return { reason: 'is not a number; write it like 1234.56' };
  if (/\.\d{4}\d*[1-9]/.test(value)) return { reason: 'has more than 4 decimal places' };
  return Math.abs(Number(value)) > AMOUNT_MAX ? { reason: 'is too large' } : { value: Number(value) };
});

export const count = onText((value) => {
  if (!/^[+-]?\d+(?:\.0+)?$/.test(value)) return { reason: 'is not a whole number' };
  return Math.abs(Number(value)) > COUNT_MAX ? { reason: 'is too large' } : { value: Number(value) };
});

const ISO_8601 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|[+-]\d\d(?::?\d\d)?))?)?$/i;

/** A moment as ISO 8601 or SQL writes it. Without an offset it is UTC, wherever the import runs. */
export const instant = onText((value) => {
  const reason = 'is not a date; write it as ISO 8601, such as 2026-01-31T12:00:00Z';
  const match = ISO_8601.exec(value);
  if (!match) return { reason };
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', offset = 'Z'] = match;
  const clock = [hour, minute, second].map(Number) as [number, number, number];
  const millisecond = Number(fraction.padEnd(3, '0').slice(0, 3));
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), ...clock, millisecond));
  // Date.UTC carries the 30th of February over into March.
  if (!date.toISOString().startsWith(`${year}-${month}-${day}`) || clock[1] > 59 || clock[2] > 59) return { reason };
  return { value: new Date(date.getTime() - offsetMinutes(offset) * 60_000) };
});

function offsetMinutes(offset: string): number {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(offset) ?? [];
  if (hours === undefined) return 0;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
