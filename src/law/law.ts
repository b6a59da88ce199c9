import { type Adequacy, adequacy } from './adequacy';
import { type Regime, regimes } from './regimes';
import { changesOf } from './sourced';
import { type TransferTool, tools } from './tools';

/** What is held of the law of transfers: all of it data, so that a regime is added without code. */
export interface Law {
  readonly regimes: readonly Regime[];
  readonly adequacy: readonly Adequacy[];
  readonly tools: Readonly<Record<string, TransferTool>>;
}

export const law: Law = { regimes, adequacy, tools };

/** Everything that a suspension may name, with what it is: findings, provisions, mechanisms, frameworks. */
export function legalBases(of: Law = law): ReadonlyMap<string, string> {
  const bases = new Map<string, string>();
  for (const { id, instrument, scope } of of.adequacy) {
    bases.set(id, `${instrument}: ${scope}`);
  }
  for (const [name, { title, provisions }] of Object.entries(of.tools)) {
    bases.set(name, title);
    for (const { id, article } of provisions) bases.set(id, `${article}: ${title}`);
  }
  for (const { requires } of of.adequacy) {
    for (const framework of requires?.certifications ?? []) bases.set(framework, 'a certification framework');
  }
  return bases;
}

/** Every moment at which the law as held here changes, in order. */
export function changesOfLaw({ regimes, adequacy, tools }: Law): number[] {
  const dated = [
    ...regimes.flatMap(({ territory, articles }) => [...territory, ...articles]),
    ...adequacy,
    ...Object.values(tools).flatMap(({ provisions }) => provisions),
  ];
  return [...new Set(dated.flatMap(changesOf))].sort((a, b) => a - b);
}
