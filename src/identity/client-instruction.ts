import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { enumOf } from '../api/enum-of';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';
import { DataCategoryEnum, ProcessingPurposeEnum } from './enums';

export const instructedActs = {
  END_CLIENT: 'End the client: everything of it is erased.',
  EXPORT_CLIENT: 'Make an export of everything of the client, for its administrators to collect.',
} as const;
export type InstructedAct = keyof typeof instructedActs;

const InstructedActEnum = enumOf(
  'InstructedAct',
  'What a client may order the platform to do besides reading.',
  instructedActs,
);

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

  @NonPersonal(governance, { plain: { list: 500 } })
  @Field(() => [DataCategoryEnum], { nullable: true, description: 'The scope; null is every category.' })
  categories: DataCategory[] | null;

  @NonPersonal(governance, { plain: { list: 200 } })
  @Field(() => [InstructedActEnum], {
    nullable: true,
    description: 'What it orders besides reading; an order to act lets nobody read.',
  })
  acts: InstructedAct[] | null;

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

  @Field(() => [InstructedActEnum], {
    nullable: true,
    description:
      'Acts that it orders, each of which two persons of the platform do together. It lets nobody read then.',
  })
  acts?: InstructedAct[] | null;

  @Field(() => String, { nullable: true, description: 'One member of staff (`sub`); all of them, if not said.' })
  principal?: string | null;

  @Field(() => String)
  reason: string;

  @Field(() => DateTime, { nullable: true, description: 'Now, if not said.' })
  validFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Until withdrawn, if not said.' })
  validTo?: Date | null;
}
