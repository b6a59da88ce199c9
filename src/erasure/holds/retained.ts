import { allCategories, type DataCategory } from '../../governance/vocabulary';
import type { Retained } from '../records/certificate';
import type { ErasureRequestState } from '../requests/request-state';
import type { LegalHold } from './legal-holds';

type Scoped = Pick<ErasureRequestState, 'categories'>;

/** Categories to erase now: the scope of the request without what holds keep. */
export function erasedCategories(state: Scoped, holds: readonly LegalHold[]): DataCategory[] {
  const held = new Set(holds.flatMap(({ categories }) => categories));
  return (state.categories ?? allCategories).filter((category) => !held.has(category));
}

/** What holds keep in the scope of the request: each category with the hold that keeps it longest. */
export function retainedBy(state: Scoped, holds: readonly LegalHold[]): Retained[] {
  return (state.categories ?? allCategories).flatMap((category) => {
    const hold = keeper(category, holds);
    return hold ? [{ category, reason: `LEGAL_HOLD ${hold.id}`, until: hold.until?.toISOString() ?? null }] : [];
  });
}

/** The hold that keeps a category longest. */
export function keeper(category: DataCategory, holds: readonly LegalHold[]): LegalHold | undefined {
  const end = ({ until }: LegalHold) => until?.getTime() ?? Number.POSITIVE_INFINITY;
  const [longest] = holds.filter(({ categories }) => categories.includes(category)).sort((a, b) => end(b) - end(a));
  return longest;
}

/** When the first of the holds ends by itself, in milliseconds since 1970; null when none does. */
export function nextExpiry(holds: readonly LegalHold[]): number | null {
  const ends = holds.flatMap(({ until }) => (until ? [until.getTime()] : []));
  return ends.length > 0 ? Math.min(...ends) : null;
}
