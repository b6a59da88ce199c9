import { denied } from '../identity/request-context';
import type { SubjectState } from '../identity/subject-state';

/** The restriction of a person who is being erased; only the erasure's cancellation lifts it. */
export const UNDER_ERASURE = 'ERASURE';

/**
 * Refuses to write to a person who is being erased, locked in the transaction that would write: the eraser would not see
 * it.
 * @throws {GraphQLError} CONFLICT
 */
export function requireNotUnderErasure({ restriction }: SubjectState): void {
  if (restriction === UNDER_ERASURE)
    throw denied.conflict('The customer is being erased; nothing is changed any more.');
}
