import { GraphQLEmailAddress } from 'graphql-scalars';
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { HostingRegionEnum } from '../identity/enums';
import { connectionOf } from '../storage/connection';
import { DateTime } from '../storage/date-time';
import type { HostingRegion } from '../storage/regions';
import { Key, NonPersonal, TenantTable } from '../storage/tables';

const business = 'about a business, not a person';

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

  @NonPersonal(business, { plain: 'instant' })
  @Field(() => DateTime)
  createdAt: Date;
}

export const ClientConnection = connectionOf(Client, 'Client');

@InputType({ description: 'The first client user: who administers the client.' })
export class AdministratorInput {
  @Field(() => String)
  name: string;

  @Field(() => GraphQLEmailAddress)
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
