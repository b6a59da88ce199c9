import countries from 'i18n-iso-countries/index';
import { allPurposes } from '../governance/vocabulary';
import { objectionBits } from '../identity/objections';
import type { Condition } from '../tenancy/conditions';
import { categoriesOf, type Reach } from './reach';

const everyCountry: ReadonlyArray<string | null> = [null, ...Object.keys(countries.getAlpha2Codes())];

/** The most countries that are listed one by one. Of more, the other ones are excluded. */
const MOST_NAMED = 8;

/**
 * Narrows a select to customers who may be shown to match, so that pages consist of them alone. Pages of undecided rows
 * would reveal the others by their cursors and their ends (docs/pitfalls.md, 12 and 13). What remains to be dropped row
 * by row: people that approvals name for other categories, and countries that do not exist.
 * @param fields the fields of Customer in the filter
 * @returns undefined where nobody may be shown
 */
export function matching(reach: Reach, fields: readonly string[]): Condition[] | undefined {
  const categories = categoriesOf(fields);
  const open = (residency: string | null, restriction: string | null, objections = 0) =>
    reach.wouldRefuse({ residency, restriction, objections }, categories) === undefined;
  const free = new Set(everyCountry.filter((residency) => open(residency, null)));
  const named: Condition[] = reach.named.size > 0 ? [{ field: 'id', is: 'in', value: [...reach.named] }] : [];
  if (free.size === 0 && named.length === 0) return undefined;
  const restrictedToo = everyCountry.some((residency) => open(residency, 'ANY'));
  const unrestricted: Condition[] = restrictedToo ? [] : [{ field: 'restriction', is: 'null' }];
  const bars = objectionBits(
    allPurposes.filter((purpose) => !everyCountry.some((residency) => open(residency, null, objectionBits([purpose])))),
  );
  if (bars !== 0)
    unrestricted.push({
      any: [
        { field: 'objectionMask', is: 'null' },
        { field: 'objectionMask', is: 'has not', value: bars },
      ],
    });
  if (free.size === everyCountry.length) return unrestricted;
  return [...unrestricted, { any: [...livingIn(free), ...named] }];
}

function livingIn(residencies: ReadonlySet<string | null>): Condition[] {
  const unknown: Condition[] = residencies.has(null) ? [{ field: 'residency', is: 'null' }] : [];
  const known = [...residencies].filter((residency) => residency !== null);
  if (known.length <= MOST_NAMED)
    return known.length === 0 ? unknown : [...unknown, { field: 'residency', is: 'in', value: known }];
  const others = everyCountry.filter((residency) => residency !== null && !residencies.has(residency));
  return [...unknown, { field: 'residency', is: 'not in', value: others as string[] }];
}
