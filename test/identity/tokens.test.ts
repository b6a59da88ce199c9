import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { signDevelopmentToken } from '../../src/identity/development-keys';
import { InvalidTokenError, IssuerUnavailableError } from '../../src/identity/token-errors';
import { createTokenVerifier, type TokenVerifier } from '../../src/identity/tokens';
import { ConfigurationError } from '../../src/storage/errors';
import { type Issuer, startIssuer } from './issuer';

const folder = mkdtempSync(join(tmpdir(), 'remit-tokens-'));
const keyFile = join(folder, 'deeper', 'dev-jwt.key.json');
const now = () => Math.floor(Date.now() / 1000);
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

let issuer: Issuer;
let verifier: TokenVerifier;
beforeAll(async () => {
  issuer = await startIssuer();
  verifier = createTokenVerifier({ issuer: issuer.url, production: true });
});
afterAll(async () => {
  await issuer.close();
  rmSync(folder, { recursive: true });
});

describe('tokens of the configured issuer', () => {
  it.each(['RS256', 'ES256', 'EdDSA'] as const)('are verified with %s', async (algorithm) => {
    expect(await verifier.verify(await issuer.sign({ sub: 'mara' }, algorithm))).toMatchObject({ subject: 'mara' });
  });

  it('say who calls, for which client, in which roles, for which purposes, from where', async () => {
    const token = await issuer.sign({
      sub: 'mara',
      tenant: 'northwind',
      roles: ['CLIENT_AGENT', 'SUPERUSER', 7],
      scope: 'customers:read purpose:SUPPORT purpose:SELLING  purpose:SUPPORT',
      country: 'DE',
    });
    expect(await verifier.verify(token)).toEqual({
      subject: 'mara',
      tenant: 'northwind',
      roles: ['CLIENT_AGENT'],
      scopes: ['customers:read'],
      purposes: ['SUPPORT'],
      country: 'DE',
    });
  });

  it('may write scope as a list; what is written wrongly is as if it were not written', async () => {
    const listed = await issuer.sign({ scope: ['purpose:LEGAL', 'a'], country: 'de', tenant: '', roles: 'AUDITOR' });
    expect(await verifier.verify(listed)).toEqual({
      subject: 'somebody',
      tenant: undefined,
      roles: ['AUDITOR'],
      scopes: ['a'],
      purposes: ['LEGAL'],
      country: undefined,
    });
    expect(await verifier.verify(await issuer.sign({ country: 'DEU', scope: 7, roles: null }))).toMatchObject({
      roles: [],
      scopes: [],
      country: undefined,
    });
  });

  const refusals: [string, () => Promise<string>, RegExp][] = [
    ['without exp', () => issuer.sign({ exp: undefined }), /exp/],
    ['expired', () => issuer.sign({ exp: now() - 60 }), /expired/],
    ['not valid yet', () => issuer.sign({ nbf: now() + 60 }), /nbf/],
    ['without sub', () => issuer.sign({ sub: undefined }), /sub/],
    ['with an empty sub', () => issuer.sign({ sub: '' }), /subject/],
    ['of another issuer', () => issuer.sign({ iss: 'https://other.example' }), /iss/],
    ['of an issuer that differs by a slash', () => issuer.sign({ iss: `${issuer.url}/` }), /iss/],
    ['with alg none', async () => `${part({ alg: 'none' })}.${part(claims())}.`, /algorithm/],
    ['signed with HS256 by the public key', signedByPublicKey, /algorithm/],
    ['signed by a key of nobody', signedByStranger, /signature/],
    ['changed after signing', changed, /signature/],
    ['that is no token', async () => 'not-a-token', /malformed/],
    ['that is far too long', async () => 'a'.repeat(9_000), /long/],
  ];
  it.each(refusals)('are refused %s, without being repeated', async (_, make, words) => {
    const token = await make();
    const refusal: Error = await verifier.verify(token).then(
      () => new Error('it was accepted'),
      (error: Error) => error,
    );
    expect(refusal).toBeInstanceOf(InvalidTokenError);
    expect(refusal.message).toMatch(words);
    expect(refusal.message).not.toContain(token.slice(0, 20));
  });

  it('are refused for another audience where one is configured', async () => {
    const strict = createTokenVerifier({ issuer: issuer.url, audience: 'remit', production: true });
    expect(await strict.verify(await issuer.sign({ aud: ['remit', 'x'] }))).toMatchObject({ subject: 'somebody' });
    await expect(strict.verify(await issuer.sign({ aud: 'other' }))).rejects.toThrow(InvalidTokenError);
    await expect(strict.verify(await issuer.sign({}))).rejects.toThrow(InvalidTokenError);
  });

  const claims = (): JWTPayload => ({ iss: issuer.url, sub: 'somebody', exp: now() + 600 });

  async function signedByPublicKey(): Promise<string> {
    const secret = new TextEncoder().encode(await exportSPKI(issuer.keys.RS256.publicKey));
    return new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'RS256' }).sign(secret);
  }

  async function signedByStranger(): Promise<string> {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    return new SignJWT(claims()).setProtectedHeader({ alg: 'EdDSA', kid: 'EdDSA' }).sign(privateKey);
  }

  async function changed(): Promise<string> {
    const [header, , signature] = (await issuer.sign({})).split('.');
    return `${header}.${part({ ...claims(), sub: 'somebody-else' })}.${signature}`;
  }
});

describe('an issuer that cannot be trusted or reached', () => {
  it('lets nobody in, and is asked again once it is back', async () => {
    const own = await startIssuer();
    const patient = createTokenVerifier({ issuer: own.url, production: true });
    const token = await own.sign({});
    own.up = false;
    await expect(patient.verify(token)).rejects.toThrow(IssuerUnavailableError);
    own.up = true;
    expect(await patient.verify(token)).toMatchObject({ subject: 'somebody' });
    await own.close();
  });

  it.each([
    ['names another issuer', { issuer: 'https://other.example' }],
    ['publishes its keys in the clear', { jwks_uri: 'http://keys.example/jwks' }],
  ])('is not believed where its discovery document %s', async (_, fault) => {
    const own = await startIssuer();
    Object.assign(own.discovery, fault);
    const wary = createTokenVerifier({ issuer: own.url, production: true });
    await expect(wary.verify(await own.sign({}))).rejects.toThrow(IssuerUnavailableError);
    await own.close();
  });
});

describe('development tokens', () => {
  const token = () =>
    signDevelopmentToken(
      {
        subject: 'agent',
        tenant: 'northwind',
        roles: ['CLIENT_AGENT'],
        purposes: ['SUPPORT'],
        scopes: ['a'],
        country: 'DE',
      },
      keyFile,
    );

  it('are accepted outside production, beside the issuer or alone; their key is its owner’s only', async () => {
    const expected = {
      subject: 'agent',
      tenant: 'northwind',
      roles: ['CLIENT_AGENT'],
      scopes: ['a'],
      purposes: ['SUPPORT'],
      country: 'DE',
    };
    for (const issuerUrl of [undefined, issuer.url]) {
      const lenient = createTokenVerifier({ issuer: issuerUrl, production: false, developmentKeyFile: keyFile });
      expect(await lenient.verify(await token())).toEqual(expected);
    }
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    const both = createTokenVerifier({ issuer: issuer.url, production: false, developmentKeyFile: keyFile });
    expect(await both.verify(await issuer.sign({ sub: 'mara' }))).toMatchObject({ subject: 'mara' });
  });

  it('share one key however many ask for it first', async () => {
    const fresh = join(folder, 'race.json');
    const tokens = await Promise.all(
      Array.from({ length: 8 }, () => signDevelopmentToken({ subject: 'a', roles: [] }, fresh)),
    );
    const lenient = createTokenVerifier({ issuer: undefined, production: false, developmentKeyFile: fresh });
    for (const each of tokens) expect(await lenient.verify(each)).toMatchObject({ subject: 'a' });
  });

  it('lapse, and are refused under another key', async () => {
    const lenient = createTokenVerifier({ issuer: undefined, production: false, developmentKeyFile: keyFile });
    const lapsed = await signDevelopmentToken({ subject: 'agent', roles: [], lifetime: -60 }, keyFile);
    await expect(lenient.verify(lapsed)).rejects.toThrow('expired');
    const foreign = await signDevelopmentToken({ subject: 'agent', roles: [] }, join(folder, 'other.json'));
    await expect(lenient.verify(foreign)).rejects.toThrow(InvalidTokenError);
  });

  it('are refused in production, and so is their key under the issuer’s name', async () => {
    const strict = createTokenVerifier({ issuer: issuer.url, production: true, developmentKeyFile: keyFile });
    await expect(strict.verify(await token())).rejects.toThrow('development token');
    const disguised = new SignJWT({ iss: issuer.url, sub: 'x', exp: now() + 60 })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'remit-development' })
      .sign(issuer.keys.EdDSA.privateKey);
    await expect(strict.verify(await disguised)).rejects.toThrow('development token');
  });

  it('do not open a server whose key file is spoilt: it says which, and the mend', async () => {
    const spoilt = join(folder, 'spoilt.json');
    writeFileSync(spoilt, '{"kty":"oct"}');
    await expect(signDevelopmentToken({ subject: 'a', roles: [] }, spoilt)).rejects.toThrow(/spoilt\.json.*delete it/);
  });
});

test('pitfall 19: without an issuer production does not start, and elsewhere foreign tokens are refused', async () => {
  expect(() => createTokenVerifier({ issuer: undefined, production: true })).toThrow(ConfigurationError);
  expect(() => createTokenVerifier({ issuer: '', production: true })).toThrow(/OIDC_ISSUER/);
  const alone = createTokenVerifier({ issuer: undefined, production: false, developmentKeyFile: keyFile });
  await expect(alone.verify(await issuer.sign({}))).rejects.toThrow(InvalidTokenError);
});
