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
  return named(await verifier.verify(tokenIn(authorization)));
}

/** The same for a caller whose token was verified before, at once; undefined for anybody else. */
export function authenticated(authorization: string | undefined, verifier: TokenVerifier): TokenClaims | undefined {
  if (authorization === undefined) return anonymous;
  const claims = verifier.verified?.(tokenIn(authorization));
  return claims && named(claims);
}

function tokenIn(authorization: string): string {
  const token = /^Bearer +([\w~+/.-]+=*) *$/i.exec(authorization)?.[1];
  if (token === undefined) throw gatewayErrors.notBearer();
  return token;
}

function named(claims: TokenClaims): TokenClaims {
  if (claims.subject === '') throw gatewayErrors.invalidToken('The token names no subject.');
  return claims;
}

/**
 * The `authorization` header. Node silently keeps the first of two.
 * @throws {GatewayError} where there are two
 */
export function authorizationOf({ headers, rawHeaders }: IncomingMessage): string | undefined {
  let sent = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 'authorization'.length && name.toLowerCase() === 'authorization') sent++;
  }
  if (sent > 1) throw gatewayErrors.notBearer();
  return headers.authorization;
}
