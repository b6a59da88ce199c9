// An OpenID provider of its own kind and process: `node openid-provider.mjs REDIRECT_URI AUDIENCE` prints its address.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [redirectUri, audience] = process.argv.slice(2);
const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'remit-playground',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
  ],
  clientBasedCORS: () => true,
  cookies: { keys: ['a key for a test'] },
  scopes: ['openid', 'purpose:SUPPORT', 'purpose:LEGAL'],
  extraTokenClaims: () => ({ tenant: 'alpine-clinic', roles: ['CLIENT_AGENT'], country: 'AT' }),
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: 'purpose:SUPPORT purpose:LEGAL', audience, accessTokenFormat: 'jwt' }),
      useGrantedResource: () => true,
    },
  },
});
server.on('request', provider.callback());
process.stdout.write(`${issuer}\n`);
