import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import { PersonalData } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';
import { Customer } from '../customer';
import { health, healthId } from '../policies';
import { RelatedTo } from '../related-rows';

@RelatedTo(() => Customer, 'healthRecords', {
  as: 'connection',
  newestFirst: true,
  description: 'Newest first. That there are any is health data itself.',
})
@TenantTable('health_record', { subject: { kind: 'CUSTOMER', id: 'customerId' }, erasure: 'DELETE' })
@ObjectType({
  description: 'Medical information; only under a HIPAA business associate agreement (C1).',
  simpleResolvers: true,
})
export class HealthRecord {
  @Key()
  clientId: string;

  @Key()
  customerId: string;

  @Key()
  @PersonalData({ ...healthId, stored: { plain: 'id' } })
  @Field(() => ID)
  id: string;

  @PersonalData({ ...health, stored: { plain: 'instant' } })
  @Field(() => DateTime, { nullable: true })
  recordedAt: Date | null;

  @PersonalData({ ...health, stored: { sealed: true } })
  @Field(() => String, { nullable: true })
  kind: string | null;

  @PersonalData({ ...health, stored: { sealed: true } })
  @Field(() => String, { nullable: true })
  note: string | null;
}
