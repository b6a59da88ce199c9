import { Field, InputType, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import type { DataCategory } from '../../governance/vocabulary';
import { DataCategoryEnum } from '../../identity/enums';

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

@InputType()
export class SetRetentionInput {
  @Field(() => DataCategoryEnum, { nullable: true, description: 'null: the whole person.' })
  category?: DataCategory | null;

  @Field(() => Int, { nullable: true, description: 'Days after the last that happened; null removes the rule.' })
  days?: number | null;
}
