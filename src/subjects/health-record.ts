import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { connectionOf } from '../api/paging';
import { PersonalData } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';
import { health, healthId } from './policies';

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

export const HealthRecordConnection = connectionOf(HealthRecord, 'HealthRecord');
