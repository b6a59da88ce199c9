import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { EmailAddress } from '../api/email-address';
import { connectionOf } from '../api/paging';
import { HostingRegionEnum } from '../identity/enums';
import type { HostingRegion } from '../storage/regions';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';

const business = 'about a business, not a person';
const office = 'an office that the client publishes for others to turn to (GDPR Art. 27, Art. 37(7))';

@TenantTable('client', { erasure: 'KEEP' })
@ObjectType({
  description: 'A business customer of the platform: the controller of its customers’ data (statement R1).',
  simpleResolvers: true,
})
export class Client {
  @Key()
  clientId: string;

  @Field(() => ID)
  id: string;

  @NonPersonal(business, { plain: { text: 60 } })
  @Field(() => String, { description: 'Names the client in tokens and commands; it never changes.' })
  slug: string;

  @NonPersonal(business, { plain: { text: 200 } })
  @Field(() => String)
  name: string;

  @NonPersonal(business, { plain: { text: 2 } })
  @Field(() => String, { nullable: true, description: 'ISO 3166-1 alpha-2.' })
  country: string | null;

  @NonPersonal(business, { plain: { text: 2 } })
  @Field(() => HostingRegionEnum, {
    nullable: true,
    description: 'Where its data is hosted and nowhere else (statement T1).',
  })
  region: HostingRegion | null;

  @NonPersonal(office, { plain: { text: 300 } })
  @Field(() => String, {
    nullable: true,
    description: 'Its representative in the Union, where it needs one (Art. 27).',
  })
  representative: string | null;

  @NonPersonal(office, { plain: { text: 300 } })
  @Field(() => String, { nullable: true, description: 'How its data protection officer is reached (Art. 37(7)).' })
  dataProtectionOfficer: string | null;

  @NonPersonal(business, { plain: 'instant' })
  @Field(() => DateTime)
  createdAt: Date;
}

export const ClientConnection = connectionOf(Client, 'Client');

@InputType({ description: 'The first client user: who administers the client.' })
export class AdministratorInput {
  @Field(() => String)
  name: string;

  @Field(() => EmailAddress)
  email: string;
}

@InputType()
export class RegisterClientInput {
  @Field(() => String, { description: 'Lower-case letters, digits and hyphens.' })
  slug: string;

  @Field(() => String)
  name: string;

  @Field(() => String, { nullable: true, description: 'ISO 3166-1 alpha-2.' })
  country?: string | null;

  @Field(() => HostingRegionEnum, { nullable: true, description: 'Binds its data to a region, for good.' })
  hostingRegion?: HostingRegion | null;

  @Field(() => AdministratorInput, { nullable: true })
  administrator?: AdministratorInput | null;
}

@InputType({ description: 'Whom the record of processing names (GDPR Art. 30(2)(a)); what is left out is taken away.' })
export class NameClientContactsInput {
  @Field(() => String, { nullable: true, description: 'An office and its address, at most 300 characters.' })
  representative?: string | null;

  @Field(() => String, { nullable: true, description: 'An office and its address, at most 300 characters.' })
  dataProtectionOfficer?: string | null;
}
