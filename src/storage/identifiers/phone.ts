import type { Forms } from './forms';

type Library = typeof import('libphonenumber-js');
let library: Library | undefined;
let codes: readonly string[] | undefined;

/** Loaded with the first number: a start without one does not wait for its tables. */
function phones(): Library {
  library ??= require('libphonenumber-js') as Library;
  return library;
}

/** A number as it is spelt: its digits, a + before them, and its extension as in RFC 3966. */
interface Spelling {
  readonly digits: string;
  readonly isInternational: boolean;
  /** `;ext=12`: another line, another number. */
  readonly extension: string;
}

/** A number with its country. */
interface Number {
  readonly code: string;
  /** Without leading zeros: Italy keeps one that other countries drop, and people drop it. */
  readonly national: string;
  readonly extension: string;
}

/** How numbers begin at home where it is not by zero: calling code → prefix. */
const trunks: ReadonlyMap<string, string> = new Map([
  ['1', '1'],
  ['7', '8'],
  ['36', '6'],
  ['375', '80'],
  ['993', '8'],
]);

/**
 * A phone number's forms. With its country it is compared as in E.164, however it is spelt; without one it may be any
 * country's, and is compared with all of them.
 *
 * @param countries where a national spelling may be of; the first in which it is valid counts
 */
export function phoneForms(text: string, countries: readonly string[]): Forms | undefined {
  const spelling = spellingOf(text);
  if (spelling.digits === '') return undefined;
  const number = ofCountry(spelling, countries);
  if (number) return withCountry(number);
  return spelling.isInternational ? ofNoCountry(spelling) : withoutCountry(spelling);
}

function withCountry({ code, national, extension }: Number): Forms {
  const full = `+${code}${national}${extension}`;
  // Who wrote it without the country may have begun it as at home, or with the country's code and no sign before it.
  const alone = [national, `${trunks.get(code) ?? ''}${national}`, `${code}${national}`].map(
    (each) => each + extension,
  );
  return {
    stored: full,
    sought: [...new Set([full, ...alone])],
    kept: [full, anyCountry(national + extension)],
    // Formerly the digits as they were written stayed of an erased person.
    recognised: [...new Set([full, ...alone, `0${national}`, `+${code}0${national}`, `+${code}${national}`])],
  };
}

/** A calling code that no country has. */
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

/** What digits without a country may mean: a number, perhaps begun as at home or with a country's code. */
function readingsOf(digits: string): string[] {
  const readings = [withoutZeros(digits)];
  if (/^[18]\d{10}$/.test(digits)) readings.push(digits.slice(1));
  if (/^06\d{8,9}$/.test(digits)) readings.push(withoutZeros(digits.slice(2)));
  const international = digits.startsWith('0') ? undefined : parse(`+${digits}`);
  if (international?.isValid()) readings.push(withoutZeros(international.nationalNumber));
  return [...new Set(readings)];
}

/** The most digits of a number that people write, with all its prefixes; beyond it stands more than one number. */
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
  // No number begins at home by two zeros: it is how one dials abroad.
  if (digits.startsWith('00')) return numberOf(parse(`+${digits.slice(2)}${extension}`));
  for (const country of countries) {
    const number = parse(digits + extension, country);
    if (number?.isValid()) return numberOf(number);
  }
  // So one dials abroad from North America; elsewhere numbers begin so at home.
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
