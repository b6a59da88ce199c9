import { KEY_STORE } from '../execution/plan';
import { erasedBy, type Step } from '../execution/steps';
import type { ErasureRequestState } from '../requests/request-state';
import {
  type CertifiedEpoch,
  type Retained,
  type SecondStatement,
  signCertificate,
  WITHOUT_EPOCH,
} from './certificate';
import { type ErasureOutcome, type ErasureRecord, type ErasureRecords, planDigest } from './erasure-records';
import type { SigningKeys } from './signing-keys';

/** What a certificate will say. */
export interface Done {
  /** The steps of all passes. */
  readonly steps: readonly Step[];
  readonly retained: readonly Retained[];
  readonly keyDestroyed: boolean;
  readonly isComplete: boolean;
  /** What has made the deletion of keys final; undefined where none has ended. */
  readonly end: EpochEnd | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The end of the epoch that deleted keys belonged to. */
export interface EpochEnd extends CertifiedEpoch {
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Signs certificates of erasures and stores them in the records. */
export class Certificates {
  readonly #records: ErasureRecords;
  readonly #signingKeys: SigningKeys;

  constructor(records: ErasureRecords, signingKeys: SigningKeys) {
    this.#records = records;
    this.#signingKeys = signingKeys;
  }

  /** Issues the certificate. An erasure that was repeated after a restore keeps its first one. */
  async issue(request: ErasureRequestState, record: ErasureRecord, done: Done): Promise<void> {
    const { client, id, replayedAt } = request;
    const { at } = done;
    if (replayedAt !== null && record.completedAt !== null && record.certificate && record.outcome) {
      const { outcome, certificate } = record;
      return this.#records.conclude(client, id, { outcome, certificate, completedAt: null, replayedAt: at });
    }
    const keyAbsent = done.keyDestroyed && request.kind === 'CUSTOMER' && !hadKey(record);
    const outcome: ErasureOutcome = {
      erased: erasedBy(done.steps),
      retained: done.retained,
      keyDestroyed: done.keyDestroyed && !keyAbsent,
      ...(keyAbsent ? { keyAbsent } : {}),
    };
    const certificate = await signCertificate(this.#signingKeys, statementOf(request, record, outcome, done));
    await this.#records.conclude(client, id, {
      outcome,
      certificate,
      completedAt: done.isComplete ? at : null,
      replayedAt: replayedAt === null ? null : at,
    });
  }
}

/** Whether any pass found a person's key to destroy. */
export const hadKey = ({ passes, keysDeleted }: ErasureRecord): boolean =>
  keysDeleted !== null ||
  passes.some(({ steps }) => steps.some(({ store, expected }) => store === KEY_STORE && expected === 1));

function statementOf(
  request: ErasureRequestState,
  record: ErasureRecord,
  outcome: ErasureOutcome,
  { at, end }: Done,
): SecondStatement {
  const { role, pseudonym } = record.request;
  const { keysDeleted } = record;
  const moment = (of: { readonly at: number } | null | undefined) => (of ? new Date(of.at).toISOString() : null);
  return {
    version: 2,
    request: request.id,
    client: request.client,
    kind: request.kind,
    subjectDigest: record.subjectDigest,
    grounds: request.grounds,
    requestedBy: { role, pseudonym },
    requestedAt: new Date(request.requestedAt).toISOString(),
    dueAt: new Date(request.dueAt).toISOString(),
    completedAt: new Date(at).toISOString(),
    scope: request.categories,
    erased: outcome.erased,
    retained: outcome.retained,
    keyDestroyed: outcome.keyDestroyed,
    ...(outcome.keyAbsent ? { keyAbsent: true } : {}),
    keyDeletedAt: moment(keysDeleted),
    finalAt: moment(end),
    epoch: end ? { number: end.number, record: end.record } : null,
    ...(keysDeleted && !end ? { withoutEpoch: WITHOUT_EPOCH } : {}),
    ledger: {
      entry: record.id,
      plannedAt: new Date(record.passes.at(-1)?.plannedAt ?? at).toISOString(),
      planDigest: planDigest(record.passes),
    },
  };
}
