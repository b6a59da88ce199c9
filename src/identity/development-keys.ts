import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { ProcessingPurpose } from '../governance/vocabulary';
import { ConfigurationError } from '../storage/errors';
import type { Role } from './caller';

/** The issuer of tokens that `remit token` signs. Production accepts none of them. */
export const developmentIssuer = 'remit-development';
export const developmentKeyId = 'remit-development';
export const developmentKeyFile = './data/dev-jwt.key.json';

export interface DevelopmentToken {
  readonly subject: string;
  readonly tenant?: string | undefined;
  readonly roles: readonly Role[];
  readonly purposes?: readonly ProcessingPurpose[];
  readonly scopes?: readonly string[];
  /** ISO 3166-1 alpha-2. */
  readonly country?: string | undefined;
  /** Seconds; 12 hours unless told. */
  readonly lifetime?: number;
  /** What the token names in `aud`, where the server asks for one. */
  readonly audience?: string | undefined;
}

/**
 * Signs a token that servers outside production accept, with the key in `keyFile`; the key is made on first use.
 * @throws {ConfigurationError} where the key file cannot be made or read
 */
export async function signDevelopmentToken(
  token: DevelopmentToken,
  keyFile: string = developmentKeyFile,
): Promise<string> {
  const { privateKey } = await developmentKeys(keyFile);
  const scope = [...(token.scopes ?? []), ...(token.purposes ?? []).map((purpose) => `purpose:${purpose}`)].join(' ');
  const claims = {
    roles: [...token.roles],
    scope,
    ...(token.tenant === undefined ? {} : { tenant: token.tenant }),
    ...(token.country === undefined ? {} : { country: token.country }),
  };
  const jwt = new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: developmentKeyId })
    .setIssuer(developmentIssuer)
    .setSubject(token.subject)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + (token.lifetime ?? 12 * 3600));
  if (token.audience !== undefined) jwt.setAudience(token.audience);
  return jwt.sign(privateKey);
}

/**
 * The development key pair; made where there is none, readable by its owner only.
 * @throws {ConfigurationError}
 */
export async function developmentKeys(keyFile: string): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey }> {
  const jwk = (await readKey(keyFile)) ?? (await makeKey(keyFile));
  try {
    const { kty, crv, x } = jwk;
    if (kty !== 'OKP' || crv !== 'Ed25519' || !jwk.d || !x) throw new Error('not an Ed25519 key pair');
    return {
      privateKey: (await importJWK(jwk, 'EdDSA')) as CryptoKey,
      publicKey: (await importJWK({ kty, crv, x }, 'EdDSA')) as CryptoKey,
    };
  } catch (error) {
    throw new ConfigurationError(keyFile, 'does not hold a development key pair; delete it, and a new one is made', {
      cause: error,
    });
  }
}

async function readKey(keyFile: string): Promise<JWK | undefined> {
  try {
    return JSON.parse(await readFile(keyFile, 'utf8')) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigurationError(keyFile, 'is not readable as a development key pair; delete it or correct its mode', {
      cause: error,
    });
  }
}

/**
 * A hard link publishes the finished file at once, and only if there is none: server and `remit token` share one key.
 */
async function makeKey(keyFile: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  const draft = `${keyFile}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(jwk)}\n`);
      await file.sync();
      await link(draft, keyFile);
    } finally {
      await file.close();
      await rm(draft);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new ConfigurationError(keyFile, `cannot be written (${code})`, { cause: error });
  }
  return (await readKey(keyFile)) ?? jwk;
}
