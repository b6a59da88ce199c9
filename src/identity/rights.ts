import type { Prohibition } from '../governance/govern';
import { allCategories, allPurposes, type DataCategory, type ProcessingPurpose } from '../governance/vocabulary';
import { covers, type Validity } from '../law/validity';
import type { TokenClaims } from './caller';

/** A grant, an instruction or a register entry: it permits reading for purposes. */
export interface Permission extends Validity {
  /** How `rule` cites it: `grant <id>`, `instruction <id>`, `sub-processor <slug>`. */
  readonly title: string;
  readonly purposes: readonly ProcessingPurpose[];
  /** null means every category. */
  readonly categories: readonly DataCategory[] | null;
  /** Acts that it orders. */
  readonly acts?: readonly string[];
  /** Whether it applies to this caller. */
  covers(claims: TokenClaims): boolean;
}

/** A clause of an agreement that excludes purposes which the schema allows (R2: agreement before statement). */
export interface Exclusion extends Validity {
  readonly title: string;
  readonly purposes: readonly ProcessingPurpose[];
}

export interface Rights {
  /** The titles of what permits the caller anything. */
  readonly titles: readonly string[];
  readonly granted: readonly ProcessingPurpose[];
  prohibitions(purpose: string | undefined): readonly Prohibition[];
  /** Whether an instruction in force orders the caller to do this. */
  readonly instructedTo: (act: string) => boolean;
  /** The titles of the grants, instructions and entries that let the caller read for a purpose. */
  readonly permissionsFor: (purpose: string) => readonly string[];
}

/**
 * The rights of a caller. A purpose is granted if the token names it and a permission in force covers it. Categories
 * that no permission covers, and purposes that an agreement excludes, are prohibited.
 * @param at milliseconds since 1970
 */
export function rightsOf(
  claims: TokenClaims,
  permissions: readonly Permission[],
  exclusions: readonly Exclusion[],
  at: number,
): Rights {
  const mine = permissions.filter((permission) => covers(permission, at) && permission.covers(claims));
  const granted = allPurposes.filter(
    (purpose) => claims.purposes.includes(purpose) && mine.some(({ purposes }) => purposes.includes(purpose)),
  );
  return {
    titles: mine.map(({ title }) => title),
    granted,
    instructedTo: (act) => mine.some(({ acts = [] }) => acts.includes(act)),
    permissionsFor: (purpose) =>
      mine.filter(({ purposes }) => purposes.some((name) => name === purpose)).map(({ title }) => title),
    prohibitions: (purpose) => {
      const wanted = granted.find((name) => name === purpose);
      if (wanted === undefined) return [];
      const excluding = exclusions.find((clause) => covers(clause, at) && clause.purposes.includes(wanted));
      if (excluding)
        return allCategories.map((category) => ({ category, code: 'PURPOSE_NOT_PERMITTED', rule: excluding.title }));
      return outsideScope(mine.filter(({ purposes }) => purposes.includes(wanted)));
    },
  };
}

function outsideScope(permissions: readonly Permission[]): Prohibition[] {
  if (permissions.some(({ categories }) => categories === null)) return [];
  const covered = new Set(permissions.flatMap(({ categories }) => categories ?? []));
  const rule = permissions.map(({ title }) => title).join(', ');
  return allCategories
    .filter((category) => !covered.has(category))
    .map((category) => ({ category, code: 'PURPOSE_NOT_GRANTED', rule: `scope of ${rule}` }));
}
