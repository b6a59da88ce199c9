import type { IncomingMessage } from 'node:http';
import { anonymous, type TokenClaims } from '../identity/caller';
import type { TokenVerifier } from '../identity/tokens';
import { gatewayErrors } from './errors';

/**
 * Who sends a request, by its bearer token (RFC 6750). No header at all is nobody; a header that proves nothing is an
 * error, and never nobody: a caller whose token has lapsed must not think that it read everything.
 * @throws {GatewayError} 401, or 503 where the issuer cannot be asked
 */
export async function authenticate(authorization: string | undefined, verifier: TokenVerifier): Promise<TokenClaims> {
  if (authorization === undefined) return anonymous;
  const token = /^Bearer +([\w~+/.-]+=*) *$/i.exec(authorization)?.[1];
  if (token === undefined) throw gatewayErrors.notBearer();
  const claims = await verifier.verify(token);
  if (claims.subject === '') throw gatewayErrors.invalidToken('The token names no subject.');
  return claims;
}

/** The header as it was sent; Node keeps the first of two and says nothing. @throws {GatewayError} where there are two */
export function authorizationOf({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.filter((name) => name.toLowerCase() === 'authorization').length > 1) throw gatewayErrors.notBearer();
  return headers.authorization;
}
