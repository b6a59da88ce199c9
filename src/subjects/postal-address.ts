import { Directive, Field, InputType, ObjectType } from 'type-graphql';
import { PersonalData } from '../tenancy/personal-data';
import { demographic, residence, whereabouts } from './policies';

const within = { within: 'Customer.postalAddress' };

@ObjectType({ description: 'Where a customer lives or receives post.', simpleResolvers: true })
export class PostalAddress {
  @PersonalData({ ...whereabouts, stored: within })
  @Field(() => String, { nullable: true })
  street: string | null;

  @PersonalData({ ...whereabouts, stored: within })
  @Field(() => String, { nullable: true })
  city: string | null;

  @PersonalData({ ...demographic, category: 'CONTACT', stored: within })
  @Field(() => String, { nullable: true })
  region: string | null;

  @PersonalData({ ...whereabouts, deidentify: { IMPROVEMENT: 'GENERALIZE' }, stored: within })
  @Field(() => String, { nullable: true })
  postalCode: string | null;

  @PersonalData({ ...residence, category: 'CONTACT', stored: within })
  @Field(() => String, { nullable: true, description: 'ISO 3166-1 alpha-2.' })
  country: string | null;
}

@InputType({ description: 'A postal address; what is left out is unknown.' })
export class PostalAddressInput {
  @Directive('@governedBy(field: "PostalAddress.street")')
  @Field(() => String, { nullable: true })
  street?: string | null;

  @Directive('@governedBy(field: "PostalAddress.city")')
  @Field(() => String, { nullable: true })
  city?: string | null;

  @Directive('@governedBy(field: "PostalAddress.region")')
  @Field(() => String, { nullable: true })
  region?: string | null;

  @Directive('@governedBy(field: "PostalAddress.postalCode")')
  @Field(() => String, { nullable: true })
  postalCode?: string | null;

  @Directive('@governedBy(field: "PostalAddress.country")')
  @Field(() => String, { nullable: true })
  country?: string | null;
}
