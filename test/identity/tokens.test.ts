import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { defaultClaimNames } from '../../src/identity/claims';
import { signDevelopmentToken } from '../../src/identity/development-keys';
import { InvalidTokenError, IssuerUnavailableError } from '../../src/identity/token-errors';
import { createTokenVerifier, type IssuerVerifier } from '../../src/identity/tokens';
import { ConfigurationError } from '../../src/storage/errors';
import { algorithms, type Issuer, startIssuer } from './issuer';

const folder = mkdtempSync(join(tmpdir(), 'remit-tokens-'));
const keyFile = join(folder, 'deeper', 'dev-jwt.key.json');
const now = () => Math.floor(Date.now() / 1000);
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

let issuer: Issuer;
let verifier: IssuerVerifier;
beforeAll(async () => {
  issuer = await startIssuer(algorithms);
  verifier = createTokenVerifier({ issuer: issuer.url, production: true });
});
afterAll(async () => {
  await issuer.close();
  rmSync(folder, { recursive: true });
});

describe('tokens of the configured issuer', () => {
  it.each(algorithms)('are verified with %s', async (algorithm) => {
    expect(await verifier.verify(await issuer.sign({ sub: 'mara' }, algorithm))).toMatchObject({ subject: 'mara' });
  });

  it('say who calls, for which client, in which roles, for which purposes, from where', async () => {
    const token = await issuer.sign({
      sub: 'mara',
      tenant: 'northwind',
      roles: ['CLIENT_AGENT', 'SUPERUSER'],
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
      // With the tolerance for clocks.
      expiresAt: ((decodeJwt(token).exp ?? 0) + 5) * 1_000,
    });
  });

  it('may write a list as a text, and say nothing by null', async () => {
    const listed = await issuer.sign({ scope: ['purpose:LEGAL', 'a'], country: null, roles: 'AUDITOR offline_access' });
    expect(await verifier.verify(listed)).toEqual({
      subject: 'somebody',
      tenant: undefined,
      roles: ['AUDITOR'],
      scopes: ['a'],
      purposes: ['LEGAL'],
      country: undefined,
      expiresAt: expect.any(Number),
    });
  });

  it('may number their subject, as far as numbers are certain', async () => {
    expect(await verifier.verify(await issuer.sign({ sub: 4711 }))).toMatchObject({ subject: '4711' });
    expect(await verifier.verify(await issuer.sign({ sub: 2 ** 53 - 1 }))).toMatchObject({
      subject: '9007199254740991',
    });
  });

  it('write scopes as "scope", "scp" or "permissions": the first that is there counts alone', async () => {
    const said = async (claims: JWTPayload) => (await verifier.verify(await issuer.sign(claims))).scopes;
    expect(await said({ scp: 'a b' })).toEqual(['a', 'b']);
    expect(await said({ scp: ['a', 'b'] })).toEqual(['a', 'b']);
    expect(await said({ permissions: ['c'] })).toEqual(['c']);
    expect(await said({ scope: 'a', scp: 'b', permissions: ['c'] })).toEqual(['a']);
    expect(await said({ scope: '', permissions: ['c'] })).toEqual([]);
  });

  it.each([
    ['roles', 7],
    ['roles', ['AUDITOR', 7]],
    ['roles', { AUDITOR: true }],
    ['scope', 7],
    ['scp', [['a']]],
    ['permissions', {}],
    ['tenant', 7],
    ['tenant', ''],
    ['tenant', ['northwind']],
    ['country', 'de'],
    ['country', 'DEU'],
    ['country', ['DE']],
    ['sub', ''],
    ['sub', 2 ** 53],
    ['sub', 1.5],
    ['sub', true],
    ['sub', ['a']],
    ['sub', 'a'.repeat(256)],
  ])('are refused where %s is %j, by a sentence that names the claim and not its value', async (claim, value) => {
    const refusal = await verifier.verify(await issuer.sign({ [claim]: value })).catch((error: Error) => error);
    expect(refusal).toBeInstanceOf(InvalidTokenError);
    expect(refusal).toMatchObject({ message: expect.stringContaining(`The claim "${claim}" must be `) });
    expect(String(refusal)).not.toMatch(/northwind|AUDITOR|DEU|aaa|9007199254740992/);
  });

  describe('are read where the provider writes', () => {
    const mapped = (names: Partial<typeof defaultClaimNames>) =>
      createTokenVerifier({
        issuer: issuer.url,
        production: true,
        claimNames: { ...defaultClaimNames, ...names },
      });

    it('in an object, as Keycloak does', async () => {
      const keycloak = mapped({ roles: ['realm_access.roles'], scope: ['resource_access.remit.api.roles'] });
      const token = await issuer.sign({
        realm_access: { roles: ['CLIENT_AGENT', 'offline_access'] },
        resource_access: { 'remit.api': { roles: ['purpose:SUPPORT'] } },
        roles: ['AUDITOR'],
      });
      expect(await keycloak.verify(token)).toMatchObject({ roles: ['CLIENT_AGENT'], purposes: ['SUPPORT'] });
    });

    it('under a URL, as Auth0 does', async () => {
      const auth0 = mapped({
        ...{ roles: ['https://acme.example/roles'], tenant: ['https://acme.example/org.id'] },
        ...{ country: ['https://acme.example/address.country'], scope: ['permissions'] },
      });
      const token = await issuer.sign({
        'https://acme.example/roles': ['CLIENT_ADMIN'],
        'https://acme.example/org.id': 'northwind',
        'https://acme.example/address': { country: 'DE' },
        scope: 'openid profile',
        permissions: ['purpose:LEGAL'],
      });
      expect(await auth0.verify(token)).toMatchObject({
        roles: ['CLIENT_ADMIN'],
        tenant: 'northwind',
        country: 'DE',
        purposes: ['LEGAL'],
        scopes: [],
      });
    });

    it('and nowhere else: not in what an object inherits, not in a text', async () => {
      const odd = mapped({ tenant: ['constructor.name'], roles: ['realm_access.length'], subject: ['oid', 'sub'] });
      expect(await odd.verify(await issuer.sign({ realm_access: 'AUDITOR', oid: 'o-1' }))).toMatchObject({
        subject: 'o-1',
        tenant: undefined,
        roles: [],
      });
      const strict = mapped({ subject: ['oid'] });
      await expect(strict.verify(await issuer.sign({}))).rejects.toThrow('names no subject: it lacks "oid"');
      const wrong = mapped({ roles: ['realm_access.roles'] });
      const token = await issuer.sign({ realm_access: { roles: 7 } });
      await expect(wrong.verify(token)).rejects.toThrow('The claim "realm_access.roles" must be');
    });
  });

  const refusals: [string, () => Promise<string>, RegExp][] = [
    ['without exp', () => issuer.sign({ exp: undefined }), /exp/],
    ['expired', () => issuer.sign({ exp: now() - 60 }), /expired/],
    ['not valid yet', () => issuer.sign({ nbf: now() + 60 }), /nbf/],
    ['without sub', () => issuer.sign({ sub: undefined }), /sub/],
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

/** Until the issuer may be asked again. */
const eventually = async <T>(attempt: () => Promise<T>): Promise<T> => {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
};

describe('keys that change', () => {
  let own: Issuer;
  let rotating: IssuerVerifier;
  const told: (string | undefined)[] = [];
  beforeEach(async () => {
    own = await startIssuer();
    told.length = 0;
    rotating = createTokenVerifier({
      issuer: own.url,
      production: true,
      onIssuer: (fault) => told.push(fault?.message),
    });
    await rotating.verify(await own.sign({}));
  });
  afterEach(() => own.close());

  it.each([
    ['another id', undefined],
    ['the same id', 'ES256'],
  ])('are found when they come under %s, and the one before is let go', async (_, kid) => {
    const before = await own.sign({ sub: 'before' }, 'ES256');
    await own.rotate('ES256', kid);
    const token = await own.sign({ sub: 'after' }, 'ES256');
    expect(await eventually(() => rotating.verify(token))).toMatchObject({ subject: 'after' });
    await expect(rotating.verify(before)).rejects.toThrow(InvalidTokenError);
  });

  it('are asked for once in a while, however many tokens of unknown keys come', async () => {
    const asked = own.asked;
    const began = performance.now();
    const strange = () => new SignJWT({ iss: own.url, sub: 'x', exp: now() + 60 });
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    for (let n = 0; n < 200; n++) {
      const token = await strange()
        .setProtectedHeader({ alg: 'EdDSA', kid: `made-up-${n}` })
        .sign(privateKey);
      await expect(rotating.verify(token)).rejects.toThrow(InvalidTokenError);
    }
    expect(own.asked - asked).toBeLessThanOrEqual(1 + (performance.now() - began) / 2_000);
  });

  it('are not forgotten while the issuer is out of reach, which is told once, and so is its return', async () => {
    own.up = false;
    const unknown = new SignJWT({ iss: own.url, sub: 'x', exp: now() + 60 })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'new' })
      .sign(own.keys.EdDSA.privateKey);
    const outage = async () => expect(rotating.verify(await unknown)).rejects.toThrow(IssuerUnavailableError);
    await eventually(outage);
    await outage();
    expect(await rotating.verify(await own.sign({ sub: 'still' }))).toMatchObject({ subject: 'still' });
    expect(await rotating.issuerState()).toEqual({
      usable: true,
      fault: expect.stringContaining('discovery document'),
    });
    own.up = true;
    await eventually(async () => expect(await rotating.issuerState()).toEqual({ usable: true, fault: undefined }));
    expect(told).toEqual([expect.stringContaining('cannot be asked'), undefined]);
  });
});

describe('an issuer that cannot be trusted or reached', () => {
  it('lets nobody in, and is asked again once it is back', async () => {
    const own = await startIssuer();
    const patient = createTokenVerifier({ issuer: own.url, production: true });
    const token = await own.sign({});
    own.up = false;
    await expect(patient.verify(token)).rejects.toThrow(IssuerUnavailableError);
    expect(await patient.issuerState()).toMatchObject({ usable: false });
    own.up = true;
    expect(await eventually(() => patient.verify(token))).toMatchObject({ subject: 'somebody' });
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
      expiresAt: expect.any(Number),
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

  it('do not open a server whose key file is spoilt: it says which, and the remedy', async () => {
    const spoilt = join(folder, 'spoilt.json');
    writeFileSync(spoilt, '{"kty":"oct"}');
    await expect(signDevelopmentToken({ subject: 'a', roles: [] }, spoilt)).rejects.toThrow(/spoilt\.json.*delete it/);
  });
});

test('without an issuer production does not start, and elsewhere foreign tokens are refused (docs/pitfalls.md, 19)', async () => {
  expect(() => createTokenVerifier({ issuer: undefined, production: true })).toThrow(ConfigurationError);
  expect(() => createTokenVerifier({ issuer: '', production: true })).toThrow(/OIDC_ISSUER/);
  const alone = createTokenVerifier({ issuer: undefined, production: false, developmentKeyFile: keyFile });
  await expect(alone.verify(await issuer.sign({}))).rejects.toThrow(InvalidTokenError);
});
