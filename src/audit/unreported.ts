import { type Role, sideOf } from '../identity/caller';
import type { AuditEntry } from './log/entry';
import { timeOfId } from './log/entry-id';

/**
 * Whether an entry stays unreported to the client while a gag covers a disclosure of its data (statement S4): an operation of
 * the platform that gave nothing governed, as recording, approving and listing disclosures are. Access to the client's
 * data is told always (statement G1).
 * @param since when the first disclosure under the gag was prepared, milliseconds since 1970
 */
export function isUnreported(
  { id, kind, roles = [], coordinates = {}, subjects = [] }: AuditEntry,
  since: number,
): boolean {
  if (kind !== 'ACCESS' || timeOfId(id) < since) return false;
  if (Object.keys(coordinates).length > 0 || subjects.length > 0) return false;
  const side = sideOf(roles as readonly Role[]);
  return side === undefined || side === 'PLATFORM' || side === 'AUDITOR';
}
