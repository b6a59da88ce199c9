import { readCountry } from '../../../src/subjects/values/country';
import { isoShortNames, wooCommerceNames } from './country-lists';

const codeOf = (text: string) => {
  const read = readCountry(text);
  return 'value' in read ? read.value : undefined;
};

/** What of a list means another country than it should, or none. */
const missed = (names: ReadonlyMap<string, string>) =>
  [...names].filter(([code, name]) => codeOf(name) !== code).map(([code, name]) => `${code} ${name}`);

const english = new Intl.DisplayNames(['en'], { type: 'region' });
const cldrNames = new Map([...wooCommerceNames.keys()].map((code) => [code, english.of(code) ?? '']));

it.each([
  ['CLDR English names', cldrNames, 250],
  ['ISO 3166-1 short names', isoShortNames, 249],
  ['WooCommerce names', wooCommerceNames, 250],
])('case country names: all %s are found', (_, names, count) => {
  expect(missed(names)).toEqual([]);
  expect(names.size).toBe(count);
});

it('finds names whatever their case, accents, articles and order of words', () => {
  const spelt = {
    CI: ['cote divoire', 'Côte d’Ivoire', 'IVORY COAST'],
    KR: ['Korea, Republic of', 'Republic of Korea', 'South Korea', 'KOR', 'kr'],
    KP: ["Democratic People's Republic of Korea", 'North Korea'],
    GB: ['UK', 'U.K.', 'Great Britain', 'England', 'United Kingdom', 'The United Kingdom'],
    US: ['USA', 'U.S.A.', 'u.s.', 'United States', 'The United States of America'],
    KN: ['St Kitts & Nevis', 'St. Kitts and Nevis'],
    BA: ['Bosnia & Herzegovina', 'Bosnia-Herzegovina'],
    KE: ['Republic of Kenya'],
    CZ: ['Czechia', 'Czech Republic'],
    CD: ['DR Congo', 'Congo, the Democratic Republic of the', 'DRC'],
    CG: ['Congo, Republic of', 'Republic of the Congo', 'Congo-Brazzaville'],
    AE: ['UAE', 'U.A.E.'],
    NA: ['NA', 'Namibia'],
    VI: ['U.S. Virgin Islands', 'Virgin Islands, U.S.'],
    TW: ['Chinese Taipei', 'Taiwan, Province of China'],
    MK: ['Macedonia, the former Yugoslav Republic of'],
  };
  for (const [code, names] of Object.entries(spelt))
    for (const name of names) expect([name, codeOf(name)]).toEqual([name, code]);
});

it('finds names in other languages', () => {
  const spelt = {
    DE: ['Deutschland', 'Allemagne', 'Alemania', 'Германия', '德国', 'ドイツ', 'ألمانيا'],
    AT: ['Österreich', 'Autriche'],
    CI: ['Elfenbeinküste'],
    NL: ['Niederlande', 'Pays-Bas', 'Nederland'],
    TG: ['टोगो'],
    TO: ['टोंगा'],
  };
  for (const [code, names] of Object.entries(spelt))
    for (const name of names) expect([name, codeOf(name)]).toEqual([name, code]);
});

it('refuses what means several countries or none, and repeats nothing of it', () => {
  for (const text of ['Congo', 'Korea', 'Kongo', 'Kata', 'Virgin Islands', 'Republic of China', 'Yugoslavia']) {
    expect([text, readCountry(text)]).toEqual([text, { reason: expect.stringContaining('more than one country') }]);
  }
  for (const text of ['Atlantis', 'XX', 'ZZZ', 'Springfield', '276', 'Republic', 'constructor', 'x'.repeat(5_000)]) {
    const read = readCountry(text);
    expect([text, read]).toEqual([text, { reason: expect.stringContaining('not a country') }]);
    expect(JSON.stringify(read)).not.toContain(text);
  }
});

it('reads the spellings of nothing', () => {
  for (const text of ['', ' ', 'N/A', '#N/A', 'NULL', '-', '\\N']) expect(readCountry(text)).toEqual({ nothing: true });
});
