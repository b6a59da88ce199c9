import { type Adequacy, adequacy, frameworks } from './adequacy';
import { type Regime, regimes } from './regimes';
import { type Country, changesOf } from './sourced';
import { type TransferTool, tools } from './tools';

/** What is held of the law of transfers: all of it data, so that a regime is added without code. */
export interface Law {
  readonly regimes: readonly Regime[];
  readonly adequacy: readonly Adequacy[];
  readonly tools: Readonly<Record<string, TransferTool>>;
}

export const law: Law = { regimes, adequacy, tools };

export interface LegalBasis {
  readonly title: string;
  /** Countries that it carries transfers to, where it names any. */
  readonly destinations: readonly Country[];
}

/** Everything that a suspension may name, with what it is: findings, provisions, mechanisms, frameworks. */
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

/** Every moment at which the law as held here changes, in order. */
export function changesOfLaw({ regimes, adequacy, tools }: Law): number[] {
  const dated = [
    ...regimes.flatMap(({ territory, articles }) => [...territory, ...articles]),
    ...adequacy,
    ...Object.values(tools).flatMap(({ provisions }) => provisions),
  ];
  return [...new Set(dated.flatMap(changesOf))].sort((a, b) => a - b);
}
