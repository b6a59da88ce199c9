import { isNothing, trimmed } from './nothing';
import { nothing, type Reading } from './reading';

/** Amounts are kept in ten-thousandths; beyond this they would not be exact. */
const AMOUNT_MAX = Math.floor(Number.MAX_SAFE_INTEGER / 10_000);
const DECIMALS = 4;
const MAX_LENGTH = 60;

export interface AmountOptions {
  /** The sign before the decimals, where the file says so: 1,234 and 1.234 are read by it alone. */
  readonly decimal?: '.' | ',';
}

const NOT_A_NUMBER = { reason: 'is not a number; write it like 1234.56' };
const UNCERTAIN = {
  reason: 'has a separator that may be of thousands or of decimals; say which sign the decimals have, "." or ","',
};

/**
 * An amount in units of its currency, exact to four decimals. Currency signs, separators of thousands and exponents are
 * read where they can mean one amount only; what a program's arithmetic added behind the decimals is taken away.
 *
 * @param raw a number is what it is; a text may leave open what its separators mean
 */
export function readAmount(raw: string | number, { decimal }: AmountOptions = {}): Reading<number> {
  if (typeof raw === 'number') return exact(raw, String(raw));
  const text = trimmed(raw);
  if (isNothing(text)) return nothing;
  const parts = text.length > MAX_LENGTH ? undefined : partsOf(text);
  if (!parts) return NOT_A_NUMBER;
  if (/^\d+(?:\.\d+)?e[+-]?\d{1,3}$/i.test(parts.number)) return exact(parts.sign * Number(parts.number), parts.number);
  if (decimal === undefined && mayBeEither(parts.number)) return UNCERTAIN;
  const plain = plainNumber(parts.number, decimal ?? certainMark(parts.number));
  return plain === undefined ? NOT_A_NUMBER : exact(parts.sign * Number(plain), plain);
}

/** The number from its first digit to its last, and its sign; undefined where what stands around it is no currency. */
function partsOf(text: string): { number: string; sign: 1 | -1 } | undefined {
  const first = text.search(/\d/);
  if (first < 0) return undefined;
  let end = text.length;
  while (!/\d/.test(text[end - 1] ?? '')) end--;
  const start = /[.,]/.test(text[first - 1] ?? '') ? first - 1 : first;
  const before = text.slice(0, start).replaceAll('−', '-');
  // "5,-" is a price without cents.
  const after = text
    .slice(end)
    .replaceAll('−', '-')
    .replace(/^[.,]-?/, '');
  const around = before + after;
  const accounting = before.startsWith('(') && after.endsWith(')');
  const signs = around.replace(/[^+-]/g, '') + (accounting ? '-' : '');
  const currency = around.replace(accounting ? /[\s()+-]/g : /[\s+-]/g, '');
  if (signs.length > 1 || (currency !== '' && !isCurrency(currency))) return undefined;
  return { number: text.slice(start, end), sign: signs === '-' ? -1 : 1 };
}

/** How currencies without a sign of their own in Unicode are written. */
const customary = new Set(['kr', 'kr.', 'zł', 'Kč', 'Ft', 'lei', 'лв', 'руб', 'R', 'RM', 'Rp', 'Rs', 'S/', 'Fr', 'TL']);
let codes: ReadonlySet<string> | undefined;

function isCurrency(text: string): boolean {
  if (customary.has(text) || /^[A-Z]{0,3}\p{Sc}$/u.test(text)) return true;
  codes ??= new Set(Intl.supportedValuesOf('currency'));
  return codes.has(text.toUpperCase());
}

/** "1,234", "1.234": thousands here, decimals there. */
const mayBeEither = (number: string): boolean => /^[1-9]\d{0,2}[.,]\d{3}$/.test(number);

/** The sign before the decimals: the last of two different ones, or the only one there is. */
function certainMark(number: string): string | undefined {
  const marks = [...number].filter((sign) => sign === '.' || sign === ',');
  const last = marks.at(-1);
  return marks.filter((mark) => mark === last).length === 1 ? last : undefined;
}

/** The number as a program writes it; undefined where its groups are none. */
function plainNumber(number: string, mark: string | undefined): string | undefined {
  const at = mark === undefined ? -1 : number.lastIndexOf(mark);
  const [whole, fraction] = at < 0 ? [number, ''] : [number.slice(0, at), number.slice(at + 1)];
  const digits = ungrouped(whole, mark);
  return digits === undefined || !/^\d*$/.test(fraction) ? undefined : `${digits}.${fraction || '0'}`;
}

/** Without separators of thousands: one sign throughout, between groups of three, or of two before them as in India. */
function ungrouped(whole: string, mark: string | undefined): string | undefined {
  const separators = new Set(whole.replace(/\d/g, ''));
  if (separators.size === 0) return whole || '0';
  const [separator = ''] = separators;
  if (separators.size > 1 || separator === mark || !/[,.'’\s]/.test(separator)) return undefined;
  const groups = whole.split(separator);
  const lengths = groups.map((group) => group.length);
  const [head = 0, ...rest] = lengths;
  const last = rest.at(-1);
  const isGrouped = head > 0 && head <= 3 && rest.every((length) => length === 3);
  const isIndian = separator === ',' && head > 0 && head <= 2 && last === 3 && rest.slice(0, -1).every((n) => n === 2);
  return isGrouped || isIndian ? groups.join('') : undefined;
}

function exact(value: number, text: string): Reading<number> {
  if (!Number.isFinite(value)) return NOT_A_NUMBER;
  if (Math.abs(value) > AMOUNT_MAX) return { reason: 'is too large' };
  const rounded = Number(value.toFixed(DECIMALS));
  if (rounded !== value && !isArtefact(value, rounded, text)) return { reason: 'has more than 4 decimal places' };
  return { value: rounded === 0 ? 0 : rounded };
}

/**
 * Whether the difference is what a program's arithmetic left: the last digits of a double (0.30000000000000004), or a
 * number that was kept in 32 bits (19.989999771118164).
 */
function isArtefact(value: number, rounded: number, text: string): boolean {
  const significant = text.replace(/\D/g, '').replace(/^0+/, '');
  if (significant.length < 15) return false;
  return Math.abs(value - rounded) <= 1e-12 * Math.max(1, Math.abs(value)) || Math.fround(rounded) === value;
}
