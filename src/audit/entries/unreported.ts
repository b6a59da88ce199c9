import { type Role, sideOf } from '../../identity/caller';
import type { AuditEntry } from '../log/entry';
import { timeOfId } from '../log/entry';

/**
 * Whether an entry is hidden from the client while a gag order covers a disclosure of its data (statement S4). Only
 * operations of the platform that gave nothing governed are hidden, such as recording, approving and listing
 * disclosures. Access to the client's data is never hidden (statement G1).
 * @param since when the first disclosure under the gag order was prepared, milliseconds since 1970
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
