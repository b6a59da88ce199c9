import type { Access, RowRefusal } from '../governance/govern';
import type { DataCategory } from '../governance/vocabulary';
import type { RequestContext, RequestNotes } from './request-context';
import { stateOf } from './subject-state';

/**
 * Notes the persons whose rows a list or a look-up gives, where any category of theirs may be: to be told that they exist
 * is a read too, if no field of theirs is asked for.
 */
export function noteGiven(context: RequestContext, rows: readonly object[], categories: readonly DataCategory[]): void {
  const { row: rule } = context.accessFor(context.decision?.purpose);
  for (const row of rows) categories.some((category) => rule?.(row, '', category) === undefined);
}

/**
 * A row rule that notes of whom a row gave something. It is asked for each governed field, and fields of one row come one
 * after the other: what a rule says of a row and a category is asked once.
 */
export function noting(rule: NonNullable<Access['row']>, { subjects }: RequestNotes): NonNullable<Access['row']> {
  let lastRow: unknown;
  let lastCategory: DataCategory | undefined;
  let lastRefusal: RowRefusal | undefined;
  let asked = false;
  return (row, coordinate, category) => {
    if (asked && row === lastRow && category === lastCategory) return lastRefusal;
    const refusal = rule(row, coordinate, category);
    if (refusal === undefined) {
      const subject = stateOf(row);
      if (subject !== undefined) subjects.add(subject);
    }
    asked = true;
    lastRow = row;
    lastCategory = category;
    lastRefusal = refusal;
    return refusal;
  };
}
