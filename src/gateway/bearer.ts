import type { IncomingMessage } from 'node:http';
import { anonymous, type TokenClaims } from '../identity/caller';
import type { TokenVerifier } from '../identity/tokens';
import { gatewayErrors } from './errors';

/**
 * The caller, by bearer token (RFC 6750). No header means an anonymous caller. A header that proves nothing is an error
 * and never falls back to anonymous: a caller whose token has expired must not take a partial answer for a full one.
 * @throws {GatewayError} 401, or 503 where the issuer cannot be reached
 */
export async function authenticate(authorization: string | undefined, verifier: TokenVerifier): Promise<TokenClaims> {
  if (authorization === undefined) return anonymous;
  const token = /^Bearer +([\w~+/.-]+=*) *$/i.exec(authorization)?.[1];
  if (token === undefined) throw gatewayErrors.notBearer();
  const claims = await verifier.verify(token);
  if (claims.subject === '') throw gatewayErrors.invalidToken('The token names no subject.');
  return claims;
}

/**
 * The `authorization` header. Node silently keeps the first of two.
 * @throws {GatewayError} where there are two
 */
export function authorizationOf({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.filter((name) => name.toLowerCase() === 'authorization').length > 1) throw gatewayErrors.notBearer();
  return headers.authorization;
}
