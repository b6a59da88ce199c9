import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { PersonalData } from '../tenancy/personal-data';
import { type RestrictionGround, restrictionGrounds } from './customer';
import { correspondence } from './policies';

export const RestrictionGroundEnum = Object.fromEntries(
  Object.keys(restrictionGrounds).map((ground) => [ground, ground]),
) as Record<RestrictionGround, RestrictionGround>;
registerEnumType(RestrictionGroundEnum, {
  name: 'RestrictionGround',
  description: "Why a person's processing is limited.",
  valuesConfig: Object.fromEntries(
    Object.entries(restrictionGrounds).map(([ground, article]) => [ground, { description: article }]),
  ),
});

@ObjectType({ description: "Why and since when a person's processing is limited.", simpleResolvers: true })
export class ProcessingRestriction {
  @PersonalData({ ...correspondence, stored: { within: 'Customer' } })
  @Field(() => RestrictionGroundEnum, { nullable: true })
  ground: RestrictionGround | null;

  @PersonalData({ ...correspondence, stored: { within: 'Customer' } })
  @Field(() => DateTime, { nullable: true })
  since: Date | null;
}
