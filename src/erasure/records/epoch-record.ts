import { createHash } from 'node:crypto';
import type { JWK } from 'jose';
import type { EpochState, TurnResult } from '../../keys/epochs/epoch-state';
import { CertificateError, type StatementKind, signStatement, verifyStatement } from './signed-statement';
import type { SigningKeys } from './signing-keys';

const RECORD: StatementKind = { type: 'remit-key-epoch+jws', title: 'record of an epoch of keys' };

/** What the record of an epoch's end says. It names no person and no client. */
export interface EpochStatement {
  readonly version: 1;
  /** Which keys' store: `keys`, or `keys EU`. Each has epochs of its own. */
  readonly store: string;
  readonly epoch: number;
  readonly begunAt: string;
  /** Since when nobody can use the epoch's root. */
  readonly endedAt: string;
  /** SHA-256 of the id of the root that was destroyed, in base64url; and of the one that came after it. */
  readonly root: string;
  readonly nextRoot: string;
  /** Of how many clients and buckets the living keys were moved under the next root, and how many keys. */
  readonly clients: number;
  readonly buckets: number;
  readonly rewrapped: number;
  /** How many keys were deleted and opened for the last time under the destroyed root. */
  readonly destroyed: number;
  /** SHA-256 of the record before it; null for the first one. So no record can be left out or exchanged. */
  readonly previous: string | null;
}

/** A verified record. */
export interface EpochRecord {
  readonly digest: string;
  readonly statement: EpochStatement;
}

/** What a record is about. */
export interface EndedEpoch {
  readonly store: string;
  readonly ended: EpochState;
  readonly next: EpochState;
  /** The record before it. */
  readonly previous: string | null;
  readonly what: TurnResult;
}

/** SHA-256 in base64url, by which records are named. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** Signs the record of an epoch's end. */
export function signEpochRecord(keys: SigningKeys, of: EndedEpoch): Promise<string> {
  const { store, ended, next, previous, what } = of;
  const { number, begunAt, endedAt, rootId } = ended;
  if (endedAt === null) throw new Error(`epoch ${number} has not ended`);
  const { clients, buckets, rewrapped, destroyed } = what;
  const statement: EpochStatement = {
    version: 1,
    store,
    epoch: number,
    begunAt: new Date(begunAt).toISOString(),
    endedAt: new Date(endedAt).toISOString(),
    root: digestOf(rootId),
    nextRoot: digestOf(next.rootId),
    ...{ clients, buckets, rewrapped, destroyed },
    previous: previous === null ? null : digestOf(previous),
  };
  return signStatement(keys, RECORD, statement);
}

/**
 * Verifies records of epochs, of each store the first one first: each signature, and that each one names the one before
 * it.
 * @throws {CertificateError} which says what is wrong, and with which
 */
export async function verifyEpochRecords(texts: readonly string[], publicKeys: readonly JWK[]): Promise<EpochRecord[]> {
  const records: EpochRecord[] = [];
  for (const [index, text] of texts.entries()) {
    const statement = await verifyStatement(text, RECORD, publicKeys).catch((error: unknown) => {
      throw error instanceof CertificateError ? new CertificateError(`Record ${index + 1}: ${error.message}`) : error;
    });
    const record = { digest: digestOf(text), statement: statement as EpochStatement };
    const { store, epoch } = record.statement;
    const before = records.findLast((one) => one.statement.store === store);
    const fault = before && faultOf(record.statement, before);
    if (fault) throw new CertificateError(`The record of epoch ${epoch} of "${store}" ${fault}.`);
    records.push(record);
  }
  return records;
}

function faultOf({ epoch, previous, root }: EpochStatement, { statement, digest }: EpochRecord): string | undefined {
  if (epoch <= statement.epoch) return `comes behind that of epoch ${statement.epoch}`;
  if (previous !== digest) return `does not name that of epoch ${statement.epoch}, which comes before it`;
  if (epoch === statement.epoch + 1 && root !== statement.nextRoot) return 'is about another root than came next';
  return undefined;
}

/** Reads records out of a file: one a line, or a single one over several lines. */
export function readEpochRecords(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.every((line) => line.startsWith('{') && line.trimEnd().endsWith('}')) ? lines : [text];
}

/**
 * Finds the record that a certificate names.
 * @throws {CertificateError} where none of the records is it, or it says something else
 */
export function recordOfCertificate(
  records: readonly EpochRecord[],
  { epoch, finalAt }: { readonly epoch: { readonly number: number; readonly record: string }; finalAt: string | null },
): EpochStatement {
  const found = records.find(({ digest }) => digest === epoch.record);
  if (!found) throw new CertificateError(`The record of epoch ${epoch.number} that it names is not among the records.`);
  const { statement } = found;
  // An earlier root may live longer, where a service keeps it for some days.
  if (finalAt !== null && statement.endedAt <= finalAt) return statement;
  throw new CertificateError(`Epoch ${epoch.number} ended at ${statement.endedAt}, behind ${finalAt}.`);
}
