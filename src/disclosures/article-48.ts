import { law } from '../law/law';
import { regimeOf } from '../law/transfer';

/** What GDPR Art. 48 depends on. */
export interface ThirdCountryOrder {
  readonly authority: string | null | undefined;
  readonly authorityCountry: string | null | undefined;
  readonly treaty: string | null | undefined;
  /** Where the people reside, ISO 3166-1 alpha-2; null when unknown. */
  readonly residencies: ReadonlyArray<string | null>;
}

/**
 * Whether a law such as GDPR Art. 48 bars it: an order of a court or authority of a third country is recognised only on
 * an international agreement. What is not known counts against it: a country that is not said, an unknown residency.
 * @param at milliseconds since 1970
 */
export function isBarredByArticle48(order: ThirdCountryOrder, at: number): boolean {
  const { authority, authorityCountry, treaty, residencies } = order;
  if (!authority || treaty) return false;
  const own = authorityCountry ? regimeOf(law, authorityCountry, at) : undefined;
  return residencies.some((country) => {
    if (country === null) return own?.foreignOrders === undefined;
    const regime = regimeOf(law, country, at);
    return regime?.foreignOrders !== undefined && regime !== own;
  });
}
