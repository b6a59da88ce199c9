import countries from 'i18n-iso-countries';
import { LRUCache } from 'lru-cache';

/** English names in daily use that the list of countries lacks. Those that mean several countries are left out. */
const inDailyUse: Readonly<Record<string, string>> = {
  'bosnia & herzegovina': 'BA',
  burma: 'MM',
  'cape verde': 'CV',
  'congo-brazzaville': 'CG',
  'congo-kinshasa': 'CD',
  'dr congo': 'CD',
  'east timor': 'TL',
  england: 'GB',
  holland: 'NL',
  laos: 'LA',
  macau: 'MO',
  macedonia: 'MK',
  moldova: 'MD',
  'north macedonia': 'MK',
  'northern ireland': 'GB',
  palestine: 'PS',
  'republic of ireland': 'IE',
  'republic of korea': 'KR',
  scotland: 'GB',
  swaziland: 'SZ',
  syria: 'SY',
  tanzania: 'TZ',
  'u.k.': 'GB',
  'u.s.': 'US',
  'u.s.a.': 'US',
  'viet nam': 'VN',
  wales: 'GB',
};

/** The list is searched from its start for each name, and a file names few countries many times. */
const known = new LRUCache<string, { readonly code: string | undefined }>({ max: 1_000 });

/** The ISO 3166-1 alpha-2 code of a country's English name or of its code in either length; undefined where it is none. */
export function countryCode(text: string): string | undefined {
  const found = known.get(text) ?? { code: search(text) };
  known.set(text, found);
  return found.code;
}

function search(text: string): string | undefined {
  const upper = text.toUpperCase();
  if (/^[A-Z]{2}$/.test(upper) && countries.isValid(upper)) return upper;
  const byCode = /^[A-Z]{3}$/.test(upper) ? countries.alpha3ToAlpha2(upper) : undefined;
  return byCode ?? countries.getSimpleAlpha2Code(text, 'en') ?? inDailyUse[text.toLowerCase()];
}
