import { Field, InputType, ObjectType } from 'type-graphql';
import { requireCountry } from '../identity/checks';
import { PersonalData } from '../tenancy/personal-data';
import { country, words } from './import/field-types';
import { Importable } from './import/importable';
import { demographic, residence, whereabouts } from './policies';
import { Writable, WritesFieldsOf } from './writable-fields';

const within = { within: 'Customer.postalAddress' };

@ObjectType({ description: 'Where a customer lives or receives post.', simpleResolvers: true })
export class PostalAddress {
  @PersonalData({ ...whereabouts, stored: within })
  @Writable()
  @Importable(words)
  @Field(() => String, { nullable: true })
  street: string | null;

  @PersonalData({ ...whereabouts, stored: within })
  @Writable()
  @Importable(words)
  @Field(() => String, { nullable: true })
  city: string | null;

  @PersonalData({ ...demographic, category: 'CONTACT', stored: within })
  @Writable()
  @Importable(words)
  @Field(() => String, { nullable: true })
  region: string | null;

  @PersonalData({ ...whereabouts, deidentify: { IMPROVEMENT: 'GENERALIZE' }, stored: within })
  @Writable()
  @Importable(words)
  @Field(() => String, { nullable: true })
  postalCode: string | null;

  @PersonalData({ ...residence, category: 'CONTACT', stored: within })
  @Writable({ check: requireCountry })
  @Importable(country)
  @Field(() => String, { nullable: true, description: 'ISO 3166-1 alpha-2.' })
  country: string | null;
}

const writtenAddress = class {} as new () => Partial<PostalAddress>;

@WritesFieldsOf(PostalAddress)
@InputType({ description: 'A postal address; what is left out is unknown.' })
export class PostalAddressInput extends writtenAddress {}
