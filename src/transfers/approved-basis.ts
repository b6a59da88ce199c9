import { endOf } from '../law/calendar';
import type { Law } from '../law/law';
import { provisionOf, regimeOf, type Suspension } from '../law/transfer';
import type { BasisSuspension } from './approval-state';
import type { StoredApproval } from './approval-store';

type Terms = Pick<StoredApproval, 'mechanism' | 'residencies' | 'destinationCountry' | 'validFrom'>;

/**
 * Names of the legal bases that an approval rests on, any of which a suspension may name: its mechanism and the
 * provisions of each regime it serves; of ADEQUACY the findings for its destination with their frameworks. What had
 * ended before the approval began is none of them.
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

/** Whether an approval rests on a basis, wholly or in part. */
export const restsOn = (law: Law, terms: Terms, basis: string): boolean =>
  basesOf(law, terms).some((names) => names.includes(basis));

/** The suspensions that leave an approval nothing to rest on. Where only one regime's basis falls, the others carry on. */
export function basisSuspensionsOf(law: Law, terms: Terms, suspensions: readonly Suspension[]): BasisSuspension[] {
  const alternatives = basesOf(law, terms);
  return suspensions
    .filter(({ basis }) => alternatives.every((names) => names.includes(basis)))
    .map(({ from, to, basis }) => ({ from, to, by: 'platform', reason: `the legal basis ${basis} is suspended` }));
}

/** The articles that an approval rests on at a moment, one for each regime that it serves. */
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
