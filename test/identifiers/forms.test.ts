import { getCountries, getCountryCallingCode, parsePhoneNumberFromString } from 'libphonenumber-js';
import { formsOf, type Identifier } from '../../src/identifiers/forms';
import { plainNumber } from '../../src/identifiers/phone';

const of = (kind: Identifier['kind'], value: string, ...countries: string[]): Identifier => ({
  kind,
  value,
  countries,
});
const stored = (identifier: Identifier) => formsOf(identifier)?.stored;
/** Whether a look-up by one finds a row that was written with the other. */
const finds = (asked: Identifier, written: Identifier) =>
  formsOf(asked)?.sought.includes(formsOf(written)?.stored ?? '') ?? false;
/** Whether one is taken for a person who was erased with the other. */
const isTakenFor = (arriving: Identifier, erased: Identifier) =>
  formsOf(erased)?.kept.some((form) => formsOf(arriving)?.recognised.includes(form)) ?? false;

describe('case phone-spellings: one number is one, however it is spelt', () => {
  const london = [
    of('phone', '+44 20 7946 0001'),
    of('phone', '+44 (0)20 7946 0001'),
    of('phone', '+44 0 20 7946 0001'),
    of('phone', 'tel:+44-20-7946-0001'),
    of('phone', '0044 20 7946 0001'),
    of('phone', '00 44 (0)20 7946 0001', 'GB'),
    of('phone', '011 44 20 7946 0001', 'US'),
    of('phone', '011 44 20 7946 0001'),
    of('phone', '020 7946 0001', 'GB'),
    of('phone', '(020) 7946-0001', 'FR', 'GB'),
    of('phone', '＋４４ ２０ ７９４６ ０００１'),
    of('phone', '\u202a+44 20 7946 0001\u202c'),
    of('phone', '+44.20.7946.0001 / +44 7911 123456'),
  ];
  const others = [
    ['+1 (415) 555-2671', '1-415-555-2671', '(415) 555-2671', 'US'],
    ['+39 06 1234 5678', '+39 6 1234 5678', '06 1234 5678', 'IT'],
    ['+49 (0)30 123456', '0049 30 123456', '030/123456', 'DE'],
    ['+7 912 345-67-89', '8 912 345-67-89', '912 345 67 89', 'RU'],
    ['+36 20 123 4567', '06 20 123 4567', '20 123 4567', 'HU'],
    ['+33 1 42 68 53 00', '+33 (0) 1 42 68 53 00', '01 42 68 53 00', 'FR'],
  ] as const;

  it.each(london.map((each) => [each.value, each] as const))('%s', (_, spelling) =>
    expect(stored(spelling)).toBe('+442079460001'),
  );

  it.each(others)('%s, %s and %s are one in %s', (first, second, national, country) => {
    expect(stored(of('phone', second, country))).toBe(stored(of('phone', first)));
    expect(stored(of('phone', national, country))).toBe(stored(of('phone', first)));
  });

  it('without its country it is found by and finds every spelling, and is known again', () => {
    const all = [...london, of('phone', '020 7946 0001'), of('phone', '0207 946 0001'), of('phone', '442079460001')];
    for (const one of all) {
      for (const other of all) {
        expect([one, other, finds(one, other), isTakenFor(one, other)]).toEqual([one, other, true, true]);
      }
    }
    for (const [first, second, national] of others) {
      for (const spelling of [second, national]) {
        expect([spelling, finds(of('phone', spelling), of('phone', first))]).toEqual([spelling, true]);
        expect([spelling, finds(of('phone', first), of('phone', spelling))]).toEqual([spelling, true]);
        expect([spelling, isTakenFor(of('phone', spelling), of('phone', first))]).toEqual([spelling, true]);
        expect([spelling, isTakenFor(of('phone', first), of('phone', spelling))]).toEqual([spelling, true]);
      }
    }
  });

  it('an extension is part of it', () => {
    const spellings = [
      '+44 20 7946 0001 ext. 12',
      '+44 20 7946 0001 x12',
      '+44 20 7946 0001;ext=12',
      '+442079460001#12',
    ];
    for (const text of spellings) expect([text, stored(of('phone', text))]).toEqual([text, '+442079460001;ext=12']);
    expect(stored(of('phone', '020 7946 0001 extension 12', 'GB'))).toBe('+442079460001;ext=12');
    expect(finds(of('phone', '020 7946 0001 ext 12'), of('phone', '+44 20 7946 0001 x12'))).toBe(true);
    expect(finds(of('phone', '+44 20 7946 0001'), of('phone', '+44 20 7946 0001 x12'))).toBe(false);
    expect(isTakenFor(of('phone', '+44 20 7946 0001 x13'), of('phone', '+44 20 7946 0001 x12'))).toBe(false);
  });

  it('numbers of two countries are two', () => {
    const pairs = [
      [of('phone', '+44 30 123456'), of('phone', '+49 30 123456')],
      [of('phone', '030 123456', 'DE'), of('phone', '030 123456', 'AT')],
    ] as const;
    for (const [one, other] of pairs) {
      expect([finds(one, other), finds(other, one), isTakenFor(one, other)]).toEqual([false, false, false]);
    }
    expect(stored(of('phone', '+999 12345678'))).toBe('+99912345678');
  });
});

describe('numbers that are read without the library', () => {
  const codes = [...new Set(getCountries().map((country) => getCountryCallingCode(country)))];

  it('are read as by the library, whatever the country, the length and the first digits', () => {
    const different: string[] = [];
    let plain = 0;
    for (const code of codes) {
      for (let beginning = 0; beginning < 100; beginning++) {
        for (const length of [2, 5, 8, 11, 14]) {
          const number = `+${code} ${String(beginning).padStart(2, '0')}-${'7391825604917'.slice(0, length)}`;
          const read = plainNumber(number);
          if (!read) continue;
          plain++;
          const known = parsePhoneNumberFromString(number);
          const isSame =
            known?.countryCallingCode === read.code && known.nationalNumber === read.national && !known.ext;
          if (!isSame) different.push(number);
        }
      }
    }
    expect(different).toEqual([]);
    expect(plain).toBeGreaterThan(40_000);
  });

  it.each([
    '030 1234567',
    '+49 (0)30 1234567',
    '+1 212 555 0100',
    '+49 30 1234567 ext. 12',
    '+49 30 1234567; +49 30 7654321',
    '+999 30 1234567',
    '+49 301',
  ])('%s is not', (text) => {
    expect(plainNumber(text)).toBeUndefined();
  });
});

describe('e-mails', () => {
  it.each([
    ['bob@münchen.example', 'bob@xn--mnchen-3ya.example'],
    ['BOB@MÜNCHEN.example', 'bob@xn--mnchen-3ya.example'],
    ['Bob <bob@XN--MNCHEN-3YA.example>', 'bob@xn--mnchen-3ya.example'],
    ['mailto:bob@m%C3%BCnchen.example?subject=x', 'bob@xn--mnchen-3ya.example'],
    ['DEE@example.org', 'dee@example.org'],
    ['"Dee, D." <dee@example.org.>,', 'dee@example.org'],
    ['ｄｅｅ@example.org', 'dee@example.org'],
    ['dee+shop@example.org', 'dee+shop@example.org'],
  ])('%s is %s', (text, canonical) => expect(stored(of('email', text))).toBe(canonical));
});

it('who was erased before domains were brought to one form is known again', () => {
  expect(formsOf(of('email', 'bob@xn--mnchen-3ya.example'))?.recognised).toContain('bob@münchen.example');
  expect(formsOf(of('phone', '+44 (0)20 7946 0005'))?.recognised).toContain('02079460005');
  expect(formsOf(of('phone', '+44 20 7946 0001'))?.recognised).toContain('+4402079460001');
  expect(formsOf(of('socialHandle', 'https://twitter.com/cyd'))?.recognised).toContain('https://twitter.com/cyd');
});

describe('handles', () => {
  it.each([
    ['https://twitter.com/cyd', 'x:cyd'],
    ['http://www.twitter.com/Cyd/', 'x:cyd'],
    ['x.com/cyd?lang=en', 'x:cyd'],
    ['mobile.twitter.com/@cyd/status/1', 'x:cyd'],
    ['twitter: @cyd', 'x:cyd'],
    ['https://www.instagram.com/cyd.d/#x', 'instagram:cyd.d'],
    ['https://de.linkedin.com/in/cyd-d-1a2b/', 'linkedin:cyd-d-1a2b'],
    ['https://www.facebook.com/profile.php?id=100&ref=x', 'facebook:100'],
    ['https://www.tiktok.com/@cyd', 'tiktok:cyd'],
    ['https://bsky.app/profile/cyd.example', 'bluesky:cyd.example'],
    ['@cyd@social.example', 'social.example:cyd'],
    ['https://social.example/@cyd', 'social.example:cyd'],
    ['@Cyd', 'cyd'],
    ['cyd', 'cyd'],
  ])('%s is %s', (text, canonical) => expect(stored(of('socialHandle', text))).toBe(canonical));

  it('case phone-spellings: a handle alone and its link find each other, links of two networks do not', () => {
    const [alone, link, other] = ['@cyd', 'https://twitter.com/cyd', 'https://instagram.com/cyd'].map((text) =>
      of('socialHandle', text),
    ) as [Identifier, Identifier, Identifier];
    expect([finds(alone, link), finds(link, alone), isTakenFor(alone, link), isTakenFor(link, alone)]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([finds(other, link), isTakenFor(other, link)]).toEqual([false, false]);
  });
});

describe('case shared-identifiers: placeholders are nobody’s', () => {
  it.each([
    ...[
      'noemail@example.org',
      'no-email@example.org',
      'none@none',
      'none@none.com',
      'n/a',
      'NA@na.na',
      'unknown@x.org',
    ],
    ...['deleted@anonymised.invalid', 'ada@example.invalid', 'No Mail <nomail@x.org>', '0@0', 'ada', '', 'null@null'],
  ])('e-mail %s', (text) => expect(formsOf(of('email', text))).toBeUndefined());

  it.each([
    ...['0', 'n/a', 'n/a 0', '-', '000000000', '+00 000 0000', '1111111111', '4.47912E+11', '4,47912E+11', '4E+11', ''],
    ...['1234567890', '0123456789', '12345', '112', '+', 'ext. 12'],
  ])('case phones-e-notation: phone %s', (text) => expect(formsOf(of('phone', text, 'GB'))).toBeUndefined());

  it.each(['n/a', '-', '@', '0', 'None', 'unknown', '@deleted'])('handle %s', (text) =>
    expect(formsOf(of('socialHandle', text))).toBeUndefined(),
  );

  it('a client’s own ids mean what the client says', () => {
    expect(stored(of('externalId', ' 0 '))).toBe('0');
    expect(stored(of('externalId', 'n/a'))).toBe('n/a');
    expect(formsOf(of('externalId', ' '))).toBeUndefined();
  });

  it.each([
    ['email', 'nora@example.org'],
    ['email', 'info@example.org'],
    ['email', 'ada@na.example'],
    ['phone', '+44 20 7946 0000'],
    ['phone', '0123 456 7001'],
    ['socialHandle', 'nonesuch'],
  ] as const)('%s %s is somebody’s', (kind, text) => expect(formsOf(of(kind, text))).toBeDefined());
});

it('reads whatever comes in time that grows with its length', () => {
  for (const kind of ['email', 'phone', 'socialHandle'] as const) {
    for (const text of ['(', '<', '"', '\\', ' ', '@', '1', '+', '0', 'a.', 'a/', 'x1', '11', 'ext', ':', ',']) {
      expect(() => formsOf(of(kind, text.repeat(20_000), 'GB'))).not.toThrow();
    }
  }
});
