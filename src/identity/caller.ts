import type { ProcessingPurpose } from '../governance/vocabulary';

/** The roles of principals. */
export const roles = [
  'CLIENT_APP',
  'CLIENT_AGENT',
  'CLIENT_ADMIN',
  'CLIENT_PRIVACY_OFFICER',
  'PARTNER',
  'SUB_PROCESSOR',
  'PLATFORM_STAFF',
  'PLATFORM_PRIVACY_OFFICER',
  'AUDITOR',
] as const;
export type Role = (typeof roles)[number];

/** The side that a role belongs to. */
type Side = 'CLIENT' | 'PARTNER' | 'SUB_PROCESSOR' | 'PLATFORM' | 'AUDITOR';

const sides: Readonly<Record<Role, Side>> = {
  CLIENT_APP: 'CLIENT',
  CLIENT_AGENT: 'CLIENT',
  CLIENT_ADMIN: 'CLIENT',
  CLIENT_PRIVACY_OFFICER: 'CLIENT',
  PARTNER: 'PARTNER',
  SUB_PROCESSOR: 'SUB_PROCESSOR',
  PLATFORM_STAFF: 'PLATFORM',
  PLATFORM_PRIVACY_OFFICER: 'PLATFORM',
  AUDITOR: 'AUDITOR',
};

/** The side of all of a token's roles. Undefined where it has no role, or roles of several sides. */
export function sideOf(held: readonly Role[]): Side | undefined {
  const [side, another] = new Set(held.map((role) => sides[role]));
  return another === undefined ? side : undefined;
}

/** The claims of a verified token. */
export interface TokenClaims {
  /** `sub`: for a partner its application's id or slug, for a sub-processor its own. */
  readonly subject: string;
  /** `tenant`: the client whose data is meant, by id or slug. */
  readonly tenant: string | undefined;
  readonly roles: readonly Role[];
  /** `scope`, without the purposes. */
  readonly scopes: readonly string[];
  /** The purposes among `scope`, written `purpose:X`. Unknown ones are left out. */
  readonly purposes: readonly ProcessingPurpose[];
  /** `country`, ISO 3166-1 alpha-2. */
  readonly country: string | undefined;
  /** When the token is no longer accepted, in milliseconds since 1970. Undefined where no token was shown. */
  readonly expiresAt?: number;
}

/** A request without a token. It reads public data only. */
export const anonymous: TokenClaims = {
  subject: '',
  tenant: undefined,
  roles: [],
  scopes: [],
  purposes: [],
  country: undefined,
};
