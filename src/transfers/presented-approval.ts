import type { Law } from '../law/law';
import type { Suspension } from '../law/transfer';
import { endedAt, historyOf, stateAt } from './approval-state';
import type { StoredApproval } from './approval-store';
import { articlesOf } from './approved-basis';
import type { TransferApproval } from './transfer-approval';
import { courseOf } from './transfer-approvals';

/** An approval as the API gives it, at a moment. */
export function presented(
  law: Law,
  approval: StoredApproval,
  suspensions: readonly Suspension[],
  now: number,
): TransferApproval {
  const course = courseOf(law, approval, suspensions);
  const { subjects: _people, events, ...terms } = approval;
  const ended = endedAt(events);
  return {
    ...terms,
    categories: [...terms.categories],
    purposes: [...terms.purposes],
    safeguards: [...terms.safeguards],
    residencies: terms.residencies === null ? null : [...terms.residencies],
    validFrom: new Date(terms.validFrom),
    validUntil: terms.validUntil === null ? null : new Date(terms.validUntil),
    requestedAt: new Date(terms.requestedAt),
    endedAt: ended === null ? null : new Date(ended),
    state: stateAt(course, now),
    articles: articlesOf(law, approval, now, suspensions),
    history: historyOf(course, now).map((entry) => ({ ...entry, at: new Date(entry.at) })),
  };
}
