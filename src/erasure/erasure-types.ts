import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { connectionOf } from '../api/paging';
import type { DataCategory } from '../governance/vocabulary';
import { DataCategoryEnum } from '../identity/enums';
import { correspondence, identifier } from '../subjects/policies';
import { NonPersonal, PersonalData, PersonalRows } from '../tenancy/personal-data';
import { type ErasureGrounds, type ErasureStatus, erasureGrounds, erasureStatuses } from './erasure-request';

function enumOf<K extends string>(name: string, description: string, meanings: Readonly<Record<K, string>>) {
  const keys = Object.keys(meanings) as K[];
  const values = Object.fromEntries(keys.map((key) => [key, key])) as { readonly [key in K]: key };
  const valuesConfig = Object.fromEntries(keys.map((key) => [key, { description: meanings[key] }])) as {
    [key in K]: { description: string };
  };
  registerEnumType(values, { name, description, valuesConfig });
  return values;
}

export const ErasureGroundsEnum = enumOf('ErasureGrounds', 'Why a person is erased.', erasureGrounds);
export const ErasureStatusEnum = enumOf('ErasureStatus', 'How far an erasure is.', erasureStatuses);
export const ErasureKindEnum = enumOf('ErasureKind', 'What is erased.', {
  CUSTOMER: 'One person.',
  CLIENT: 'A client with all that it has (statement D1, D3).',
});
export const RecipientKindEnum = enumOf('RecipientKind', 'Who receives data beside the client.', {
  SUB_PROCESSOR: 'A sub-processor of the platform (statement S2).',
  APPLICATION: 'A third-party application that the client installed (statement S3).',
});
export const DeliveryStatusEnum = enumOf('DeliveryStatus', 'Whether a recipient has been told.', {
  QUEUED: 'Not told yet; it is tried again.',
  NO_ENDPOINT: 'It has no endpoint: somebody has to tell it.',
  NOTIFIED: 'Told, and it has not acknowledged.',
  ACKNOWLEDGED: 'It has said that it did its part.',
  DEAD: 'It could not be told: every attempt failed.',
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
  description: 'Whom a request is about, while it knows: completed, it has forgotten.',
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

  @Field(() => DateTime, { nullable: true })
  completedAt: Date | null;
}

export const ErasureRequestConnection = connectionOf(ErasureRequest, 'ErasureRequest');

@ObjectType({ description: 'Whose data a hold keeps.', simpleResolvers: true })
export class HeldSubject {
  @PersonalData({ ...identifier, domain: 'Customer.id', stored: { within: 'LegalHoldRow' } })
  @Field(() => ID, { nullable: true })
  customerId: string | null;
}

@ObjectType({ description: 'What must not be erased while a legal matter is open.', simpleResolvers: true })
export class LegalHold {
  @Field(() => ID)
  id: string;

  @PersonalRows()
  @Field(() => HeldSubject, { nullable: true, description: 'Whom it is about; of a person under erasure for LEGAL.' })
  subject: HeldSubject | null;

  @Field(() => [DataCategoryEnum])
  categories: DataCategory[];

  @Field(() => String)
  matter: string;

  @Field(() => String)
  reason: string;

  @Field(() => DateTime)
  placedAt: Date;

  @Field(() => DateTime, { nullable: true })
  until: Date | null;

  @Field(() => DateTime, { nullable: true })
  releasedAt: Date | null;
}

@ObjectType({
  description: 'How long something is kept after the last that happened with a person.',
  simpleResolvers: true,
})
export class RetentionRule {
  @Field(() => DataCategoryEnum, { nullable: true, description: 'null: the whole person.' })
  category: DataCategory | null;

  @Field(() => Int)
  days: number;

  @Field(() => DateTime)
  setAt: Date;
}

@ObjectType({ description: 'Where a recipient is told.', simpleResolvers: true })
export class WebhookEndpoint {
  @Field(() => ID)
  id: string;

  @Field(() => String, { description: 'Signs what is sent and what is acknowledged; shown this once.' })
  secret: string;
}
