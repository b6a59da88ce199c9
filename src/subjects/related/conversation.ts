import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import { NonPersonal, PersonalData } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';
import { Customer } from '../customer';
import { externalId, instant, oneOf, text, words } from '../import/field-types';
import { Importable } from '../import/importable';
import { correspondence, correspondenceId } from '../policies';
import { RelatedTo } from '../related-rows';

const ofCustomer = { kind: 'CUSTOMER', id: 'customerId' } as const;

@RelatedTo(() => Conversation, 'messages', { as: 'connection', description: 'Oldest first.' })
@TenantTable('message', { subject: ofCustomer, erasure: 'DELETE' })
@ObjectType({ description: 'One message of a conversation.', simpleResolvers: true })
export class Message {
  @Key()
  clientId: string;

  @Key()
  customerId: string;

  @Key()
  conversationId: string;

  @Key()
  @PersonalData({ ...correspondenceId, stored: { plain: 'id' } })
  @Field(() => ID)
  id: string;

  @PersonalData({ ...correspondence, stored: { plain: 'instant' } })
  @Importable(instant)
  @Field(() => DateTime, { nullable: true })
  sentAt: Date | null;

  @PersonalData({ ...correspondence, stored: { plain: { text: 10 } } })
  @Importable(oneOf('INBOUND', 'OUTBOUND'))
  @Field(() => String, { nullable: true, description: 'INBOUND from the customer, OUTBOUND to them.' })
  direction: string | null;

  @PersonalData({ ...correspondence, stored: { sealed: true } })
  @Importable(text(1_000_000))
  @Field(() => String, { nullable: true })
  body: string | null;

  @NonPersonal('names the import that the row came with (C2)', { plain: 'id' })
  importId: string | null;

  @Importable(externalId)
  @PersonalData({ ...correspondenceId, stored: { sealed: true, index: 'externalId' } })
  externalId: string | null;
}

@RelatedTo(() => Customer, 'conversations', { as: 'connection', newestFirst: true, description: 'Newest first.' })
@TenantTable('conversation', { subject: ofCustomer, erasure: 'DELETE' })
@ObjectType({
  description: 'Correspondence between a customer and client users (statement C1).',
  simpleResolvers: true,
})
export class Conversation {
  @Key()
  clientId: string;

  @Key()
  customerId: string;

  @Key()
  @PersonalData({ ...correspondenceId, stored: { plain: 'id' } })
  @Field(() => ID)
  id: string;

  @PersonalData({ ...correspondence, stored: { plain: { text: 40 } } })
  @Importable(text(40))
  @Field(() => String, { nullable: true, description: 'EMAIL, CHAT, PHONE, …' })
  channel: string | null;

  @PersonalData({ ...correspondence, stored: { sealed: true } })
  @Importable(words)
  @Field(() => String, { nullable: true })
  subject: string | null;

  @NonPersonal('names the import that the row came with (C2)', { plain: 'id' })
  importId: string | null;

  @Importable(externalId)
  @PersonalData({ ...correspondenceId, stored: { sealed: true, index: 'externalId' } })
  externalId: string | null;
}
