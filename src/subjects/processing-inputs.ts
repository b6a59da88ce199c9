import { Directive, Field, ID, InputType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import type { ProcessingPurpose } from '../governance/vocabulary';
import { ProcessingPurposeEnum } from '../identity/enums';

const aboutCustomer = () => Directive('@governedBy(field: "Customer.id")');

@InputType()
export class ObjectToProcessingInput {
  @aboutCustomer()
  @Field(() => ID)
  customerId: string;

  @Field(() => [ProcessingPurposeEnum], {
    description: 'Read for these no more (GDPR Art. 21). LEGAL cannot be objected to: claims and duties go on.',
  })
  purposes: ProcessingPurpose[];
}

@InputType()
export class WithdrawObjectionInput {
  @aboutCustomer()
  @Field(() => ID)
  customerId: string;

  @Field(() => [ProcessingPurposeEnum])
  purposes: ProcessingPurpose[];
}

@InputType({ description: 'What is known of a decision; what one may not read, one may not write.' })
export class RecordAutomatedDecisionInput {
  @aboutCustomer()
  @Field(() => ID)
  customerId: string;

  @Directive('@governedBy(field: "AutomatedDecision.subject")')
  @Field(() => String, { description: 'What was decided about, such as a credit limit.' })
  subject: string;

  @Directive('@governedBy(field: "AutomatedDecision.logic")')
  @Field(() => String, { description: 'The logic involved, in words for the person.' })
  logic: string;

  @Directive('@governedBy(field: "AutomatedDecision.madeAt")')
  @Field(() => DateTime, { nullable: true, description: 'Now, if not said.' })
  madeAt?: Date | null;
}
