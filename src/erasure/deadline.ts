import { DAY_MS } from '../law/calendar';
import { due, statementDeletion } from '../law/deadlines';
import { type Law, law } from '../law/law';
import { regimeOf } from '../law/transfer';

/** The statement's own bound, D1 and D2. */
export const STATEMENT_DAYS = statementDeletion.period.days;

export interface Term {
  /** Milliseconds since 1970 of the last moment in time. */
  readonly at: number;
  readonly rule: string;
}

/**
 * When an erasure must be done at the latest: the earliest of the statement's 90 days, the agreement's own term, and
 * the law of the subject's residency (law > agreement > statement, and none makes another longer).
 * @param requestedAt milliseconds since 1970
 * @param agreedDays terms of the agreements in force, in days
 */
export function erasureDue(
  requestedAt: number,
  residency: string | null,
  agreedDays: readonly number[],
  held: Law = law,
): Term {
  const terms: Term[] = [{ at: requestedAt + STATEMENT_DAYS * DAY_MS, rule: 'statement D2' }];
  for (const days of agreedDays) terms.push({ at: requestedAt + days * DAY_MS, rule: `agreement, ${days} days` });
  const deadline = residency === null ? undefined : regimeOf(held, residency, requestedAt)?.requestDeadline;
  if (deadline) {
    const { before, article } = due(deadline, requestedAt);
    terms.push({ at: before - 1, rule: article });
  }
  return terms.reduce((first, term) => (term.at < first.at ? term : first));
}
