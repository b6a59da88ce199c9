import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { connectionOf } from '../api/paging';
import { PersonalData } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';
import { behaviour, behaviourId } from './policies';

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

export const AutomatedDecisionConnection = connectionOf(AutomatedDecision, 'AutomatedDecision');
