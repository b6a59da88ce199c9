import { Directive, Field, ID, InputType } from 'type-graphql';
import { DateTime } from '../../api/date-time';
import type { DataCategory, ProcessingPurpose } from '../../governance/vocabulary';
import { DataCategoryEnum, ProcessingPurposeEnum } from '../../identity/enums';
import { CustomerFilter } from '../../subjects/customer-inputs';
import type { ErasureGrounds, ErasureStatus } from './erasure-request';
import { type ClaimsReason, ClaimsReasonEnum, ErasureGroundsEnum, ErasureStatusEnum } from './erasure-request-types';

const aboutCustomer = () => Directive('@governedBy(field: "Customer.id")');

@InputType()
export class RequestErasureInput {
  @aboutCustomer()
  @Field(() => ID)
  customerId: string;

  @Field(() => ErasureGroundsEnum)
  grounds: ErasureGrounds;

  @Field(() => [DataCategoryEnum], {
    nullable: true,
    description: 'Only these; the person stays. All of the person, if nothing is said.',
  })
  categories?: DataCategory[] | null;

  @Field(() => ProcessingPurposeEnum, {
    nullable: true,
    description: 'Only what is kept for this purpose, which has ended: what no other one in force reads.',
  })
  endedPurpose?: ProcessingPurpose | null;

  @Field(() => String, {
    nullable: true,
    description: 'Sealed with the person’s data, and erased with it; of a person whose key is gone it is not kept.',
  })
  note?: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Time to think again: the person is withheld at once, nothing is destroyed before.',
  })
  startsAt?: Date | null;
}

@InputType({ description: 'Either customers or a filter.' })
export class RequestErasuresInput {
  @aboutCustomer()
  @Field(() => [ID], { nullable: true })
  customerIds?: string[] | null;

  // A filter names people too.
  @aboutCustomer()
  @Field(() => CustomerFilter, { nullable: true })
  filter?: CustomerFilter | null;

  @Field(() => ErasureGroundsEnum)
  grounds: ErasureGrounds;

  @Field(() => [DataCategoryEnum], {
    nullable: true,
    description: 'Only these; the person stays. All of the person, if nothing is said.',
  })
  categories?: DataCategory[] | null;

  @Field(() => ProcessingPurposeEnum, {
    nullable: true,
    description: 'Only what is kept for this purpose, which has ended: what no other one in force reads.',
  })
  endedPurpose?: ProcessingPurpose | null;

  @Field(() => String, { nullable: true })
  note?: string | null;
}

@InputType()
export class CancelErasureInput {
  @Field(() => ID)
  id: string;
}

@InputType({ description: 'All that are given must hold.' })
export class ErasureRequestFilter {
  @Directive('@nonPersonal(because: "where a request stands")')
  @Field(() => [ErasureStatusEnum], { nullable: true })
  status?: ErasureStatus[] | null;

  @Directive('@nonPersonal(because: "the deadline of a request")')
  @Field(() => DateTime, { nullable: true })
  dueBefore?: Date | null;
}

@InputType()
export class TerminateClientInput {
  @Field(() => ID, { description: 'Id or slug.' })
  clientId: string;

  @Field(() => DateTime, { description: 'When the agreement ends.' })
  effectiveOn: Date;

  @Field(() => DateTime, { nullable: true, description: 'Longer than 90 days, where that was agreed (D1).' })
  retainUntil?: Date | null;

  @Field(() => String, { nullable: true })
  agreementReference?: string | null;

  @Field(() => ClaimsReasonEnum, { nullable: true, description: 'Why client users are kept longer (D5).' })
  claimsReason?: ClaimsReason | null;

  @Field(() => DateTime, { nullable: true, description: 'Until when client users are kept (D5).' })
  claimsUntil?: Date | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Exports everything on `effectiveOn`; nothing is destroyed before it is collected, or until 30 days have passed.',
  })
  exportFirst: boolean;
}
