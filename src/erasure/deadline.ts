import { type DeadlineName, due } from '../law/deadlines';

const DAY_MS = 86_400_000;
/** The statement's own bound, D1 and D2. */
export const STATEMENT_DAYS = 90;

/** Countries where the GDPR holds, the UK's, or Swiss law with the same month (FADP Art. 25(7): 30 days; the month is no longer). */
const gdprCountries = new Set(
  'AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO GB CH'.split(' '),
);

function lawOf(residency: string | null): DeadlineName | undefined {
  if (residency === null) return undefined;
  if (gdprCountries.has(residency)) return 'GDPR_REQUEST';
  return residency === 'US' ? 'CCPA_RESPOND' : undefined;
}

export interface Term {
  /** Milliseconds since 1970 of the last moment in time. */
  readonly at: number;
  readonly rule: string;
}

/**
 * When an erasure must be done at the latest: the earliest of the statement's 90 days, the agreement's own term, and the
 * law of the subject's residency (law > agreement > statement, and none makes another longer).
 * @param requestedAt milliseconds since 1970
 * @param agreedDays terms of the agreements in force, in days
 */
export function erasureDue(requestedAt: number, residency: string | null, agreedDays: readonly number[]): Term {
  const terms: Term[] = [{ at: requestedAt + STATEMENT_DAYS * DAY_MS, rule: 'statement D2' }];
  for (const days of agreedDays) terms.push({ at: requestedAt + days * DAY_MS, rule: `agreement, ${days} days` });
  const law = lawOf(residency);
  if (law) {
    const { before, article } = due(law, requestedAt);
    terms.push({ at: before - 1, rule: article });
  }
  return terms.reduce((first, term) => (term.at < first.at ? term : first));
}
