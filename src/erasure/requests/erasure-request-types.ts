import { Field, ID, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import { enumOf } from '../../api/enum-of';
import { connectionOf } from '../../api/paging';
import type { DataCategory } from '../../governance/vocabulary';
import { DataCategoryEnum } from '../../identity/enums';
import { DeliveryStatusEnum, RecipientKindEnum } from '../../register/webhooks/webhook-types';
import { correspondence, identifier } from '../../subjects/policies';
import { NonPersonal, PersonalData } from '../../tenancy/personal-data';
import { type ErasureGrounds, type ErasureStatus, erasureGrounds, erasureStatuses } from './erasure-request';

export const ErasureGroundsEnum = enumOf('ErasureGrounds', 'Why a person is erased.', erasureGrounds);
export const ErasureStatusEnum = enumOf('ErasureStatus', 'How far an erasure is.', erasureStatuses);
export const ErasureKindEnum = enumOf('ErasureKind', 'What is erased.', {
  CUSTOMER: 'One person.',
  CLIENT: 'A client with all that it has (statement D1, D3).',
});
const StepStatusEnum = enumOf('ErasureStepStatus', 'Whether a step is done.', {
  PENDING: 'Under way, or not begun.',
  DONE: 'Finished.',
});
export const ClaimsReasonEnum = enumOf('ClaimsReason', 'Why client users are kept past the agreement (statement D5).', {
  LAW: 'Law requires it.',
  DISPUTE: 'A dispute requires it.',
  UNPAID_FEES: 'Unpaid fees require it.',
});
export type ClaimsReason = keyof typeof ClaimsReasonEnum;

@ObjectType({ description: 'One step of an erasure.', simpleResolvers: true })
export class ErasureStep {
  @Field(() => String, { description: 'What was erased in: `data:<table>`, `keys:<table>`, or a store of copies.' })
  store: string;

  @Field(() => String, { description: 'DELETE, DEIDENTIFY, ERASE_FIELDS, PURGE or DESTROY_KEY.' })
  action: string;

  @Field(() => [DataCategoryEnum])
  categories: DataCategory[];

  @Field(() => Int, {
    nullable: true,
    description: 'Rows changed so far, each counted once; of a person’s erasure null to whoever is not of the client.',
  })
  rows: number | null;

  @Field(() => StepStatusEnum)
  status: 'PENDING' | 'DONE';

  @Field(() => DateTime, { nullable: true })
  finishedAt: Date | null;
}

@ObjectType({ description: 'What is kept for now, why and until when.', simpleResolvers: true })
export class ErasureRetention {
  @Field(() => DataCategoryEnum)
  category: DataCategory;

  @Field(() => String)
  reason: string;

  @Field(() => DateTime, { nullable: true, description: 'null: until somebody releases it.' })
  until: Date | null;
}

@ObjectType({ description: 'Who was told of an erasure (GDPR Art. 19).', simpleResolvers: true })
export class ErasureRecipient {
  @Field(() => String)
  name: string;

  @Field(() => RecipientKindEnum)
  kind: keyof typeof RecipientKindEnum;

  @Field(() => DeliveryStatusEnum)
  status: keyof typeof DeliveryStatusEnum;

  @Field(() => Int)
  attempts: number;

  @Field(() => DateTime, { nullable: true })
  notifiedAt: Date | null;

  @Field(() => DateTime, { nullable: true })
  acknowledgedAt: Date | null;
}

@ObjectType({
  description: 'Whom a request is about, while it knows: once all is erased, it has forgotten.',
  simpleResolvers: true,
})
export class ErasureSubject {
  @PersonalData({ ...identifier, domain: 'Customer.id', stored: { within: 'ErasureRequestRow' } })
  @Field(() => ID, { nullable: true })
  customerId: string | null;

  @PersonalData({ ...correspondence, stored: { within: 'ErasureRequestRow' } })
  @Field(() => String, { nullable: true })
  note: string | null;
}

@ObjectType({ description: 'A person whose erasure could not be filed.', simpleResolvers: true })
export class UnfiledErasure {
  @PersonalData({ ...identifier, stored: { within: 'ErasureRequestRow' } })
  @Field(() => ID, { nullable: true })
  customerId: string | null;

  @NonPersonal('says what went wrong, not of whom', { within: 'ErasureRequestRow' })
  @Field(() => String, { description: 'What went wrong, as a code.' })
  code: string;
}

const KeyEpochStateEnum = enumOf('KeyEpochState', 'How far an epoch of keys is.', {
  CURRENT: 'The newest one.',
  TURNING: 'The next one takes over what lives.',
  DESTROYING: 'Everything that lives has moved; its root is being destroyed.',
  ENDED: 'Its root is destroyed: nothing that was written in it opens a deleted key.',
});

@ObjectType({
  description: 'An epoch of the keys. With its end what was deleted in it is final.',
  simpleResolvers: true,
})
export class KeyEpoch {
  @Field(() => Int)
  number: number;

  @Field(() => KeyEpochStateEnum)
  state: keyof typeof KeyEpochStateEnum;

  @Field(() => DateTime)
  begunAt: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When nobody can use its root any more; in the future where a key service keeps it for some days.',
  })
  endedAt: Date | null;

  @Field(() => String, {
    nullable: true,
    description:
      'SHA-256 of its signed record in base64url, as a certificate names it; `remit keys epochs` has records.',
  })
  record: string | null;
}

@ObjectType({ description: 'A request to erase a person, or a client.', simpleResolvers: true })
export class ErasureRequest {
  @Field(() => ID)
  id: string;

  @Field(() => ErasureKindEnum)
  kind: keyof typeof ErasureKindEnum;

  @Field(() => ErasureStatusEnum)
  status: ErasureStatus;

  @Field(() => ErasureGroundsEnum)
  grounds: ErasureGrounds;

  @Field(() => [DataCategoryEnum], { nullable: true, description: 'What it is limited to; null is everything.' })
  categories: DataCategory[] | null;

  @Field(() => DateTime)
  requestedAt: Date;

  @Field(() => DateTime, { nullable: true, description: 'Nothing is destroyed before.' })
  startsAt: Date | null;

  @Field(() => DateTime, {
    description: 'The earliest of 90 days (statement D2), the agreement’s own term and the law of the residency.',
  })
  dueAt: Date;

  @Field(() => DateTime, { nullable: true, description: 'When the last key was deleted; null where none is.' })
  keyDeletedAt: Date | null;

  @Field(() => DateTime, { nullable: true })
  completedAt: Date | null;
}

export const ErasureRequestConnection = connectionOf(ErasureRequest, 'ErasureRequest');
