import type { JWTPayload } from 'jose';
import { isPurpose } from '../governance/vocabulary';
import { type Role, roles, type TokenClaims } from './caller';
import { InvalidTokenError } from './token-errors';

const PURPOSE_SCOPE = 'purpose:';
/** OpenID Connect Core 1.0, section 2. */
const LONGEST_SUBJECT = 255;

/**
 * The names of claims in a token's payload. A name may be a path through objects, as Keycloak's `realm_access.roles`,
 * or contain dots, as Auth0's `https://acme.example/roles`. Of several names, only the first that the token has counts.
 */
export interface ClaimNames {
  readonly subject: readonly string[];
  readonly tenant: readonly string[];
  readonly roles: readonly string[];
  readonly scope: readonly string[];
  readonly country: readonly string[];
}

/** Providers use `scope` (RFC 8693), `scp` (Microsoft), or a list of permissions. */
export const defaultClaimNames: ClaimNames = {
  subject: ['sub'],
  tenant: ['tenant'],
  roles: ['roles'],
  scope: ['scope', 'scp', 'permissions'],
  country: ['country'],
};

/**
 * Reads the claims of a verified token. Absent and null claims count as not given. Roles and scopes of other services
 * are ignored.
 * @throws {InvalidTokenError} naming the claim, never its value, where one is not of the form that it must have
 */
export function claimsOf(payload: JWTPayload, names: ClaimNames = defaultClaimNames): TokenClaims {
  const subject = subjectIn(claimIn(payload, names.subject));
  const scopes = listIn(claimIn(payload, names.scope));
  return {
    subject,
    tenant: textIn(claimIn(payload, names.tenant)),
    roles: listIn(claimIn(payload, names.roles)).filter(isRole),
    scopes: scopes.filter((scope) => !scope.startsWith(PURPOSE_SCOPE)),
    purposes: scopes
      .filter((scope) => scope.startsWith(PURPOSE_SCOPE))
      .map((scope) => scope.slice(PURPOSE_SCOPE.length))
      .filter(isPurpose),
    country: countryIn(claimIn(payload, names.country)),
  };
}

interface Claim {
  readonly name: string;
  readonly value: unknown;
}

const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

function claimIn(payload: JWTPayload, names: readonly string[]): Claim {
  for (const name of names) {
    const value = valueAt(payload, name);
    if (value !== undefined && value !== null) return { name, value };
  }
  return { name: names[0] ?? '', value: undefined };
}

/** Tries the longest name first, so that a name with dots wins over a path. */
function valueAt(holder: unknown, path: string): unknown {
  if (typeof holder !== 'object' || holder === null) return undefined;
  if (Object.hasOwn(holder, path)) return Reflect.get(holder, path);
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot);
    if (Object.hasOwn(holder, name)) return valueAt(Reflect.get(holder, name), path.slice(dot + 1));
  }
  return undefined;
}

/** Some providers number their users. Numbers beyond 2^53 are refused: two of them may be read as one. */
function subjectIn({ name, value }: Claim): string {
  if (value === undefined) throw new InvalidTokenError(`The token names no subject: it lacks "${name}".`);
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || text === '' || text.length > LONGEST_SUBJECT) {
    throw illFormed(name, `a text of 1 to ${LONGEST_SUBJECT} characters, or a whole number below 2^53`);
  }
  return text;
}

function textIn({ name, value }: Claim): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw illFormed(name, 'a text that is not empty');
  return value;
}

function countryIn({ name, value }: Claim): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^[A-Z]{2}$/.test(value)) return value;
  throw illFormed(name, 'two capitals, ISO 3166-1 alpha-2');
}

/** RFC 8693 writes `scope` as one text with spaces; some providers write a list. */
function listIn({ name, value }: Claim): string[] {
  const entries: unknown = typeof value === 'string' ? value.split(' ') : (value ?? []);
  if (!Array.isArray(entries) || !entries.every((entry): entry is string => typeof entry === 'string')) {
    throw illFormed(name, 'a list of texts, or one text with spaces between them');
  }
  return [...new Set(entries.filter((entry) => entry !== ''))];
}

const illFormed = (name: string, form: string) => new InvalidTokenError(`The claim "${name}" must be ${form}.`);
