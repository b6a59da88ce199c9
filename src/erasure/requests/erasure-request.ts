import type { DataCategory } from '../../governance/vocabulary';
import { correspondence, identifier } from '../../subjects/policies';
import { NonPersonal, PersonalData } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';

const record = 'a record of erasure, which names no person';

/** Grounds for erasure: GDPR Art. 17(1), or the controller's instruction (Art. 28(3)(g), statement D2, Q1). */
export const erasureGrounds = {
  NO_LONGER_NECESSARY: 'GDPR Art. 17(1)(a)',
  CONSENT_WITHDRAWN: 'GDPR Art. 17(1)(b)',
  OBJECTION: 'GDPR Art. 17(1)(c)',
  UNLAWFUL_PROCESSING: 'GDPR Art. 17(1)(d)',
  LEGAL_OBLIGATION: 'GDPR Art. 17(1)(e)',
  CHILD_CONSENT: 'GDPR Art. 17(1)(f)',
  CLIENT_INSTRUCTION: 'the client’s instruction (statement D2, Q1)',
} as const;
export type ErasureGrounds = keyof typeof erasureGrounds;

export const erasureStatuses = {
  RECEIVED: 'The person is withheld; nothing is destroyed yet.',
  IN_PROGRESS: 'Destruction has begun and cannot be taken back.',
  ON_HOLD: 'A legal hold keeps everything that would be erased.',
  PARTIALLY_COMPLETED: 'All is erased but what a legal hold or a claim keeps; the rest follows by itself.',
  AWAITING_EPOCH: 'All is erased; the deleted keys are gone for good once their epoch has ended.',
  COMPLETED: 'All is erased for good, and a certificate says so.',
  CANCELLED: 'Taken back before anything was destroyed.',
  ATTENTION_REQUIRED: 'It failed several times and is tried again; somebody should look.',
} as const;
export type ErasureStatus = keyof typeof erasureStatuses;

/** What is erased: one person, or a client with everything. */
export type ErasureKind = 'CUSTOMER' | 'CLIENT';

/**
 * A request to erase. Once the person's key is deleted, it no longer says whom it was about. The erasure record does,
 * encrypted.
 */
@TenantTable('erasure_request', {
  subject: { kind: 'CUSTOMER', id: 'customerId' },
  erasure: 'KEEP',
  outsideFence: true,
})
export class ErasureRequestRow {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(record, { plain: 'id' })
  id: string;

  @NonPersonal(record, { plain: { text: 20 } })
  kind: ErasureKind;

  @PersonalData({ ...identifier, stored: { plain: 'id' } })
  customerId: string | null;

  @PersonalData({ ...correspondence, stored: { sealed: true } })
  note: string | null;

  @NonPersonal(record, { plain: { text: 30 } })
  grounds: ErasureGrounds;

  /** Categories that the erasure is limited to, as by retention; null is everything. */
  @NonPersonal(record, { plain: { list: 300 } })
  categories: DataCategory[] | null;

  @NonPersonal(record, { plain: { text: 30 } })
  status: ErasureStatus;

  @NonPersonal('the principal that asked, an account', { plain: { text: 255 } })
  requestedBy: string;

  @NonPersonal(record, { plain: { text: 40 } })
  requestedRole: string;

  @NonPersonal(record, { plain: 'instant' })
  requestedAt: Date;

  @NonPersonal(record, { plain: 'instant' })
  notBefore: Date | null;

  @NonPersonal(record, { plain: 'instant' })
  dueAt: Date;

  @NonPersonal(record, { plain: 'instant' })
  completedAt: Date | null;

  /** The newest epoch in which keys were deleted for it. Until it has ended, a copy of them can bring them back. */
  @NonPersonal(record, { plain: 'count' })
  keyEpoch: number | null;

  @NonPersonal(record, { plain: 'instant' })
  keyDeletedAt: Date | null;

  /** When nobody can bring the keys back any more; null until the epoch has ended. It may lie in the future. */
  @NonPersonal(record, { plain: 'instant' })
  finalAt: Date | null;

  /** The restriction before the request, which a cancellation restores. */
  @NonPersonal(record, { plain: { text: 30 } })
  formerRestriction: string | null;

  /** The current pass. A pass erases what no hold keeps; the release of a hold begins the next one. */
  @NonPersonal(record, { plain: 'count' })
  pass: number;

  @NonPersonal(record, { plain: 'instant' })
  replayedAt: Date | null;

  @NonPersonal(record, { plain: { text: 200 } })
  agreementReference: string | null;

  /** Why client users are kept after the agreement (statement D5), if they are. */
  @NonPersonal(record, { plain: { text: 30 } })
  claimsReason: string | null;

  @NonPersonal(record, { plain: 'instant' })
  claimsUntil: Date | null;

  /** The end of the client that took the request over. Its certificate covers the request. */
  @NonPersonal(record, { plain: 'id' })
  endedBy: string | null;
}

/** One step of an erasure with its row count, which is increased in the transaction that changes the rows. */
@TenantTable('erasure_step', { erasure: 'KEEP' })
export class ErasureStepRow {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(record, { plain: 'id' })
  requestId: string;

  @Key('count')
  @NonPersonal(record, { plain: 'count' })
  seq: number;

  @NonPersonal(record, { plain: { text: 80 } })
  store: string;

  @NonPersonal(record, { plain: { text: 20 } })
  action: string;

  @NonPersonal(record, { plain: { list: 300 } })
  categories: DataCategory[];

  @NonPersonal(record, { plain: 'count' })
  rowCount: number;

  @NonPersonal(record, { plain: { text: 20 } })
  status: string;

  @NonPersonal(record, { plain: 'instant' })
  finishedAt: Date | null;
}
