/** A country where sample people live. */
export interface SampleCountry {
  readonly code: string;
  /** The locale of @faker-js/faker for the names of people and places. */
  readonly locale:
    | 'en_US'
    | 'en_GB'
    | 'de'
    | 'fr'
    | 'es'
    | 'it'
    | 'nl'
    | 'sv'
    | 'pl'
    | 'pt_BR'
    | 'ja'
    | 'de_CH'
    | 'en_IN'
    | 'en_CA'
    | 'ko';
  /** ISO 4217. */
  readonly currency: string;
}

/** Inside and outside the EEA, with and without adequacy: the transfer rules differ between them. */
export const sampleCountries: readonly SampleCountry[] = [
  { code: 'DE', locale: 'de', currency: 'EUR' },
  { code: 'US', locale: 'en_US', currency: 'USD' },
  { code: 'FR', locale: 'fr', currency: 'EUR' },
  { code: 'GB', locale: 'en_GB', currency: 'GBP' },
  { code: 'PL', locale: 'pl', currency: 'PLN' },
  { code: 'JP', locale: 'ja', currency: 'JPY' },
  { code: 'ES', locale: 'es', currency: 'EUR' },
  { code: 'BR', locale: 'pt_BR', currency: 'BRL' },
  { code: 'IT', locale: 'it', currency: 'EUR' },
  { code: 'CH', locale: 'de_CH', currency: 'CHF' },
  { code: 'NL', locale: 'nl', currency: 'EUR' },
  { code: 'IN', locale: 'en_IN', currency: 'INR' },
  { code: 'SE', locale: 'sv', currency: 'SEK' },
  { code: 'CA', locale: 'en_CA', currency: 'CAD' },
  { code: 'KR', locale: 'ko', currency: 'KRW' },
];
