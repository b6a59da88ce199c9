/** Abbreviations in daily use that are no code of ISO 3166-1. Letters that stand for two countries are left out. */
export const abbreviations: ReadonlyMap<string, string> = new Map(
  Object.entries({
    BVI: 'VG',
    DPRK: 'KP',
    DRC: 'CD',
    EL: 'GR',
    FYROM: 'MK',
    KSA: 'SA',
    PRC: 'CN',
    ROK: 'KR',
    UAE: 'AE',
    UK: 'GB',
    USVI: 'VI',
  }),
);

/**
 * English names that neither CLDR nor the list of ISO 3166-1 has: names from shops and CRMs, official names, former
 * names of countries that still exist, and parts with the law of one country.
 */
export const englishNames: Readonly<Record<string, string>> = {
  'Ascension Island': 'SH',
  Belau: 'PW',
  'Bonaire, Saint Eustatius and Saba': 'BQ',
  Britain: 'GB',
  'British Virgin Islands': 'VG',
  Burma: 'MM',
  'Cabo Verde': 'CV',
  'Canary Islands': 'ES',
  'Chinese Taipei': 'TW',
  'Congo (Democratic Republic)': 'CD',
  'Congo (Republic)': 'CG',
  'DR Congo': 'CD',
  'East Timor': 'TL',
  England: 'GB',
  'French Southern and Antarctic Lands': 'TF',
  Holland: 'NL',
  'Hong Kong': 'HK',
  'Hong Kong SAR': 'HK',
  "Korea, Democratic People's Republic of": 'KP',
  'Lao PDR': 'LA',
  'Libyan Arab Jamahiriya': 'LY',
  Macau: 'MO',
  'Macao SAR': 'MO',
  'Macau SAR': 'MO',
  'Macedonia, the former Yugoslav Republic of': 'MK',
  Macedonia: 'MK',
  Micronesia: 'FM',
  'Northern Ireland': 'GB',
  'Palestinian Authority': 'PS',
  'Palestinian Territory': 'PS',
  'Palestinian Territory, Occupied': 'PS',
  'Pitcairn Islands': 'PN',
  'Republic of Ireland': 'IE',
  'Saint Helena, Ascension and Tristan da Cunha': 'SH',
  'Saint Martin (Dutch part)': 'SX',
  Scotland: 'GB',
  'Sint Maarten': 'SX',
  'Slovak Republic': 'SK',
  'South Georgia/Sandwich Islands': 'GS',
  Swaziland: 'SZ',
  'Tristan da Cunha': 'SH',
  'US Minor Outlying Islands': 'UM',
  'United Kingdom (UK)': 'GB',
  'United Kingdom of Great Britain and Northern Ireland': 'GB',
  'United States (US)': 'US',
  'United States (US) Minor Outlying Islands': 'UM',
  Vatican: 'VA',
  'Vatican City State': 'VA',
  'Holy See': 'VA',
  'Virgin Islands (US)': 'VI',
  Wales: 'GB',
};

/** Names that mean several countries, or none any more: whoever wrote one has to say which. */
export const severalCountries: readonly string[] = [
  'Congo',
  'Czechoslovakia',
  'Korea',
  'Netherlands Antilles',
  'Republic of China',
  'Serbia and Montenegro',
  'Soviet Union',
  'Virgin Islands',
  'Yugoslavia',
];

/** One spelling means a country where the same words in another do not: ISO 3166-1 writes the article so. */
export const exactSpellings: ReadonlyMap<string, string> = new Map([['congo (the)', 'CG']]);
