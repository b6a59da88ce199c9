import { exportJWK, type FlattenedJWS, FlattenedSign, flattenedVerify, importJWK, importSPKI, type JWK } from 'jose';
import type { DataCategory } from '../../governance/vocabulary';
import type { SigningKeys } from './signing-keys';

const TYPE = 'remit-erasure+jws';

export interface ErasedStore {
  readonly store: string;
  readonly action: string;
  readonly categories: readonly string[];
  readonly rows: number;
}

export interface Retained {
  readonly category: DataCategory;
  /**
   * LEGAL_HOLD with the hold's id, or why client users are kept. The text of a hold is left out, because it can name
   * people.
   */
  readonly reason: string;
  readonly until: string | null;
}

/** What a certificate says. It names nobody: the person is a keyed digest, the requester a pseudonym. */
export interface ErasureStatement {
  readonly version: 1;
  readonly request: string;
  readonly client: string;
  readonly kind: 'CUSTOMER' | 'CLIENT';
  /** HMAC of the subject's id under a key of the client. Only the client can check it. */
  readonly subjectDigest: string | null;
  readonly grounds: string;
  readonly requestedBy: { readonly role: string; readonly pseudonym: string };
  readonly requestedAt: string;
  readonly dueAt: string;
  readonly completedAt: string;
  /** The categories that the request was limited to; null is everything. */
  readonly scope: readonly string[] | null;
  readonly erased: readonly ErasedStore[];
  readonly retained: readonly Retained[];
  /** Whether the key is destroyed, which makes every copy in every backup unreadable. */
  readonly keyDestroyed: boolean;
  /** The person had no key when the erasure was planned, so sealed data was unreadable already. */
  readonly keyAbsent?: true;
  /** The erasure record, and the digest of the plan that was in it before anything was destroyed. */
  readonly ledger: { readonly entry: string; readonly plannedAt: string; readonly planDigest: string };
}

export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly code = 'CERTIFICATE_INVALID';
}

/** Signs a statement with Ed25519: a flattened JWS (RFC 7515, RFC 8037) as JSON text. */
export async function signCertificate(keys: SigningKeys, statement: ErasureStatement): Promise<string> {
  const key = await keys.current();
  const jws = await new FlattenedSign(Buffer.from(JSON.stringify(statement)))
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid: key.id })
    .sign(key.privateKey);
  return JSON.stringify(jws);
}

/**
 * Verifies a certificate offline, with public keys alone.
 * @param text the certificate's JSON
 * @throws {CertificateError} which says what is wrong with it
 */
export async function verifyCertificate(text: string, publicKeys: readonly JWK[]): Promise<ErasureStatement> {
  const jws = parseJws(text);
  for (const jwk of publicKeys) {
    try {
      const key = await importJWK(jwk, 'EdDSA');
      const { payload, protectedHeader } = await flattenedVerify(jws, key, { algorithms: ['EdDSA'] });
      if (protectedHeader?.typ !== TYPE) throw new CertificateError('It is signed, but is no certificate of erasure.');
      return JSON.parse(Buffer.from(payload).toString('utf8')) as ErasureStatement;
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
