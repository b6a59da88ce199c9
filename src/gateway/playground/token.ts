import { type Purpose, purposes } from './purposes';

/** What a token says of its bearer. Unverified: the server verifies, the playground only reads. */
export interface Bearer {
  subject: string | undefined;
  tenant: string | undefined;
  roles: string[];
  country: string | undefined;
  purposes: Purpose[];
  scopes: string[];
  expiresAt: Date | undefined;
}

/** Reads a JWT's claims without verifying them; undefined where the text is no JWT. */
export function readBearer(token: string): Bearer | undefined {
  const claims = readClaims(token);
  if (!claims) return undefined;
  const scopes = words(claims.scope);
  return {
    subject: text(claims.sub),
    tenant: text(claims.tenant),
    roles: words(claims.roles),
    country: text(claims.country),
    purposes: purposes.map(({ name }) => name).filter((name) => scopes.includes(`purpose:${name}`)),
    scopes: scopes.filter((scope) => !scope.startsWith('purpose:')),
    expiresAt: typeof claims.exp === 'number' ? new Date(claims.exp * 1000) : undefined,
  };
}

function readClaims(token: string): Record<string, unknown> | undefined {
  const payload = token.split('.')[1];
  if (!payload) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}

function text(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim !== '' ? claim : undefined;
}

function words(claim: unknown): string[] {
  if (Array.isArray(claim)) return claim.filter((word) => typeof word === 'string');
  return typeof claim === 'string' ? claim.split(' ').filter(Boolean) : [];
}
