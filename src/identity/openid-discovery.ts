import { createRemoteJWKSet } from 'jose';
import { IssuerUnavailableError } from './token-errors';

const TIMEOUT_MS = 5_000;
const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

type RemoteKeys = ReturnType<typeof createRemoteJWKSet>;

/**
 * Finds the issuer's keys by OpenID Connect Discovery 1.0, section 4: the document must name the issuer it was asked for.
 * @throws {IssuerUnavailableError} where it cannot be had, or is not sound
 */
export async function discoverKeys(issuer: string): Promise<RemoteKeys> {
  const { issuer: named, jwks_uri: keysAddress } = await fetchDocument(issuer);
  if (named !== issuer) throw new IssuerUnavailableError('its discovery document names another issuer');
  if (typeof keysAddress !== 'string' || !isConfidential(keysAddress)) {
    throw new IssuerUnavailableError('its discovery document names no jwks_uri with https');
  }
  return createRemoteJWKSet(new URL(keysAddress), { timeoutDuration: TIMEOUT_MS });
}

async function fetchDocument(issuer: string): Promise<Record<string, unknown>> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  try {
    const response = await fetch(address, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  } catch (error) {
    throw new IssuerUnavailableError('its discovery document cannot be had', { cause: error });
  }
}

function isConfidential(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && loopback.has(hostname));
}
