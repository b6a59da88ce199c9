import type { Forms } from './forms';

type Library = typeof import('libphonenumber-js');
let library: Library | undefined;
let codes: readonly string[] | undefined;
let plain: ReadonlySet<string> | undefined;

/** Loaded with the first number, so that start-up does not wait for its tables. */
function phones(): Library {
  library ??= require('libphonenumber-js') as Library;
  return library;
}

/** A number as written: its digits, a + before them, and its extension (RFC 3966). */
interface Spelling {
  readonly digits: string;
  readonly isInternational: boolean;
  /** `;ext=12`. Another extension is another number. */
  readonly extension: string;
}

/** A number with its country code. */
interface Number {
  readonly code: string;
  /** Without leading zeros. Italy keeps a zero that other countries drop, and people drop it there too. */
  readonly national: string;
  readonly extension: string;
}

const FEWEST_DIGITS = 4;
/** ITU-T E.164 allows fifteen digits with the country code. Some countries use more. */
const MOST_NATIONAL = 14;

/** National prefixes other than zero: calling code → prefix. */
const trunks: ReadonlyMap<string, string> = new Map([
  ['1', '1'],
  ['7', '8'],
  ['36', '6'],
  ['375', '80'],
  ['993', '8'],
]);

/**
 * The forms of a phone number. With its country it is compared as in E.164, however it is written. Without one it may
 * belong to any country, and is compared with all of them.
 *
 * @param countries possible countries of a national spelling; the first in which it is valid counts
 */
export function phoneForms(text: string, countries: readonly string[]): Forms | undefined {
  const plainly = plainNumber(text);
  if (plainly) return withCountry(plainly);
  const spelling = spellingOf(text);
  if (spelling.digits === '') return undefined;
  const number = ofCountry(spelling, countries);
  if (number) return withCountry(number);
  if (spelling.isInternational) return ofNoCountry(spelling);
  const { digits } = spelling;
  return digits.startsWith('00') ? ofNoCountry({ ...spelling, digits: digits.slice(2) }) : withoutCountry(spelling);
}

/** Computes the other forms on demand: mostly only the stored form is needed. */
function withCountry({ code, national, extension }: Number): Forms {
  const full = `+${code}${national}${extension}`;
  // Without a country, it may begin with a national prefix, or with a country code without +.
  const alone = () =>
    [national, `${trunks.get(code) ?? ''}${national}`, `${code}${national}`].map((each) => each + extension);
  return {
    stored: full,
    get sought() {
      return [...new Set([full, ...alone()])];
    },
    get kept() {
      return [full, anyCountry(national + extension)];
    },
    // Older tombstones have the digits as they were written.
    get recognised() {
      return [...new Set([full, ...alone(), `0${national}`, `+${code}0${national}`, `+${code}${national}`])];
    },
  };
}

/** The usual spelling: a + and groups of digits, without an extension or a second number. */
const PLAIN = /^\+[1-9][\d .()-]{6,30}$/;

/**
 * Parses a number like the library, at a tenth of the cost: imports bring millions. Only for countries that drop
 * nothing but a leading zero; undefined for every uncertain case.
 */
export function plainNumber(text: string): Number | undefined {
  if (!PLAIN.test(text)) return undefined;
  const digits = text.replace(/\D/g, '');
  const code = [1, 2, 3].map((length) => digits.slice(0, length)).find((start) => plainCodes().has(start));
  if (code === undefined) return undefined;
  const national = digits.slice(code.length);
  const isCertain = !national.startsWith('0') && national.length >= FEWEST_DIGITS && national.length <= MOST_NATIONAL;
  return isCertain ? { code, national, extension: '' } : undefined;
}

/** Calling codes for which the library drops no prefix from a number, except perhaps a zero. */
function plainCodes(): ReadonlySet<string> {
  if (plain) return plain;
  const metadata = new (phones().Metadata)() as unknown as NumberingPlans;
  plain = new Set(
    callingCodes().filter((code) => {
      metadata.selectNumberingPlan(code);
      return ['0', undefined].includes(metadata.numberingPlan.nationalPrefixForParsing());
    }),
  );
  return plain;
}

/** Missing in the library's types. */
interface NumberingPlans {
  readonly numberingPlan: { nationalPrefixForParsing(): string | undefined };
  selectNumberingPlan(callingCode: string): void;
}

/** A calling code of no country. */
function ofNoCountry({ digits, extension }: Spelling): Forms {
  const full = `+${digits}${extension}`;
  const all = [full, digits + extension];
  return { stored: full, sought: all, kept: [full], recognised: all };
}

function withoutCountry({ digits, extension }: Spelling): Forms {
  const readings = readingsOf(digits).map((each) => each + extension);
  const [stored = digits] = readings;
  const international = `+${digits}${extension}`;
  return {
    stored,
    sought: [...readings, ...readings.flatMap(withEveryCode), international],
    kept: readings,
    recognised: [...readings, ...readings.map(anyCountry), international, digits],
  };
}

const withEveryCode = (national: string): string[] =>
  callingCodes().flatMap((code) => [`+${code}${national}`, `${code}${national}`]);

const anyCountry = (national: string): string => `*${national}`;
const withoutZeros = (digits: string): string => digits.replace(/^0+(?=\d)/, '');

/** What digits without a country may mean: a number, perhaps with a national prefix or a country code. */
function readingsOf(digits: string): string[] {
  const readings = [withoutZeros(digits)];
  if (/^[18]\d{10}$/.test(digits)) readings.push(digits.slice(1));
  if (/^06\d{8,9}$/.test(digits)) readings.push(withoutZeros(digits.slice(2)));
  const international = digits.startsWith('0') ? undefined : parse(`+${digits}`);
  if (international?.isValid()) readings.push(withoutZeros(international.nationalNumber));
  return [...new Set(readings)];
}

/** The most digits that people write for one number, with all prefixes. A longer text has more than one number. */
const MOST_DIGITS = 18;
const EXTENSION = /(?:;ext=|ext(?:ension|n)?\.?|x|#|durchwahl)[ :]{0,2}(\d{1,7})$/i;

function spellingOf(text: string): Spelling {
  const whole = text.normalize('NFKC').trim();
  const written = whole.replace(/\D/g, '').length > MOST_DIGITS ? firstNumber(whole) : whole;
  const extension = EXTENSION.exec(written.slice(-30))?.[1] ?? '';
  const digits = written.replace(/\D/g, '');
  return {
    digits: digits.slice(0, digits.length - extension.length),
    isInternational: /^[^\d+]{0,100}\+/.test(written),
    extension: extension === '' ? '' : `;ext=${extension}`,
  };
}

function firstNumber(text: string): string {
  return text.split(/[/;,|\n]/).find((part) => part.replace(/\D/g, '').length > 4) ?? text;
}

function ofCountry(spelling: Spelling, countries: readonly string[]): Number | undefined {
  const { digits, extension, isInternational } = spelling;
  if (isInternational) return numberOf(parse(`+${digits}${extension}`));
  // No national number begins with two zeros: they dial abroad.
  if (digits.startsWith('00')) return numberOf(parse(`+${digits.slice(2)}${extension}`));
  for (const country of countries) {
    const number = parse(digits + extension, country);
    if (number?.isValid()) return numberOf(number);
  }
  // This dials abroad from North America. Elsewhere national numbers begin like this.
  const abroad = digits.startsWith('011') ? parse(`+${digits.slice(3)}${extension}`) : undefined;
  return abroad?.isValid() ? numberOf(abroad) : undefined;
}

function parse(text: string, country?: string) {
  const { isSupportedCountry, parsePhoneNumberFromString } = phones();
  if (country === undefined) return parsePhoneNumberFromString(text);
  return isSupportedCountry(country) ? parsePhoneNumberFromString(text, country) : undefined;
}

function numberOf(parsed: ReturnType<typeof parse>): Number | undefined {
  if (!parsed) return undefined;
  const { countryCallingCode, nationalNumber, ext } = parsed;
  const extension = ext ? `;ext=${ext}` : '';
  return { code: countryCallingCode, national: withoutZeros(nationalNumber), extension };
}

function callingCodes(): readonly string[] {
  const { getCountries, getCountryCallingCode } = phones();
  codes ??= [...new Set(getCountries().map((country) => getCountryCallingCode(country)))];
  return codes;
}
