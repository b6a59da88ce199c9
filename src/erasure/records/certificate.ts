import type { JWK } from 'jose';
import type { DataCategory } from '../../governance/vocabulary';
import { CertificateError, type StatementKind, signStatement, verifyStatement } from './signed-statement';
import type { SigningKeys } from './signing-keys';

const CERTIFICATE: StatementKind = { type: 'remit-erasure+jws', title: 'certificate of erasure' };

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

/** What every certificate says. It names nobody: the person is a keyed digest, the requester a pseudonym. */
interface Said {
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

/** The epoch whose end made the deletion of keys final. */
export interface CertifiedEpoch {
  readonly number: number;
  /** SHA-256 of the epoch's own signed record, in base64url. */
  readonly record: string;
}

/** The first version, from before there were epochs of keys. */
export interface FirstStatement extends Said {
  readonly version: 1;
}

export interface SecondStatement extends Said {
  readonly version: 2;
  /** When the last key was deleted; null where none was, as when only some categories are erased. */
  readonly keyDeletedAt: string | null;
  /** Since when nothing that was ever written opens the deleted keys; null where no epoch has ended. */
  readonly finalAt: string | null;
  readonly epoch: CertifiedEpoch | null;
  /** What it means that a key was deleted and no epoch has ended. */
  readonly withoutEpoch?: string;
}

/** What a certificate says. */
export type ErasureStatement = FirstStatement | SecondStatement;

/** The words of a certificate where keys were deleted and epochs are off. */
export const WITHOUT_EPOCH =
  'No epoch of keys has ended: logs, pages and backups of the keys’ store from before the deletion can still open ' +
  'what the key sealed, as long as there are any.';

export const signCertificate = (keys: SigningKeys, statement: SecondStatement): Promise<string> =>
  signStatement(keys, CERTIFICATE, statement);

/**
 * Verifies a certificate offline, with public keys alone.
 * @param text the certificate's JSON
 * @throws {CertificateError} which says what is wrong with it
 */
export async function verifyCertificate(text: string, publicKeys: readonly JWK[]): Promise<ErasureStatement> {
  const statement = (await verifyStatement(text, CERTIFICATE, publicKeys)) as ErasureStatement;
  if (statement.version === 1 || statement.version === 2) return statement;
  const { version } = statement as { version: unknown };
  throw new CertificateError(`It is signed, but of version ${version}: a newer release of Remit can read it.`);
}
