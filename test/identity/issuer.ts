import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';

export const algorithms = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const),
  ...(['EdDSA', 'Ed25519'] as const),
];
type Algorithm = (typeof algorithms)[number];

interface IssuerKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** A real OpenID provider on loopback, of the parts that a verifier asks for. */
export interface Issuer {
  readonly url: string;
  readonly keys: Record<Algorithm, IssuerKey>;
  /** What its discovery document names as its issuer; a test may change it. */
  discovery: { issuer: string; jwks_uri: string };
  /** Whether it answers at all. */
  up: boolean;
  /** How often its key set was asked for. */
  asked: number;
  /** Signs with another key from now on, and publishes it in place of the one before. */
  rotate(algorithm: Algorithm, kid?: string): Promise<void>;
  /** A token that is good in everything, but for what the claims say. */
  sign(claims: { readonly [claim: string]: unknown }, algorithm?: Algorithm): Promise<string>;
  close(): Promise<void>;
}

/** @param kinds of keys that it has; those of RSA take their time to make */
export async function startIssuer(kinds: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA']): Promise<Issuer> {
  const keys = Object.fromEntries(
    await Promise.all(kinds.map(async (algorithm) => [algorithm, await makeKey(algorithm, algorithm)])),
  ) as Issuer['keys'];
  const keySet = async () => ({
    keys: await Promise.all(
      Object.entries(keys).map(async ([alg, { kid, publicKey }]) => ({ ...(await exportJWK(publicKey)), alg, kid })),
    ),
  });
  const server: Server = createServer(async (request, response) => {
    const asksKeys = request.url === '/jwks';
    if (asksKeys) issuer.asked++;
    if (!issuer.up) return response.writeHead(500).end();
    const document = asksKeys ? await keySet() : issuer.discovery;
    const known = asksKeys || request.url === '/.well-known/openid-configuration';
    return response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let rotations = 0;
  const issuer: Issuer = {
    url,
    keys,
    discovery: { issuer: url, jwks_uri: `${url}/jwks` },
    up: true,
    asked: 0,
    rotate: async (algorithm, kid = `${algorithm}-${++rotations}`) => {
      keys[algorithm] = await makeKey(algorithm, kid);
    },
    sign: (claims, algorithm = 'EdDSA') =>
      new SignJWT({ iss: url, sub: 'somebody', exp: Math.floor(Date.now() / 1000) + 600, ...claims })
        .setProtectedHeader({ alg: algorithm, kid: keys[algorithm].kid })
        .sign(keys[algorithm].privateKey),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return issuer;
}

async function makeKey(algorithm: Algorithm, kid: string): Promise<IssuerKey> {
  return { kid, ...(await generateKeyPair(algorithm)) };
}
