import { Field, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { enumOf } from '../api/enum-of';
import { PersonalData } from '../tenancy/personal-data';
import { type RestrictionGround, restrictionGrounds } from './customer';
import { correspondence } from './policies';

export const RestrictionGroundEnum = enumOf(
  'RestrictionGround',
  "Why a person's processing is limited.",
  restrictionGrounds,
);

@ObjectType({ description: "Why and since when a person's processing is limited.", simpleResolvers: true })
export class ProcessingRestriction {
  @PersonalData({ ...correspondence, stored: { within: 'Customer' } })
  @Field(() => RestrictionGroundEnum, { nullable: true })
  ground: RestrictionGround | null;

  @PersonalData({ ...correspondence, stored: { within: 'Customer' } })
  @Field(() => DateTime, { nullable: true })
  since: Date | null;
}
