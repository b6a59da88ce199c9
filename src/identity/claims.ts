import type { JWTPayload } from 'jose';
import { isPurpose } from '../governance/vocabulary';
import { type Role, roles, type TokenClaims } from './caller';

const PURPOSE_SCOPE = 'purpose:';

/** What a verified token's payload says; what it says wrongly is as if it were not said. */
export function claimsOf(payload: JWTPayload): TokenClaims {
  const scopes = listOf(payload.scope);
  return {
    subject: payload.sub ?? '',
    tenant: textOf(payload.tenant),
    roles: listOf(payload.roles).filter(isRole),
    scopes: scopes.filter((scope) => !scope.startsWith(PURPOSE_SCOPE)),
    purposes: scopes
      .filter((scope) => scope.startsWith(PURPOSE_SCOPE))
      .map((scope) => scope.slice(PURPOSE_SCOPE.length))
      .filter(isPurpose),
    country: typeof payload.country === 'string' && /^[A-Z]{2}$/.test(payload.country) ? payload.country : undefined,
  };
}

const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

const textOf = (claim: unknown): string | undefined => (typeof claim === 'string' && claim !== '' ? claim : undefined);

/** RFC 8693 writes `scope` as one text with spaces; some providers write a list. */
function listOf(claim: unknown): string[] {
  const entries = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  const texts = entries.filter((entry): entry is string => typeof entry === 'string' && entry !== '');
  return [...new Set(texts)];
}
