import { requireDay } from './calendar';
import type { Adequacy, Law } from './law';
import type { Country, Dated, Sourced } from './sourced';

/**
 * Contradictions in the law as held here (docs/pitfalls.md, 30). The tests check that there are none.
 * @returns a sentence for each fault
 */
export function lawFaults({ regimes, adequacy, tools }: Law): string[] {
  const provisions = Object.values(tools).flatMap((tool) => tool.provisions);
  const known = new Set(regimes.map(({ id }) => id));
  return [
    ...repeated(
      'regime',
      regimes.map(({ id }) => id),
    ),
    ...repeated('legal basis', basesOf(adequacy, tools)),
    ...regimes.flatMap(({ id, territory }) =>
      territory.flatMap((part) => faultsOf(`${id} ${part.country}`, part, [part.country])),
    ),
    ...twiceCovered(regimes),
    ...regimes.flatMap((regime) => sourceFaults(regime.id, regime)),
    ...regimes.flatMap(({ id, requestDeadline }) =>
      requestDeadline ? sourceFaults(`${id}, ${requestDeadline.article}`, requestDeadline) : [],
    ),
    ...adequacy.flatMap((one) => faultsOf(one.id, one, [...one.destinations, ...(one.exporters ?? [])])),
    ...provisions.flatMap((one) => faultsOf(one.id, one, [])),
    ...[...adequacy, ...provisions].flatMap((one) => [
      ...sourceFaults(one.id, one),
      ...(known.has(one.regime) ? [] : [`${one.id}: there is no regime ${one.regime}`]),
    ]),
    ...adequacy.flatMap((one) => withinItself(regimes, one)),
  ];
}

/** An article that serves two mechanisms is one basis. */
function basesOf(adequacy: Law['adequacy'], tools: Law['tools']): string[] {
  const provisions = Object.values(tools).flatMap((tool) => tool.provisions);
  const articles = new Set(provisions.map(({ id, article }) => `${id}\n${article}`));
  const ofProvisions = [...articles].map((one) => one.slice(0, one.indexOf('\n')));
  return [...adequacy.map(({ id }) => id), ...ofProvisions, ...Object.keys(tools)];
}

function withinItself(regimes: Law['regimes'], { id, regime, destinations, from }: Adequacy): string[] {
  const territory = regimes.find((one) => one.id === regime)?.territory ?? [];
  const covered = territory.filter((part) => part.from <= from && (part.to === undefined || from <= part.to));
  const own = destinations.filter((country) => covered.some((part) => part.country === country));
  return own.map((country) => `${id}: ${country} is within ${regime} itself`);
}

function repeated(what: string, names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${what} ${name} is there twice`);
}

function twiceCovered(regimes: Law['regimes']): string[] {
  const parts = regimes.flatMap(({ territory }) => territory);
  return parts.flatMap((part, index) =>
    parts
      .slice(index + 1)
      .filter((other) => other.country === part.country && overlap(part, other))
      .map(({ country }) => `${country} is under two regimes at once`),
  );
}

const overlap = (a: Dated, b: Dated): boolean => a.from <= (b.to ?? '9999-12-31') && b.from <= (a.to ?? '9999-12-31');

function faultsOf(name: string, { from, to }: Dated, countries: readonly Country[]): string[] {
  const faults = countries.filter((code) => !/^[A-Z]{2}$/.test(code)).map((code) => `${name}: "${code}" is no country`);
  for (const day of [from, ...(to === undefined ? [] : [to])]) {
    try {
      requireDay(day);
    } catch {
      faults.push(`${name}: "${day}" is no day`);
    }
  }
  if (to !== undefined && to < from) faults.push(`${name}: it ends before it begins`);
  return faults;
}

function sourceFaults(name: string, { source, dpv }: Sourced): string[] {
  return [
    ...(source.trim() === '' ? [`${name}: it has no source`] : []),
    ...(dpv === undefined || dpv.startsWith('https://w3id.org/dpv') ? [] : [`${name}: "${dpv}" is no IRI of DPV`]),
  ];
}
