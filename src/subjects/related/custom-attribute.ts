import { Field, ObjectType } from 'type-graphql';
import { PersonalData } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';
import { Customer } from '../customer';
import { behaviour } from '../policies';
import { RelatedTo } from '../related-rows';

@RelatedTo(() => Customer, 'attributes', { as: 'list', description: 'What else the client records, oldest first.' })
@TenantTable('customer_attribute', { subject: { kind: 'CUSTOMER', id: 'customerId' }, erasure: 'DELETE' })
@ObjectType({
  description: 'What else the client records of the use of its products (statement C1).',
  simpleResolvers: true,
})
export class CustomAttribute {
  @Key()
  clientId: string;

  @Key()
  customerId: string;

  @Key()
  @PersonalData({ ...behaviour, stored: { plain: 'id' } })
  id: string;

  @PersonalData({ ...behaviour, stored: { sealed: true, index: 'attributeKey' } })
  @Field(() => String, { nullable: true, description: 'That a person has it says something of them.' })
  key: string | null;

  @PersonalData({ ...behaviour, stored: { sealed: true } })
  @Field(() => String, { nullable: true })
  value: string | null;
}
