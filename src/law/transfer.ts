import type { Adequacy, Framework } from './adequacy';
import type { Law } from './law';
import type { Articles, Regime } from './regimes';
import { type Country, inForce } from './sourced';
import type { Provision } from './tools';

/** Half-open, in milliseconds since 1970; null has no end. */
export interface Window {
  readonly from: number;
  readonly to: number | null;
}

/** A recipient's listing under a framework. */
export interface Certification extends Window {
  readonly framework: Framework;
}

/** A legal basis that counts no more, wherever the data still holds it: annulled, or not trusted. */
export interface Suspension extends Window {
  readonly basis: string;
}

export interface Recipient {
  /** Where it reads; undefined where that is not known. */
  readonly country: Country | undefined;
  readonly certifications: readonly Certification[];
  readonly sector: 'COMMERCIAL' | 'PUBLIC';
}

/** What the law alone says of data of a country's people in a recipient's hands. */
export type LegalFinding =
  /** It stays under the law that covers it. */
  | { readonly lawful: true; readonly basis: 'NO_TRANSFER'; readonly regime: string; readonly rule: string }
  | { readonly lawful: true; readonly basis: 'UNRESTRICTED'; readonly regime: string; readonly rule: string }
  | {
      readonly lawful: true;
      readonly basis: 'ADEQUACY';
      readonly regime: string;
      readonly rule: string;
      readonly finding: Adequacy;
    }
  | {
      readonly lawful: false;
      /** undefined where no regime held here covers the country. */
      readonly regime: string | undefined;
      /** The article that forbids it, for the caller to read. */
      readonly rule: string;
      /** What would have to be so, for an officer to read. */
      readonly missing: string;
    };

const openAt = ({ from, to }: Window, at: number): boolean => from <= at && (to === null || at < to);

/** Whether any of these names of one basis is suspended at a moment. */
export const suspendedAt = (suspensions: readonly Suspension[], at: number, ...names: string[]): boolean =>
  suspensions.some((suspension) => names.includes(suspension.basis) && openAt(suspension, at));

/** The regime that covers the people of a country at a moment. */
export function regimeOf(law: Law, country: Country, at: number): Regime | undefined {
  return law.regimes.find(({ territory }) => territory.some((part) => part.country === country && inForce(part, at)));
}

/** What a regime's decisions cite at a moment. */
function articlesOf({ articles, id }: Regime, at: number): Articles {
  return articles.find((dated) => inForce(dated, at)) ?? { transfer: `the law of ${id}` };
}

/** What is cited where no regime is held for a country of residence. */
const noRegime = 'no transfer rule held for the country of residence (statement T1)';

/**
 * Whether law lets data of a country's people be read by a recipient, approvals aside. What is not known is not lawful:
 * a country of residence that no regime covers, a recipient's country that is not said.
 * @param at milliseconds since 1970
 */
export function findByLaw(
  law: Law,
  residency: Country,
  recipient: Recipient,
  at: number,
  suspensions: readonly Suspension[] = [],
): LegalFinding {
  const { country } = recipient;
  const regime = regimeOf(law, residency, at);
  if (!regime) {
    const rule = noRegime;
    if (country === residency) return { lawful: true, basis: 'NO_TRANSFER', regime: residency, rule: 'same country' };
    return {
      lawful: false,
      regime: undefined,
      rule,
      missing: `rules for ${residency}, or an approval under NATIONAL_LAW`,
    };
  }
  const { id, restricts } = regime;
  const articles = articlesOf(regime, at);
  const article = articles.transfer;
  if (!restricts) return { lawful: true, basis: 'UNRESTRICTED', regime: id, rule: article };
  if (country === undefined) return { lawful: false, regime: id, rule: article, missing: "the recipient's country" };
  if (regimeOf(law, country, at) === regime) {
    return { lawful: true, basis: 'NO_TRANSFER', regime: id, rule: `within ${regime.name}` };
  }
  const findings = law.adequacy.filter(
    (one) =>
      one.regime === id &&
      one.destinations.includes(country) &&
      (one.exporters?.includes(residency) ?? true) &&
      inForce(one, at),
  );
  const finding = findings.find((one) => faultOf(one, recipient, at, suspensions) === undefined);
  if (finding) {
    const rule = `${articles.adequacy ?? article}, ${finding.instrument}`;
    return { lawful: true, basis: 'ADEQUACY', regime: id, rule, finding };
  }
  const faults = findings.map((one) => `${one.instrument}: ${faultOf(one, recipient, at, suspensions)}`);
  const missing = faults.join('; ') || `an adequacy finding for ${country}`;
  return { lawful: false, regime: id, rule: article, missing: `${missing}; or an approved mechanism` };
}

/** Why a finding in force does not carry a transfer to this recipient. */
function faultOf(
  { id, requires }: Adequacy,
  { certifications, sector }: Recipient,
  at: number,
  suspensions: readonly Suspension[],
): string | undefined {
  const needed = requires?.certifications ?? [];
  if (suspendedAt(suspensions, at, id, 'ADEQUACY', ...needed)) return 'it is suspended';
  const absent = needed.find((name) => !certifications.some((one) => one.framework === name && openAt(one, at)));
  if (absent) return `the recipient is not certified under ${absent}`;
  if (requires?.sector !== undefined && requires.sector !== sector) return 'it covers commercial organisations only';
  return undefined;
}

/** Where a mechanism is law for a regime, unless suspended. */
export function provisionOf(
  law: Law,
  mechanism: string,
  regime: string,
  at: number,
  suspensions: readonly Suspension[] = [],
): Provision | undefined {
  return law.tools[mechanism]?.provisions.find(
    (provision) =>
      provision.regime === regime && inForce(provision, at) && !suspendedAt(suspensions, at, mechanism, provision.id),
  );
}
