import { isIP } from 'node:net';
import { LosslessNumber } from 'lossless-json';
import { readAmount } from '../values/amount';
import { readCountry } from '../values/country';
import { readEmail } from '../values/email';
import { readInstant } from '../values/instant';
import { isNothing } from '../values/nothing';
import { nothing, type Reading } from '../values/reading';
import { plainText, readText } from '../values/text';

/** How to read a text that has several meanings. */
export interface How {
  /** How dates are written: a name of `dateFormats`, or tokens of Luxon. */
  readonly format?: string | undefined;
  /** The sign before the decimals of an amount. */
  readonly decimal?: '.' | ',' | undefined;
}

/** Reads a field's text, which is not empty, or a number of a JSON file. A reason never repeats the value. */
export type FieldType = (raw: string | LosslessNumber, how: How) => Reading<string | number | Date>;

const COUNT_MAX = 2 ** 31 - 1;

const textOf = (raw: string | LosslessNumber): string => (typeof raw === 'string' ? raw : raw.value);
/** A short text without a spreadsheet's escapes. Undefined where it means that there is no value. */
function wordOf(raw: string | LosslessNumber): string | undefined {
  const word = plainText(textOf(raw).trim()).trim();
  return isNothing(word) ? undefined : word;
}

export const text =
  (limit: number): FieldType =>
  (raw) =>
    readText(textOf(raw), { limit });

/** A number that a spreadsheet shortened, so that digits are lost and two people may have the same rest. */
const CUT_OFF = /^[+-]?\d(?:[.,]\d+)?E\+\d+$/i;
const cutOff = { reason: 'is a number that was shortened, so that digits are missing; export it as text' };

export const digits =
  (limit: number): FieldType =>
  (raw) => {
    const read = readText(textOf(raw), { limit });
    return 'value' in read && CUT_OFF.test(read.value) ? cutOff : read;
  };

/** An id in the client's own system. */
export const externalId = digits(200);
/** A short text. */
export const words = text(1_000);

export const oneOf =
  (...values: readonly string[]): FieldType =>
  (raw) => {
    const word = wordOf(raw)?.toUpperCase();
    if (word === undefined) return nothing;
    return values.includes(word) ? { value: word } : { reason: `is none of ${values.join(', ')}` };
  };

export const email: FieldType = (raw) => readEmail(textOf(raw));

export const ipAddress: FieldType = (raw) => {
  const word = wordOf(raw);
  if (word === undefined) return nothing;
  return isIP(word) === 0 ? { reason: 'is not an IPv4 or IPv6 address' } : { value: word };
};

export const country: FieldType = (raw) => readCountry(plainText(textOf(raw).trim()));

export const currency: FieldType = (raw) => {
  const word = wordOf(raw);
  if (word === undefined) return nothing;
  return /^[A-Za-z]{3}$/.test(word)
    ? { value: word.toUpperCase() }
    : { reason: 'is not a currency; write its ISO 4217 code, such as EUR' };
};

export const amount: FieldType = (raw, { decimal }) =>
  readAmount(raw instanceof LosslessNumber ? Number(raw.value) : plainText(raw.trim()), decimal ? { decimal } : {});

export const count: FieldType = (raw, how) => {
  const read = amount(raw, how);
  if (!('value' in read)) return 'reason' in read ? { reason: 'is not a whole number' } : read;
  if (!Number.isInteger(read.value)) return { reason: 'is not a whole number' };
  return Math.abs(Number(read.value)) > COUNT_MAX ? { reason: 'is too large' } : read;
};

export const instant: FieldType = (raw, { format }) => readInstant(plainText(textOf(raw).trim()), format);
