import { send } from '../outbound/http';
import { isConfidential } from '../outbound/urls';
import { IssuerUnavailableError } from './token-errors';

/** The operator names the issuer, which may well be in this network. A key set of 1 MiB has some hundreds of keys. */
const policy = { timeoutMs: 5_000, maxBytes: 1024 * 1024, privateAddresses: true };

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
  if (typeof address === 'string' && isConfidential(address)) return address;
  throw new IssuerUnavailableError(`its discovery document names no ${name} with https`);
}

async function fetchDocument(address: string, what: string): Promise<Record<string, unknown>> {
  try {
    const request = { url: address, method: 'GET', headers: { accept: 'application/json' } } as const;
    const { status, body } = await send(request, policy);
    if (status < 200 || status > 299) throw new Error(`status ${status}`);
    return Object(JSON.parse(body.toString())) as Record<string, unknown>;
  } catch (error) {
    throw new IssuerUnavailableError(`${what} cannot be had`, { cause: error });
  }
}
