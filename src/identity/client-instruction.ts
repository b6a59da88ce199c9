import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { enumOf } from '../api/enum-of';
import type { DataCategory } from '../governance/vocabulary';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';
import { DataCategoryEnum } from './enums';
import { GivenTermsInput, givenTerms, HasGivenTerms } from './given-terms';

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
@HasGivenTerms(governance)
export class ClientInstruction extends givenTerms {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(governance, { plain: 'id' })
  @Field(() => ID)
  id: string;

  @NonPersonal(governance, { plain: { list: 200 } })
  @Field(() => [InstructedActEnum], {
    nullable: true,
    description: 'What it orders besides reading; an order to act lets nobody read.',
  })
  acts: InstructedAct[] | null;

  @NonPersonal(governance, { plain: { text: 255 } })
  @Field(() => String, { nullable: true, description: 'The one member of staff it is for; null is all of them.' })
  principal: string | null;
}

@InputType()
export class GiveInstructionInput extends GivenTermsInput {
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
}
