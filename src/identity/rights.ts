import type { Prohibition } from '../governance/govern';
import { allPurposes, type DataCategory, dataCategories, type ProcessingPurpose } from '../governance/vocabulary';
import type { TokenClaims } from './caller';
import { isInForce, type Validity } from './in-force';

/** A grant, an instruction, or a register entry: something that lets somebody read for a purpose. */
export interface Permission extends Validity {
  /** As a caller will read it in `rule`: `grant <id>`, `instruction <id>`, `sub-processor <slug>`. */
  readonly title: string;
  readonly purposes: readonly ProcessingPurpose[];
  /** null is every category. */
  readonly categories: readonly DataCategory[] | null;
  /** What it orders besides reading. */
  readonly acts?: readonly string[];
  /** Whether it is for this caller. */
  covers(claims: TokenClaims): boolean;
}

/** A clause of an agreement that closes a purpose the schema leaves open (R2: agreement before statement). */
export interface Exclusion extends Validity {
  readonly title: string;
  readonly purposes: readonly ProcessingPurpose[];
}

export interface Rights {
  readonly granted: readonly ProcessingPurpose[];
  prohibitions(purpose: string | undefined): readonly Prohibition[];
  /** Whether a client's order in force lets the caller do this. */
  readonly instructedTo: (act: string) => boolean;
  /** The titles of the grants, instructions and entries that let the caller read for a purpose. */
  readonly permissionsFor: (purpose: string) => readonly string[];
}

/**
 * What a caller may read for: purposes that the token names and a permission in force covers. What permissions do not
 * cover of the categories, and what an agreement excludes, is prohibited.
 * @param at milliseconds since 1970
 */
export function rightsOf(
  claims: TokenClaims,
  permissions: readonly Permission[],
  exclusions: readonly Exclusion[],
  at: number,
): Rights {
  const mine = permissions.filter((permission) => isInForce(permission, at) && permission.covers(claims));
  const granted = allPurposes.filter(
    (purpose) => claims.purposes.includes(purpose) && mine.some(({ purposes }) => purposes.includes(purpose)),
  );
  return {
    granted,
    instructedTo: (act) => mine.some(({ acts = [] }) => acts.includes(act)),
    permissionsFor: (purpose) =>
      mine.filter(({ purposes }) => purposes.some((name) => name === purpose)).map(({ title }) => title),
    prohibitions: (purpose) => {
      const wanted = granted.find((name) => name === purpose);
      if (wanted === undefined) return [];
      const excluding = exclusions.find((clause) => isInForce(clause, at) && clause.purposes.includes(wanted));
      if (excluding)
        return everyCategory.map((category) => ({ category, code: 'PURPOSE_NOT_PERMITTED', rule: excluding.title }));
      return outsideScope(mine.filter(({ purposes }) => purposes.includes(wanted)));
    },
  };
}

const everyCategory = Object.keys(dataCategories) as DataCategory[];

function outsideScope(permissions: readonly Permission[]): Prohibition[] {
  if (permissions.some(({ categories }) => categories === null)) return [];
  const covered = new Set(permissions.flatMap(({ categories }) => categories ?? []));
  const rule = permissions.map(({ title }) => title).join(', ');
  return everyCategory
    .filter((category) => !covered.has(category))
    .map((category) => ({ category, code: 'PURPOSE_NOT_GRANTED', rule: `scope of ${rule}` }));
}
