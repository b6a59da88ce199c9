import { Field, ID, InputType, ObjectType } from 'type-graphql';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { DateTime } from '../storage/date-time';
import { Key, NonPersonal, TenantTable } from '../storage/tables';
import { DataCategoryEnum, ProcessingPurposeEnum } from './enums';

const governance = 'a record of governance about the platform and its staff';

@TenantTable('client_instruction', { erasure: 'DELETE' })
@ObjectType({
  description:
    "A client's documented order that lets platform staff act on its data (GDPR Art. 28(3)(a), statement R1).",
  simpleResolvers: true,
})
export class ClientInstruction {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(governance, { plain: 'id' })
  @Field(() => ID)
  id: string;

  @NonPersonal(governance, { plain: { text: 30 } })
  @Field(() => ProcessingPurposeEnum)
  purpose: ProcessingPurpose;

  @NonPersonal(governance, { plain: { text: 500 } })
  @Field(() => [DataCategoryEnum], { nullable: true, description: 'The scope; null is every category.' })
  categories: DataCategory[] | null;

  @NonPersonal(governance, { plain: { text: 255 } })
  @Field(() => String, { nullable: true, description: 'The one member of staff it is for; null is all of them.' })
  principal: string | null;

  @NonPersonal(governance, { plain: { text: 500 } })
  @Field(() => String)
  reason: string;

  @NonPersonal(governance, { plain: 'instant' })
  @Field(() => DateTime)
  validFrom: Date;

  @NonPersonal(governance, { plain: 'instant' })
  @Field(() => DateTime, { nullable: true })
  validTo: Date | null;

  @NonPersonal(governance, { plain: 'instant' })
  @Field(() => DateTime, { nullable: true })
  withdrawnAt: Date | null;

  @NonPersonal(governance, { plain: { text: 500 } })
  @Field(() => String, { nullable: true })
  withdrawnReason: string | null;

  @NonPersonal(governance, { plain: { text: 255 } })
  @Field(() => String, { description: 'The principal that gave it.' })
  givenBy: string;
}

@InputType()
export class GiveInstructionInput {
  @Field(() => ProcessingPurposeEnum)
  purpose: ProcessingPurpose;

  @Field(() => [DataCategoryEnum], { nullable: true, description: 'Narrows the instruction to these categories.' })
  categories?: DataCategory[] | null;

  @Field(() => String, { nullable: true, description: 'One member of staff (`sub`); all of them, if not said.' })
  principal?: string | null;

  @Field(() => String)
  reason: string;

  @Field(() => DateTime, { nullable: true, description: 'Now, if not said.' })
  validFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Until withdrawn, if not said.' })
  validTo?: Date | null;
}
