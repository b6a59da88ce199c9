import type { Framework } from './frameworks';
import type { Adequacy, Law } from './law';
import type { Articles, Provision, Regime } from './regime';
import { type Country, inForce } from './sourced';
import { covers, type Validity } from './validity';

/** A recipient's listing under a framework. */
export interface Certification extends Validity {
  readonly framework: Framework;
}

/** A suspended legal basis. It does not count, even if the data still has it in force. */
export interface Suspension extends Validity {
  readonly basis: string;
}

export interface DataImporter {
  /** Where it reads; undefined where that is not known. */
  readonly country: Country | undefined;
  readonly certifications: readonly Certification[];
  readonly sector: 'COMMERCIAL' | 'PUBLIC';
}

/** What the law, without approvals, says about a transfer. */
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
      /** undefined where no regime covers the country. */
      readonly regime: string | undefined;
      /** The article that forbids it, for the caller. */
      readonly rule: string;
      /** What is missing, in words for an officer. */
      readonly missing: string;
    };

/** Whether one of these names of a basis is suspended at a moment. */
export const suspendedAt = (suspensions: readonly Suspension[], at: number, ...names: string[]): boolean =>
  suspensions.some((suspension) => names.includes(suspension.basis) && covers(suspension, at));

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
 * Whether the law, without approvals, lets a recipient read data about people of a country. What is unknown is not
 * lawful: a country of residence without a regime, a recipient without a country.
 * @param at milliseconds since 1970
 */
export function findByLaw(
  law: Law,
  residency: Country,
  recipient: DataImporter,
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
  { certifications, sector }: DataImporter,
  at: number,
  suspensions: readonly Suspension[],
): string | undefined {
  const needed = requires?.certifications ?? [];
  if (suspendedAt(suspensions, at, id, 'ADEQUACY', ...needed)) return 'it is suspended';
  const absent = needed.find((name) => !certifications.some((one) => one.framework === name && covers(one, at)));
  if (absent) return `the recipient is not certified under ${absent}`;
  if (requires?.sector !== undefined && requires.sector !== sector) return 'it covers commercial organisations only';
  return undefined;
}

/** The article that makes a mechanism law in a regime, unless suspended. */
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
