import { Field, ObjectType } from 'type-graphql';
import { Key, NonPersonal, PersonalData, TenantTable } from '../storage/tables';
import { behaviour } from './policies';

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

  @Key({ text: 100 })
  @NonPersonal("names a column of the client's own, not a person", { plain: { text: 100 } })
  @Field(() => String)
  key: string;

  @PersonalData({ ...behaviour, stored: { sealed: true } })
  @Field(() => String, { nullable: true })
  value: string | null;
}
