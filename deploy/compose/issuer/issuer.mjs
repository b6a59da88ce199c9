/**
 * An OpenID provider to try Remit with: whoever names one of the accounts is that account, with any password. It is made
 * by oidc-provider; its keys live as long as the process.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const { ISSUER_HOST = '127.0.0.1', ISSUER_PORT = '9000', REDIRECT_URI, AUDIENCE, ACCOUNTS, SCOPE } = process.env;
/** What tokens say of each account: tenant, roles, country. */
const accounts = JSON.parse(readFileSync(ACCOUNTS, 'utf8'));

const server = createServer();
await new Promise((resolve) => server.listen(Number(ISSUER_PORT), ISSUER_HOST, resolve));
const { port } = server.address();
const issuer = process.env.ISSUER ?? `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'remit-playground',
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
  ],
  clientBasedCORS: () => true,
  cookies: { keys: [randomUUID()] },
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'RS256', use: 'sig' }] },
  scopes: SCOPE.split(' '),
  extraTokenClaims: (_context, token) => accounts[token.accountId],
  findAccount: (_context, id) => (accounts[id] ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: SCOPE.replace(/^openid /, ''),
        audience: AUDIENCE,
        accessTokenFormat: 'jwt',
      }),
      useGrantedResource: () => true,
    },
  },
});
server.on('request', provider.callback());
process.on('SIGTERM', () => process.exit(0));
process.stdout.write(`${issuer}\n`);
