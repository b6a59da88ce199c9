import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { connectionOf } from '../api/paging';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';

const business = 'a notice to a business';

@TenantTable('client_notice', { erasure: 'DELETE' })
@ObjectType({ description: 'What the platform tells a client; its officers read it.', simpleResolvers: true })
export class ClientNotice {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(business, { plain: 'id' })
  @Field(() => ID)
  id: string;

  @NonPersonal(business, { plain: { text: 40 } })
  @Field(() => String, { description: 'What it is about, such as LEGAL_BASIS_SUSPENDED.' })
  kind: string;

  @NonPersonal(business, { plain: { text: 200 } })
  @Field(() => String)
  subject: string;

  @NonPersonal(business, { plain: { text: 2000 } })
  @Field(() => String)
  message: string;

  @NonPersonal(business, { plain: 'instant' })
  @Field(() => DateTime)
  sentAt: Date;
}

export const ClientNoticeConnection = connectionOf(ClientNotice, 'ClientNotice');
