import { requireCountry } from '../identity/checks';
import { objectionBit } from '../identity/objections';
import { denied } from '../identity/request-context';
import type { Condition } from '../tenancy/conditions';
import type { CustomerFilter } from './customer-inputs';

type Filters = { readonly [F in keyof Required<CustomerFilter>]: (value: NonNullable<CustomerFilter[F]>) => Condition };

/** The condition of each field of a filter. A new field of the input does not compile without one. */
const filters: Filters = {
  residency: (value) => ({ field: 'residency', is: '=', value: requireCountry('residency', value) }),
  source: (value) => ({ field: 'source', is: '=', value: filled('source', value) }),
  objectsTo: (purpose) => ({ field: 'objectionMask', is: 'has', value: objectionBit(purpose) }),
  decidedAutomatically: (decided) =>
    decided
      ? { field: 'lastAutomatedDecisionAt', is: '>', value: Number.MIN_SAFE_INTEGER }
      : { field: 'lastAutomatedDecisionAt', is: 'null' },
  createdAfter: (moment) => ({ field: 'createdAt', is: '>', value: moment.getTime() }),
  createdBefore: (moment) => ({ field: 'createdAt', is: '<', value: moment.getTime() }),
};

/**
 * The conditions of a filter on customers' rows, for reads and for erasures.
 * @throws {GraphQLError} BAD_USER_INPUT
 */
export function filterConditions(filter: CustomerFilter | null | undefined): Condition[] {
  const asked = Object.entries(filters) as Array<[keyof CustomerFilter, (value: unknown) => Condition]>;
  return asked.flatMap(([field, conditionOf]) => {
    const value = filter?.[field];
    return value === null || value === undefined ? [] : [conditionOf(value)];
  });
}

function filled(field: string, value: string): string {
  if (value === '') throw denied.input(`"${field}" of a filter must not be empty; leave it out for all.`);
  return value;
}
