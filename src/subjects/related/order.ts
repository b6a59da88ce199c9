import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import { NonPersonal, PersonalData } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';
import { Customer } from '../customer';
import { amount, count, currency, externalId, instant, text, words } from '../import/field-types';
import { Importable } from '../import/importable';
import { purchase, purchaseAmount, purchaseFact, purchaseId, purchaseTime } from '../policies';
import { RelatedTo } from '../related-rows';

const ofCustomer = { kind: 'CUSTOMER', id: 'customerId' } as const;

@RelatedTo(() => Order, 'items', { as: 'list' })
@TenantTable('order_item', { subject: ofCustomer, erasure: 'DELETE' })
@ObjectType({ description: 'One line of an order.', simpleResolvers: true })
export class OrderItem {
  @Key()
  clientId: string;

  @Key()
  customerId: string;

  @Key()
  orderId: string;

  @Key()
  @PersonalData({ ...purchaseId, stored: { plain: 'id' } })
  id: string;

  @PersonalData({ ...purchase, stored: { sealed: true } })
  @Importable(words)
  @Field(() => String, { nullable: true })
  name: string | null;

  @PersonalData({ ...purchaseFact, stored: { plain: 'count' } })
  @Importable(count)
  @Field(() => Int, { nullable: true })
  quantity: number | null;

  @PersonalData({ ...purchaseAmount, stored: { plain: 'amount' } })
  @Importable(amount)
  @Field(() => Float, { nullable: true })
  unitPrice: number | null;

  @NonPersonal('names the import that the row came with (C2)', { plain: 'id' })
  importId: string | null;

  @Importable(externalId)
  @PersonalData({ ...purchaseId, stored: { sealed: true, index: 'externalId' } })
  externalId: string | null;
}

@RelatedTo(() => Customer, 'orders', { as: 'connection', newestFirst: true, description: 'Newest first.' })
@TenantTable('purchase_order', { subject: ofCustomer, erasure: 'DEIDENTIFY' })
@ObjectType({ description: 'An order of a customer (statement C1).', simpleResolvers: true })
export class Order {
  @Key()
  clientId: string;

  @Key()
  customerId: string;

  @Key()
  @PersonalData({ ...purchaseId, stored: { plain: 'id' } })
  @Field(() => ID)
  id: string;

  @PersonalData({ ...purchaseTime, stored: { plain: 'instant' } })
  @Importable(instant)
  @Field(() => DateTime, { nullable: true })
  placedAt: Date | null;

  @PersonalData({ ...purchaseFact, stored: { plain: { text: 3 } } })
  @Importable(currency)
  @Field(() => String, { nullable: true, description: 'ISO 4217.' })
  currency: string | null;

  @PersonalData({ ...purchaseAmount, stored: { plain: 'amount' } })
  @Importable(amount)
  @Field(() => Float, { nullable: true })
  total: number | null;

  @PersonalData({ ...purchaseFact, stored: { plain: { text: 40 } } })
  @Importable(text(40))
  @Field(() => String, { nullable: true })
  status: string | null;

  @NonPersonal('names the import that the row came with (C2)', { plain: 'id' })
  importId: string | null;

  @Importable(externalId)
  @PersonalData({ ...purchaseId, stored: { sealed: true, index: 'externalId' } })
  externalId: string | null;
}
