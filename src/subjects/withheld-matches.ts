import { stateOf } from '../identity/subject-state';
import { categoriesOf, type Reach } from './reach';

/**
 * Whether a row may be said to match what was asked by: that a row has a value tells the value, so a row that withholds
 * the field does not match by it (pitfalls 12, 13). What the operation as a whole may not read was refused before.
 * @param fields fields of Customer that the caller looked up or filtered by
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

/** The fields that an input's values stand for, where they are given. */
export const fieldsAskedBy = (input: object | null | undefined): string[] =>
  Object.entries(input ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name]) => filtered[name] ?? name);
