import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';

type Algorithm = 'RS256' | 'ES256' | 'EdDSA';

/** A real OpenID provider on loopback, of the parts that a verifier asks for. */
export interface Issuer {
  readonly url: string;
  readonly keys: Record<Algorithm, { privateKey: CryptoKey; publicKey: CryptoKey }>;
  /** What its discovery document names as its issuer; a test may change it. */
  discovery: { issuer: string; jwks_uri: string };
  /** Whether it answers at all. */
  up: boolean;
  /** A token that is good in everything, but for what the claims say. */
  sign(claims: { readonly [claim: string]: unknown }, algorithm?: Algorithm): Promise<string>;
  close(): Promise<void>;
}

export async function startIssuer(): Promise<Issuer> {
  const keys = {
    RS256: await generateKeyPair('RS256'),
    ES256: await generateKeyPair('ES256'),
    EdDSA: await generateKeyPair('EdDSA', { crv: 'Ed25519' }),
  };
  const jwks = {
    keys: await Promise.all(
      Object.entries(keys).map(async ([alg, { publicKey }]) => ({ ...(await exportJWK(publicKey)), alg, kid: alg })),
    ),
  };
  const server: Server = createServer((request, response) => {
    if (!issuer.up) return response.writeHead(500).end();
    const document = request.url === '/jwks' ? jwks : issuer.discovery;
    const known = request.url === '/jwks' || request.url === '/.well-known/openid-configuration';
    return response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: Issuer = {
    url,
    keys,
    discovery: { issuer: url, jwks_uri: `${url}/jwks` },
    up: true,
    sign: (claims, algorithm = 'EdDSA') =>
      new SignJWT({ iss: url, sub: 'somebody', exp: Math.floor(Date.now() / 1000) + 600, ...claims })
        .setProtectedHeader({ alg: algorithm, kid: algorithm })
        .sign(keys[algorithm].privateKey),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return issuer;
}
