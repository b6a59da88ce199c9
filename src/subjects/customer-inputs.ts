import { Directive, Field, ID, InputType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import type { ProcessingPurpose } from '../governance/vocabulary';
import { ProcessingPurposeEnum } from '../identity/enums';
import { Customer, type RestrictionGround } from './customer';
import type { PostalAddressInput } from './postal-address';
import { RestrictionGroundEnum } from './processing-restriction';
import { WritesFieldsOf } from './writable-fields';

const reads = (field: string) => Directive(`@governedBy(field: "Customer.${field}")`);
const looksUp = (field: string) => Directive(`@governedBy(field: "Customer.${field}", operators: [EQ])`);

@Directive('@oneOf')
@InputType({ description: 'Exactly one of these: an exact look-up by a blind index.' })
export class CustomerLookup {
  @looksUp('email')
  @Field(() => String, { nullable: true, description: 'In any spelling, internationalised ones too.' })
  email?: string | null;

  @looksUp('phone')
  @Field(() => String, { nullable: true, description: "In any spelling; without its country it may be any country's." })
  phone?: string | null;

  @looksUp('socialHandle')
  @Field(() => String, { nullable: true, description: 'With or without @; a link is of one network only.' })
  socialHandle?: string | null;

  @looksUp('externalId')
  @Field(() => String, { nullable: true })
  externalId?: string | null;
}

@InputType({ description: 'All that are given must hold.' })
export class CustomerFilter {
  @reads('residency')
  @Field(() => String, { nullable: true, description: 'ISO 3166-1 alpha-2.' })
  residency?: string | null;

  @reads('source')
  @Field(() => String, { nullable: true })
  source?: string | null;

  @reads('objections')
  @Field(() => ProcessingPurposeEnum, { nullable: true, description: 'Who objects to this purpose (GDPR Art. 21).' })
  objectsTo?: ProcessingPurpose | null;

  @reads('lastAutomatedDecisionAt')
  @Field(() => Boolean, { nullable: true, description: 'true: about whom a decision was made by automated means.' })
  decidedAutomatically?: boolean | null;

  @reads('createdAt')
  @Field(() => DateTime, { nullable: true })
  createdAfter?: Date | null;

  @reads('createdAt')
  @Field(() => DateTime, { nullable: true })
  createdBefore?: Date | null;
}

@InputType()
export class AttributeInput {
  // A null value removes the attribute.
  @Directive('@governedBy(field: "CustomAttribute.key")')
  @Field(() => String)
  key: string;

  @Directive('@governedBy(field: "CustomAttribute.value")')
  @Field(() => String, { nullable: true, description: 'null removes the attribute.' })
  value?: string | null;
}

/** What the inputs below get from the writable fields of {@link Customer}. */
type Written = Partial<Omit<Customer, 'clientId' | 'id' | 'postalAddress'>> & {
  postalAddress?: PostalAddressInput | null;
};
const written = class {} as new () => Written;

@WritesFieldsOf(Customer)
@InputType({ description: 'What is known of a person; what one may not read, one may not write.' })
class CustomerFields extends written {
  @Field(() => [AttributeInput], { nullable: true })
  attributes?: AttributeInput[] | null;
}

@WritesFieldsOf(Customer, { onlyWhenCreated: true })
@InputType()
export class CreateCustomerInput extends CustomerFields {
  @Field(() => Boolean, {
    nullable: true,
    description:
      'Takes in a person whose erasure is on record, such as one who became a customer again; for ' +
      'administrators and privacy officers.',
  })
  allowErased?: boolean | null;
}

@InputType({ description: 'Fields that are left out stay as they are; null empties one.' })
export class UpdateCustomerInput extends CustomerFields {
  @reads('id')
  @Field(() => ID)
  customerId: string;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Takes in an identifier of a person whose erasure is on record, such as a number that was given anew.',
  })
  allowErased?: boolean | null;
}

@InputType()
export class RestrictProcessingInput {
  @reads('id')
  @Field(() => ID)
  customerId: string;

  @Field(() => RestrictionGroundEnum)
  ground: RestrictionGround;
}

@InputType()
export class LiftRestrictionInput {
  @reads('id')
  @Field(() => ID)
  customerId: string;
}
