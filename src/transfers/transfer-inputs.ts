import { Directive, Field, ID, InputType, Int } from 'type-graphql';
import { DateTime } from '../api/date-time';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { DataCategoryEnum, ProcessingPurposeEnum } from '../identity/enums';
import type { RecipientKind } from '../identity/recipient';
import { TransferRecipientKindEnum } from '../register/certification';
import { TransferMechanismEnum } from './transfer-approval';

@InputType()
export class TransferRecipientInput {
  @Directive('@nonPersonal(because: "a kind of recipient")')
  @Field(() => TransferRecipientKindEnum)
  kind: RecipientKind;

  @Field(() => ID, {
    nullable: true,
    description: 'Id or slug of an application or a sub-processor; the client and the platform need none.',
  })
  id?: string | null;
}

@InputType()
export class RequestTransferApprovalInput {
  @Field(() => TransferRecipientInput)
  recipient: TransferRecipientInput;

  @Field(() => String, { description: 'Where the data is read: ISO 3166-1 alpha-2.' })
  destinationCountry: string;

  @Field(() => [DataCategoryEnum])
  categories: DataCategory[];

  @Field(() => [ProcessingPurposeEnum])
  purposes: ProcessingPurpose[];

  @Field(() => TransferMechanismEnum)
  mechanism: string;

  @Field(() => Int, { nullable: true, description: 'Module of the standard contractual clauses, 1 to 4.' })
  sccModule?: number | null;

  @Field(() => String, { nullable: true, description: "The assessment of the destination's law, or where it is kept." })
  assessment?: string | null;

  @Field(() => [String], { nullable: true, description: 'Supplementary measures.' })
  safeguards?: string[] | null;

  @Field(() => String, { nullable: true, description: "The supervisory authority's authorisation (GDPR Art. 46(3))." })
  authorisation?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Narrows it to the people of these countries; NATIONAL_LAW has to name them.',
  })
  residencies?: string[] | null;

  // Ids are not looked up: naming a person who does not exist gives no hint of it.
  @Field(() => [ID], { nullable: true, description: 'Narrows it to these people; a derogation has to name them.' })
  dataSubjects?: string[] | null;

  @Field(() => DateTime, { nullable: true, description: 'Once approved, if not said.' })
  validFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Until revoked, if not said.' })
  validUntil?: Date | null;
}

@InputType()
export class DecideTransferInput {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  reason: string;
}

@InputType()
export class SuspendLegalBasisInput {
  @Field(() => String, { description: 'As `legalBases` names it: a finding, an article, a mechanism, a framework.' })
  basis: string;

  @Field(() => DateTime, { nullable: true, description: 'Now, if not said.' })
  from?: Date | null;

  @Field(() => String)
  reason: string;
}

@InputType()
export class ReinstateLegalBasisInput {
  @Field(() => ID, { description: 'The suspension.' })
  id: string;

  @Field(() => DateTime, { nullable: true, description: 'Now, if not said.' })
  from?: Date | null;

  @Field(() => String)
  reason: string;
}
