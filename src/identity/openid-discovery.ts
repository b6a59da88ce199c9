import { isPrivateChannel } from './private-channel';
import { IssuerUnavailableError } from './token-errors';

const TIMEOUT_MS = 5_000;

/**
 * Fetches the issuer's current keys by OpenID Connect Discovery 1.0, section 4. The document must name the issuer.
 * @throws {IssuerUnavailableError} where they cannot be fetched
 */
export async function discoverKeys(issuer: string): Promise<Record<string, unknown>> {
  return fetchDocument(addressIn(await discover(issuer), 'jwks_uri'), 'its key set');
}

/** The issuer's endpoints for signing in. */
export interface SignInEndpoints {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
}

/** @throws {IssuerUnavailableError} where the issuer does not say */
export async function discoverSignIn(issuer: string): Promise<SignInEndpoints> {
  const document = await discover(issuer);
  return {
    authorizationEndpoint: addressIn(document, 'authorization_endpoint'),
    tokenEndpoint: addressIn(document, 'token_endpoint'),
  };
}

async function discover(issuer: string): Promise<Record<string, unknown>> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = await fetchDocument(address, 'its discovery document');
  if (document.issuer !== issuer) throw new IssuerUnavailableError('its discovery document names another issuer');
  return document;
}

function addressIn(document: Record<string, unknown>, name: string): string {
  const address = document[name];
  if (typeof address === 'string' && isPrivateChannel(address)) return address;
  throw new IssuerUnavailableError(`its discovery document names no ${name} with https`);
}

async function fetchDocument(address: string, what: string): Promise<Record<string, unknown>> {
  try {
    const response = await fetch(address, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return Object(await response.json()) as Record<string, unknown>;
  } catch (error) {
    throw new IssuerUnavailableError(`${what} cannot be had`, { cause: error });
  }
}
