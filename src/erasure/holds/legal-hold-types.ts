import { Directive, Field, ID, InputType, ObjectType } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import type { DataCategory } from '../../governance/vocabulary';
import { DataCategoryEnum } from '../../identity/enums';
import { identifier } from '../../subjects/policies';
import { PersonalData, PersonalRows } from '../../tenancy/personal-data';

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

@InputType()
export class PlaceLegalHoldInput {
  @Directive('@governedBy(field: "Customer.id")')
  @Field(() => ID)
  customerId: string;

  @Field(() => [DataCategoryEnum], { description: 'Exactly these are kept; the rest is erased.' })
  categories: DataCategory[];

  @Field(() => String, { description: 'Names the matter, such as a docket number; never the person.' })
  matter: string;

  @Field(() => String, { description: 'Why it is kept, without the person’s name.' })
  reason: string;

  @Field(() => DateTime, { nullable: true, description: 'When it ends by itself; null when it is released.' })
  until?: Date | null;
}

@InputType()
export class ReleaseLegalHoldInput {
  @Field(() => ID)
  id: string;
}
