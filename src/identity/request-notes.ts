import type { Access, RowRefusal } from '../governance/govern';
import type { DataCategory } from '../governance/vocabulary';
import type { RequestContext, RequestNotes } from './request-context';
import { stateOf } from './subject-state';

/**
 * Notes the people whose rows a list or a look-up returns, if any of their categories may be read. To learn that they
 * exist is a read, even without any field.
 */
export function noteGiven(context: RequestContext, rows: readonly object[], categories: readonly DataCategory[]): void {
  const { row: rule } = context.accessFor(context.decision?.purpose);
  for (const row of rows) categories.some((category) => rule?.(row, '', category) === undefined);
}

/**
 * A row rule that notes whose data a row gave. It is called for each governed field. Fields of one row come together,
 * so the answer for a row and a category is remembered.
 */
export function noting(rule: NonNullable<Access['row']>, { subjects }: RequestNotes): NonNullable<Access['row']> {
  let lastRow: unknown;
  let lastCategory: string | undefined;
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
