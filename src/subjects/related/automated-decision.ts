import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import { PersonalData } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';
import { Customer } from '../customer';
import { behaviour, behaviourId } from '../policies';
import { RelatedTo } from '../related-rows';

@RelatedTo(() => Customer, 'automatedDecisions', { as: 'connection', newestFirst: true, description: 'Newest first.' })
@TenantTable('automated_decision', { subject: { kind: 'CUSTOMER', id: 'customerId' }, erasure: 'DELETE' })
@ObjectType({
  description: 'A decision about a person that was made by automated means, profiling included (GDPR Art. 22).',
  simpleResolvers: true,
})
export class AutomatedDecision {
  @Key()
  clientId: string;

  @Key()
  customerId: string;

  @Key()
  @PersonalData({ ...behaviourId, stored: { plain: 'id' } })
  @Field(() => ID)
  id: string;

  @PersonalData({ ...behaviour, stored: { plain: 'instant' } })
  @Field(() => DateTime, { nullable: true })
  madeAt: Date | null;

  @PersonalData({ ...behaviour, stored: { sealed: true } })
  @Field(() => String, { nullable: true, description: 'What was decided about, such as a credit limit.' })
  subject: string | null;

  @PersonalData({ ...behaviour, stored: { sealed: true } })
  @Field(() => String, {
    nullable: true,
    description: 'The logic involved, as the person is told it (Art. 13(2)(f), 15(1)(h)).',
  })
  logic: string | null;
}
