import { exportJWK, type FlattenedJWS, FlattenedSign, flattenedVerify, importJWK, importSPKI, type JWK } from 'jose';
import type { SigningKeys } from './signing-keys';

/** A kind of signed statement. */
export interface StatementKind {
  /** The `typ` of its header. */
  readonly type: string;
  /** What it is called, as in "a certificate of erasure". */
  readonly title: string;
}

export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly code = 'CERTIFICATE_INVALID';
}

/** Signs a statement with Ed25519: a flattened JWS (RFC 7515, RFC 8037) as JSON text. */
export async function signStatement(keys: SigningKeys, { type }: StatementKind, statement: object): Promise<string> {
  const key = await keys.current();
  const jws = await new FlattenedSign(Buffer.from(JSON.stringify(statement)))
    .setProtectedHeader({ alg: 'EdDSA', typ: type, kid: key.id })
    .sign(key.privateKey);
  return JSON.stringify(jws);
}

/**
 * Verifies a statement offline, with public keys alone.
 * @param text the statement's JSON
 * @throws {CertificateError} which says what is wrong with it
 */
export async function verifyStatement(
  text: string,
  { type, title }: StatementKind,
  publicKeys: readonly JWK[],
): Promise<unknown> {
  const jws = parseJws(text);
  for (const jwk of publicKeys) {
    try {
      const key = await importJWK(jwk, 'EdDSA');
      const { payload, protectedHeader } = await flattenedVerify(jws, key, { algorithms: ['EdDSA'] });
      if (protectedHeader?.typ !== type) throw new CertificateError(`It is signed, but is no ${title}.`);
      return JSON.parse(Buffer.from(payload).toString('utf8'));
    } catch (error) {
      if (error instanceof CertificateError) throw error;
    }
  }
  throw new CertificateError('The signature does not match: it was altered, or another key signed it.');
}

function parseJws(text: string): FlattenedJWS {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CertificateError('It is not JSON.');
  }
  const { payload, protected: header, signature } = (value ?? {}) as Record<string, unknown>;
  if (typeof payload === 'string' && typeof header === 'string' && typeof signature === 'string') {
    return { payload, protected: header, signature };
  }
  throw new CertificateError('It has no payload, protected header and signature: it is not a flattened JWS.');
}

/** Reads public keys from a file: a JWK, a JWK set, or PEM (SPKI). */
export async function readPublicKeys(text: string): Promise<JWK[]> {
  if (text.includes('BEGIN PUBLIC KEY')) {
    return [await exportJWK(await importSPKI(text, 'EdDSA', { extractable: true }))];
  }
  try {
    const value = JSON.parse(text) as { keys?: JWK[] } & JWK;
    return value.keys ?? [value];
  } catch {
    throw new CertificateError('The key is neither PEM nor a JWK.');
  }
}
