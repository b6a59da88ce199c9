import countries from 'i18n-iso-countries/index';
import { LRUCache } from 'lru-cache';
import { abbreviations, englishNames, exactSpellings, severalCountries } from './country-aliases';
import { isNothing } from './nothing';
import { nothing, type Reading } from './reading';

type Names = ReadonlyMap<string, string>;
const SEVERAL = '';

/** A file names few countries many times. */
const known = new LRUCache<string, { readonly code: string | undefined }>({ max: 1_000 });

/**
 * The ISO 3166-1 alpha-2 code of a country, by its code in either length, its English name as ISO, CLDR, shops and CRMs
 * write it, a common abbreviation, or its name in another language of `Intl` where that means one country only.
 */
export function readCountry(text: string): Reading<string> {
  const trimmed = text.trim();
  // NA is Namibia.
  if (!/^na$/i.test(trimmed) && isNothing(trimmed)) return nothing;
  const code = countryCode(trimmed);
  if (code === undefined) return { reason: 'is not a country; write its ISO 3166-1 code, such as DE, or its name' };
  return code === SEVERAL
    ? { reason: 'means more than one country; write its ISO 3166-1 code, such as DE' }
    : { value: code };
}

function countryCode(text: string): string | undefined {
  if (text.length > 100) return undefined;
  const found = known.get(text) ?? { code: search(text) };
  known.set(text, found);
  return found.code;
}

function search(text: string): string | undefined {
  const letters = text.replaceAll('.', '').toUpperCase();
  const byCode = /^[A-Z]{2,4}$/.test(letters) ? codeOf(letters) : undefined;
  return byCode ?? exactSpellings.get(text.toLowerCase()) ?? byEnglishName(text) ?? namesElsewhere().get(folded(text));
}

function codeOf(letters: string): string | undefined {
  if (letters.length === 2 && countries.isValid(letters)) return letters;
  return (letters.length === 3 ? countries.alpha3ToAlpha2(letters) : undefined) ?? abbreviations.get(letters);
}

function byEnglishName(text: string): string | undefined {
  const words = wordsOf(text);
  const names = namesInEnglish();
  return names.get(keyOf(words)) ?? names.get(keyOf(words.filter((word) => !formsOfState.has(word))));
}

const unspoken = new Set(['the', 'of', 'and']);
const abbreviated: ReadonlyMap<string, string> = new Map(
  Object.entries({
    dem: 'democratic',
    is: 'islands',
    isl: 'islands',
    island: 'islands',
    rep: 'republic',
    st: 'saint',
  }),
);
/** "Republic of Kenya" is Kenya. Where the form tells two countries apart, the whole name is in the table. */
const formsOfState = new Set([
  ...['arab', 'bolivarian', 'commonwealth', 'democratic', 'duchy', 'federal', 'federated', 'federation', 'federative'],
  ...['grand', 'independent', 'islamic', 'kingdom', 'oriental', 'peoples', 'plurinational', 'principality'],
  ...['republic', 'socialist', 'state', 'states', 'sultanate', 'union', 'united'],
]);

const folded = (text: string): string =>
  text
    .normalize('NFKD')
    // Marks of Latin, Greek and Cyrillic letters; in other scripts a mark is a vowel, and tells Togo from Tonga.
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/[.'’ʼ‘`]/g, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();

const wordsOf = (text: string): string[] =>
  folded(text.replaceAll('&', ' and '))
    .split(' ')
    .filter((word) => !unspoken.has(word))
    .map((word) => abbreviated.get(word) ?? word);

/** Lists put the words of a name in different orders: "Korea (the Republic of)", "Virgin Islands, British". */
const keyOf = (words: readonly string[]): string => [...words].sort().join(' ');

const inEnglish = (name: string): string => keyOf(wordsOf(name));

let english: Names | undefined;
let elsewhere: Names | undefined;

/** Made when the first name is asked for: nothing else pays for it. */
function namesInEnglish(): Names {
  english ??= unambiguous(englishSpellings(), inEnglish, [
    ...Object.entries(englishNames).map(([name, code]) => [inEnglish(name), code] as const),
    ...severalCountries.map((name) => [inEnglish(name), SEVERAL] as const),
  ]);
  return english;
}

/** Names in the languages other than English; made when a name is asked for that is not English. */
function namesElsewhere(): Names {
  elsewhere ??= unambiguous(spellingsElsewhere(), folded, []);
  return elsewhere;
}

/** @param certain what holds whatever else is found */
function unambiguous(
  spellings: Iterable<readonly [name: string, code: string]>,
  fold: (name: string) => string,
  certain: ReadonlyArray<readonly [key: string, code: string]>,
): Names {
  const names = new Map<string, string>();
  for (const [name, code] of spellings) {
    const key = fold(name);
    names.set(key, (names.get(key) ?? code) === code ? code : SEVERAL);
  }
  names.delete('');
  for (const [key, code] of certain) names.set(key, code);
  return names;
}

function* englishSpellings(): Generator<[string, string]> {
  yield* displayNames('en');
  yield* listedNames('en');
}

/** The library loads the names in all languages at once, unless asked for its index and for one language. */
function* listedNames(language: string): Generator<[string, string]> {
  countries.registerLocale(require(`i18n-iso-countries/langs/${language}.json`));
  for (const [code, names] of Object.entries(countries.getNames(language, { select: 'all' }))) {
    for (const name of names) yield [name, code];
  }
}

function* spellingsElsewhere(): Generator<[string, string]> {
  for (const language of languages()) yield* displayNames(language);
  for (const language of countries.getSupportedLanguages()) yield* listedNames(language);
}

function* displayNames(language: string): Generator<[string, string]> {
  for (const style of ['long', 'short'] as const) {
    const names = new Intl.DisplayNames([language], { type: 'region', style, fallback: 'none' });
    for (const code of Object.keys(countries.getAlpha2Codes())) {
      const name = names.of(code);
      if (name) yield [name, code];
    }
  }
}

/** `Intl` does not list what it knows; it says of each code of ISO 639-1 whether it knows it. */
function languages(): string[] {
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const codes = letters.flatMap((first) => letters.map((second) => first + second));
  return Intl.DisplayNames.supportedLocalesOf([...codes, 'fil', 'ckb', 'zh-Hant', 'pt-PT', 'es-MX', 'de-CH', 'en-GB']);
}
