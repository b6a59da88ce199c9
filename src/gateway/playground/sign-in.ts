import * as oauth from 'oauth4webapi';
import { useEffect, useRef, useState } from 'react';

/** How to sign in at the issuer, as `/playground/sign-in.json` says it. */
export interface SignIn {
  issuer: string;
  clientId: string;
  scope: string;
  /** What the token is to be for (RFC 8707), where the server asks for an audience. */
  audience?: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
}

/** What has to be known again when the issuer sends the browser back. */
interface Departure {
  state: string;
  nonce: string;
  verifier: string;
}

const DEPARTURE = 'remit:sign-in';

const redirectUri = () => `${location.origin}/playground/`;

/** Sign-in for this page. `begin` is undefined where the server has none; `fault` says why one failed. */
export function useSignIn(onToken: (token: string) => void): {
  issuer: string | undefined;
  fault: string | undefined;
  begin: (() => void) | undefined;
} {
  const [signIn, setSignIn] = useState<SignIn>();
  const [fault, setFault] = useState<string>();
  const deliver = useRef(onToken);
  deliver.current = onToken;
  useEffect(() => {
    const open = async () => {
      const offered = await offeredSignIn();
      setSignIn(offered);
      const token = offered && (await arrive(offered));
      if (token) deliver.current(token);
    };
    open().catch((error: unknown) => setFault(error instanceof Error ? error.message : String(error)));
  }, []);
  const begin = signIn && (() => void depart(signIn));
  return { issuer: signIn && new URL(signIn.issuer).host, fault, begin };
}

async function offeredSignIn(): Promise<SignIn | undefined> {
  const response = await fetch('/playground/sign-in.json', { credentials: 'omit' });
  if (!response.ok) throw new Error('The issuer cannot be reached, so nobody can sign in now. A token still works.');
  return ((await response.json()) as SignIn | null) ?? undefined;
}

/** Goes to the issuer: authorization code with PKCE (RFC 7636), so that no secret is in this page. */
async function depart({ clientId, scope, audience, authorizationEndpoint }: SignIn): Promise<void> {
  const departure: Departure = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
  };
  sessionStorage.setItem(DEPARTURE, JSON.stringify(departure));
  const target = new URL(authorizationEndpoint);
  const asked = {
    client_id: clientId,
    redirect_uri: redirectUri(),
    response_type: 'code',
    scope,
    state: departure.state,
    nonce: departure.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(departure.verifier),
    code_challenge_method: 'S256',
    ...(audience === undefined ? {} : { audience, ...(URL.canParse(audience) ? { resource: audience } : {}) }),
  };
  for (const [name, value] of Object.entries(asked)) target.searchParams.set(name, value);
  location.assign(target);
}

/** @returns the access token, where the issuer has just sent the browser back with a code */
async function arrive(signIn: SignIn): Promise<string | undefined> {
  const came = new URL(location.href);
  if (!came.searchParams.has('state')) return undefined;
  history.replaceState(null, '', location.pathname);
  const kept = sessionStorage.getItem(DEPARTURE);
  sessionStorage.removeItem(DEPARTURE);
  if (kept === null) throw new Error('This sign-in was begun in another tab. Sign in again here.');
  const { state, nonce, verifier } = JSON.parse(kept) as Departure;
  const server = { issuer: signIn.issuer, token_endpoint: signIn.tokenEndpoint };
  const client = { client_id: signIn.clientId };
  const parameters = oauth.validateAuthResponse(server, client, came, state);
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    parameters,
    redirectUri(),
    verifier,
    {
      // The server lets an issuer speak plain http on this machine only.
      [oauth.allowInsecureRequests]: new URL(signIn.issuer).protocol === 'http:',
      ...(signIn.audience !== undefined && URL.canParse(signIn.audience)
        ? { additionalParameters: { resource: signIn.audience } }
        : {}),
    },
  );
  const granted = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce });
  return granted.access_token;
}
