import { endOf } from '../law/calendar';
import type { Law } from '../law/law';
import { provisionOf, regimeOf, type Suspension } from '../law/transfer';
import type { BasisSuspension } from './approval-state';
import type { StoredApproval } from './approval-store';

type Terms = Pick<StoredApproval, 'mechanism' | 'residencies' | 'destinationCountry' | 'validFrom'>;

/**
 * The legal bases of an approval, by the names that a suspension may use: one list for each alternative. They are the
 * mechanism with the provision of each regime that it serves. For ADEQUACY they are the findings for the destination,
 * with their frameworks, without findings that had ended before the approval began.
 */
function basesOf(law: Law, { mechanism, residencies, destinationCountry, validFrom }: Terms): string[][] {
  const serves = (regime: string) =>
    residencies === null ||
    law.regimes.some(
      ({ id, territory }) => id === regime && territory.some(({ country }) => residencies.includes(country)),
    );
  if (law.tools[mechanism]?.kind === 'ADEQUACY') {
    return law.adequacy
      .filter(({ regime, destinations }) => destinations.includes(destinationCountry) && serves(regime))
      .filter(({ to }) => to === undefined || validFrom < endOf(to))
      .map(({ id, requires }) => [mechanism, id, ...(requires?.certifications ?? [])]);
  }
  const provisions = law.tools[mechanism]?.provisions.filter(({ regime }) => serves(regime)) ?? [];
  return provisions.length === 0 ? [[mechanism]] : provisions.map(({ id }) => [mechanism, id]);
}

/** Whether a basis is one of those that an approval rests on. */
export const restsOn = (law: Law, terms: Terms, basis: string): boolean =>
  basesOf(law, terms).some((names) => names.includes(basis));

/**
 * The suspensions that take away every basis of an approval. If another regime's basis remains, it is not one of them.
 */
export function basisSuspensionsOf(law: Law, terms: Terms, suspensions: readonly Suspension[]): BasisSuspension[] {
  const alternatives = basesOf(law, terms);
  return suspensions
    .filter(({ basis }) => alternatives.every((names) => names.includes(basis)))
    .map(({ from, to, basis }) => ({ from, to, by: 'platform', reason: `the legal basis ${basis} is suspended` }));
}

/** The articles that carry an approval at a moment, one for each regime that it serves. */
export function articlesOf(
  law: Law,
  { mechanism, residencies }: Terms,
  at: number,
  suspensions: readonly Suspension[],
): string[] {
  const countries = residencies ?? law.regimes.flatMap(({ territory }) => territory.map(({ country }) => country));
  const regimes = new Set(countries.flatMap((country) => regimeOf(law, country, at)?.id ?? []));
  return [...regimes].flatMap((regime) => provisionOf(law, mechanism, regime, at, suspensions)?.article ?? []);
}
