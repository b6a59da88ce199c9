import { stateOf } from '../identity/subject-state';
import { categoriesOf, type Reach } from './reach';

/**
 * Whether a row may be shown to match a look-up or a filter. A match reveals the field's value, so a row that withholds
 * the field does not match (docs/pitfalls.md, 12 and 13). Fields that the whole operation may not read were refused
 * before.
 * @param fields the fields of Customer in the look-up or filter
 */
export function mayMatch(reach: Reach, row: object, fields: readonly string[]): boolean {
  const person = stateOf(row);
  return person !== undefined && reach.refusal(person, categoriesOf(fields)) === undefined;
}

const filtered: Readonly<Record<string, string>> = {
  createdAfter: 'createdAt',
  createdBefore: 'createdAt',
  objectsTo: 'objections',
  decidedAutomatically: 'lastAutomatedDecisionAt',
};

/** The fields that an input has values for. */
export const fieldsAskedBy = (input: object | null | undefined): string[] =>
  Object.entries(input ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name]) => filtered[name] ?? name);
