import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { enumOf } from '../api/enum-of';
import { connectionOf } from '../api/paging';
import type { DataCategory } from '../governance/vocabulary';
import { DataCategoryEnum } from '../identity/enums';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';

const record = 'a record of what was asked for, and answered';
const account = 'a member of staff, by account';

export const DisclosureStatus = enumOf('DisclosureStatus', 'Where a disclosure stands.', {
  REQUESTED: 'Recorded; nothing is given until another person approves.',
  MADE: 'Approved by a second person.',
  REFUSED: 'Not made.',
});
export type DisclosureStatus = keyof typeof DisclosureStatus;

@TenantTable('disclosure', { erasure: 'KEEP' })
@ObjectType({
  description: 'A disclosure to government, law enforcement or a private party, on the record (statement S4).',
  simpleResolvers: true,
})
export class Disclosure {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(record, { plain: 'id' })
  @Field(() => ID)
  id: string;

  @NonPersonal(record, { plain: { text: 200 } })
  @Field(() => String)
  recipient: string;

  @NonPersonal(record, { plain: { text: 200 } })
  @Field(() => String, { nullable: true, description: 'The court or authority that asks; null for a private party.' })
  authority: string | null;

  @NonPersonal(record, { plain: { text: 2 } })
  @Field(() => String, { nullable: true, description: 'ISO 3166-1 alpha-2.' })
  authorityCountry: string | null;

  @NonPersonal(record, { plain: { text: 300 } })
  @Field(() => String)
  legalBasis: string;

  @NonPersonal(record, { plain: { text: 300 } })
  @Field(() => String, { nullable: true, description: 'The international agreement it rests on (GDPR Art. 48).' })
  treaty: string | null;

  @NonPersonal(record, { plain: { text: 200 } })
  @Field(() => String, { description: 'The file number of whoever asks.' })
  reference: string;

  @NonPersonal(record, { plain: { text: 1000 } })
  @Field(() => String)
  scope: string;

  @NonPersonal(record, { plain: { list: 500 } })
  @Field(() => [DataCategoryEnum])
  categories: DataCategory[];

  /** References, as in the audit ledger. Once the people are erased, nobody can tell whom they are about. */
  @NonPersonal('keyed references, which die with the persons’ keys', { plain: { list: 5000 } })
  subjects: string[];

  @Field(() => Int, { description: 'How many persons it is about.' })
  subjectCount: number;

  @NonPersonal(record, { plain: 'instant' })
  @Field(() => DateTime, { nullable: true, description: 'Until when the client must not be told.' })
  gagUntil: Date | null;

  @NonPersonal(record, { plain: { text: 20 } })
  @Field(() => DisclosureStatus)
  status: DisclosureStatus;

  @NonPersonal(account, { plain: { text: 255 } })
  @Field(() => String)
  requestedBy: string;

  @NonPersonal(record, { plain: 'instant' })
  @Field(() => DateTime)
  requestedAt: Date;

  @NonPersonal(account, { plain: { text: 255 } })
  @Field(() => String, { nullable: true })
  decidedBy: string | null;

  @NonPersonal(record, { plain: 'instant' })
  @Field(() => DateTime, { nullable: true })
  decidedAt: Date | null;

  @NonPersonal(record, { plain: { text: 500 } })
  @Field(() => String, { nullable: true, description: 'Why it was refused.' })
  refusal: string | null;

  @NonPersonal(record, { plain: 'instant' })
  @Field(() => DateTime, { nullable: true, description: 'When the client was told.' })
  toldAt: Date | null;
}

export const DisclosureConnection = connectionOf(Disclosure, 'Disclosure');

@InputType()
export class RecordDisclosureInput {
  @Field(() => String, { description: 'Who gets the data.' })
  recipient: string;

  @Field(() => String, {
    nullable: true,
    description: 'The court or authority that asks; left out for a private party.',
  })
  authority?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'ISO 3166-1 alpha-2. An authority whose country is not said is one of a third country.',
  })
  authorityCountry?: string | null;

  @Field(() => String, { description: 'What it rests on: a law, a warrant, the enforcement of the agreement.' })
  legalBasis: string;

  @Field(() => String, { nullable: true, description: 'The international agreement in force (GDPR Art. 48).' })
  treaty?: string | null;

  @Field(() => String, { description: 'The file number of whoever asks.' })
  reference: string;

  @Field(() => String, { description: 'What is given, no more than is asked for and necessary.' })
  scope: string;

  @Field(() => [DataCategoryEnum])
  categories: DataCategory[];

  @Field(() => [ID], { description: 'The persons, at most 200.' })
  customerIds: string[];

  @Field(() => DateTime, { nullable: true, description: 'Until when law forbids to tell the client.' })
  gagUntil?: Date | null;
}
