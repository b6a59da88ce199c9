import { correspondence, identifier } from '../../subjects/policies';
import { NonPersonal, PersonalData } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';

const record = 'a record of erasure, which names no person';

/**
 * Why a person's data is erased: GDPR Art. 17(1), or because the controller says so (Art. 28(3)(g), statement D2, Q1).
 */
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
  COMPLETED: 'All is erased, and a certificate says so.',
  CANCELLED: 'Taken back before anything was destroyed.',
  ATTENTION_REQUIRED: 'It failed several times and is tried again; somebody should look.',
} as const;
export type ErasureStatus = keyof typeof erasureStatuses;

/** Of whom: one person, or a client with all that it has. */
export type ErasureKind = 'CUSTOMER' | 'CLIENT';

/** A request to erase. Once it is completed it does not know any more whom it was about; the ledger does, sealed. */
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

  /** Limits the erasure to some categories, as retention does; null is everything. */
  @NonPersonal(record, { plain: { text: 300 } })
  categories: string | null;

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

  /** What a cancellation gives back: a restriction that was there before. */
  @NonPersonal(record, { plain: { text: 30 } })
  formerRestriction: string | null;

  /** Which attempt at all that may be erased: each release of a hold begins another. */
  @NonPersonal(record, { plain: 'count' })
  pass: number;

  @NonPersonal(record, { plain: 'instant' })
  replayedAt: Date | null;

  @NonPersonal(record, { plain: { text: 200 } })
  agreementReference: string | null;

  /** Why client users are kept past the agreement (statement D5), where they are. */
  @NonPersonal(record, { plain: { text: 30 } })
  claimsReason: string | null;

  @NonPersonal(record, { plain: 'instant' })
  claimsUntil: Date | null;

  /** The termination that took it over, whose certificate is its own. */
  @NonPersonal(record, { plain: 'id' })
  endedBy: string | null;
}

/** One step of an erasure and how many rows it changed, counted in the transaction that changed them. */
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

  @NonPersonal(record, { plain: { text: 300 } })
  categories: string;

  @NonPersonal(record, { plain: 'count' })
  rowCount: number;

  @NonPersonal(record, { plain: { text: 20 } })
  status: string;

  @NonPersonal(record, { plain: 'instant' })
  finishedAt: Date | null;
}
