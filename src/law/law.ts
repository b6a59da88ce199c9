import { frameworks } from './frameworks';
import type { Finding, Provision, Regime } from './regime';
import { regimes } from './regimes';
import { type Country, validityOf } from './sourced';
import { type ToolTerms, tools } from './tools';
import type { Validity } from './validity';

/** A finding of adequacy, and whose it is. */
export interface Adequacy extends Finding {
  readonly regime: string;
}

/** A mechanism, with the articles that make it law in the regimes that know it. */
export interface TransferTool extends ToolTerms {
  readonly provisions: ReadonlyArray<Provision & { readonly regime: string }>;
}

/** The law of transfers, as data: a regime is added without code. */
export interface Law {
  readonly regimes: readonly Regime[];
  readonly adequacy: readonly Adequacy[];
  readonly tools: Readonly<Record<string, TransferTool>>;
}

/** Combines the data of regimes. */
export function lawOf(held: readonly Regime[]): Law {
  const provided = Object.entries<ToolTerms>(tools).map(([name, terms]) => {
    const provisions = held.flatMap(({ id: regime, provisions: all }) =>
      Object.entries(all ?? {}).flatMap(([tool, provision]) => (tool === name ? [{ ...provision, regime }] : [])),
    );
    return [name, { ...terms, provisions }] as const;
  });
  return {
    regimes: held,
    adequacy: held.flatMap(({ id: regime, adequacy = [] }) => adequacy.map((finding) => ({ ...finding, regime }))),
    tools: Object.fromEntries(provided),
  };
}

export const law: Law = lawOf(regimes);

export interface LegalBasis {
  readonly title: string;
  /** The destinations that it names, if any. */
  readonly destinations: readonly Country[];
}

/** Everything that a suspension may name: findings, provisions, mechanisms, frameworks. */
export function legalBases(of: Law = law): ReadonlyMap<string, LegalBasis> {
  const bases = new Map<string, LegalBasis>();
  for (const { id, instrument, scope, destinations } of of.adequacy) {
    const names = destinations.map(countryName).join(', ');
    bases.set(id, { title: `${instrument}: ${names} (${scope})`, destinations });
  }
  for (const [name, { title, provisions }] of Object.entries(of.tools)) {
    bases.set(name, { title, destinations: [] });
    for (const { id, article } of provisions) bases.set(id, { title: `${article}: ${title}`, destinations: [] });
  }
  for (const { requires, destinations } of of.adequacy) {
    for (const framework of requires?.certifications ?? []) {
      bases.set(framework, { title: `a certification framework: ${frameworks[framework]}`, destinations });
    }
  }
  return bases;
}

const names = new Intl.DisplayNames('en', { type: 'region' });

/** A country's English name, by its code of ISO 3166-1 alpha-2. */
export const countryName = (code: Country): string => names.of(code) ?? code;

/** The validity of each dated fact. */
export function validitiesOf({ regimes, adequacy, tools }: Law): Validity[] {
  const dated = [
    ...regimes.flatMap(({ territory, articles }) => [...territory, ...articles]),
    ...adequacy,
    ...Object.values(tools).flatMap(({ provisions }) => provisions),
  ];
  return dated.map(validityOf);
}
