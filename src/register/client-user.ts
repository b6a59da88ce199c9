import { Field, ID, ObjectType } from 'type-graphql';
import { NonPersonal, otherwise, PersonalData } from '../tenancy/personal-data';
import { Key, type PersonalDataOptions, TenantTable } from '../tenancy/tenant-table';

const account: Omit<PersonalDataOptions, 'stored' | 'category'> = {
  subject: 'CLIENT_USER',
  allow: ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL'],
  erasure: 'DELETE',
  // D5: kept for support, contracts and invoices where law, a dispute or unpaid fees require it.
  retention: 'CLAIMS',
};

@TenantTable('client_user', { subject: { kind: 'CLIENT_USER', id: 'id' }, erasure: 'DELETE' })
@ObjectType({
  description: 'An employee of the client who works in the platform (statement R1, C3).',
  simpleResolvers: true,
})
export class ClientUser {
  @Key()
  clientId: string;

  @Key()
  @PersonalData({
    ...account,
    ...otherwise('PSEUDONYM', account.allow),
    category: 'ONLINE_IDENTIFIER',
    stored: { plain: 'id' },
  })
  @Field(() => ID)
  id: string;

  @PersonalData({ ...account, category: 'NAME', stored: { sealed: true } })
  @Field(() => String, { nullable: true })
  name: string | null;

  @PersonalData({
    ...account,
    category: 'CONTACT',
    deidentify: { IMPROVEMENT: 'PSEUDONYM' },
    stored: { sealed: true, index: 'email' },
  })
  @Field(() => String, { nullable: true })
  email: string | null;

  @NonPersonal('a role in the platform', { plain: { text: 40 } })
  @Field(() => String)
  role: string;
}
