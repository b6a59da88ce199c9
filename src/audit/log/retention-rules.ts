import { auditKind, entryRetention } from '../../identity/audit-kinds';

/**
 * Whether an entry of this kind may be pruned.
 * @param at when it was written, milliseconds since 1970
 */
export function mayBePruned(kind: string, at: number, now: number): boolean {
  const { years } = entryRetention[auditKind(kind).retention];
  const end = new Date(at);
  end.setUTCFullYear(end.getUTCFullYear() + years);
  return end.getTime() <= now;
}
