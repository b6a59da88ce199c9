import { eea } from '../law/regimes';

/** What of a disclosure GDPR Art. 48 looks at. */
export interface ThirdCountryOrder {
  readonly authority: string | null | undefined;
  readonly authorityCountry: string | null | undefined;
  readonly treaty: string | null | undefined;
  /** Where the persons are, ISO 3166-1 alpha-2; null where it is not known. */
  readonly residencies: ReadonlyArray<string | null>;
}

/**
 * Whether GDPR Art. 48 bars it: an order of a court or authority of a third country is recognised only on an international
 * agreement. Whatever is not known counts against it: a country that is not said, a residency that is not known.
 */
export function isBarredByArticle48({ authority, authorityCountry, treaty, residencies }: ThirdCountryOrder): boolean {
  if (!authority || treaty) return false;
  if (authorityCountry && eea.includes(authorityCountry)) return false;
  return residencies.some((country) => country === null || eea.includes(country));
}
