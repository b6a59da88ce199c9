import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { DateTime } from '../api/date-time';
import { enumOf } from '../api/enum-of';
import { idColumn, instantColumn, textColumn } from '../storage/columns';

export const proposedActs = {
  CERTIFY_RECIPIENT: "Certifies the platform's own staff as a recipient.",
  END_CLIENT: 'Ends a client: everything of it is erased.',
  EXPORT_CLIENT: 'Makes an export of everything of a client.',
} as const;
export type ProposedAct = keyof typeof proposedActs;

const proposalStates = {
  PROPOSED: 'Nothing is done: another person has to confirm it.',
  CONFIRMED: 'Another person confirmed it, and it was done.',
  REFUSED: 'It is not done.',
} as const;
export type ProposalState = keyof typeof proposalStates;

const ProposedActEnum = enumOf('ProposedAct', 'What two persons of the platform do together, or nobody.', proposedActs);
const ProposalStateEnum = enumOf('ProposalState', 'Where a proposal stands.', proposalStates);

/** An act that one person of the platform proposes and another confirms. */
@Entity('proposal')
@ObjectType({
  description: 'An act that one person of the platform proposes and another confirms.',
  simpleResolvers: true,
})
export class Proposal {
  @PrimaryColumn({ ...idColumn })
  @Field(() => ID)
  id: string;

  @Column({ ...textColumn(30) })
  @Field(() => ProposedActEnum)
  act: ProposedAct;

  @Index()
  @Column({ name: 'about_client', ...idColumn, nullable: true })
  @Field(() => ID, { nullable: true, description: 'The client that it is about.' })
  aboutClient: string | null;

  @Column({ ...textColumn(4000) })
  @Field(() => String, { description: 'What exactly is proposed, as JSON.' })
  terms: string;

  @Column({ ...textColumn(20) })
  @Field(() => ProposalStateEnum)
  state: ProposalState;

  @Column({ name: 'proposed_by', ...textColumn(255) })
  @Field(() => String)
  proposedBy: string;

  @Column({ name: 'proposed_at', ...instantColumn })
  @Field(() => DateTime)
  proposedAt: number;

  @Column({ name: 'decided_by', ...textColumn(255), nullable: true })
  @Field(() => String, { nullable: true })
  decidedBy: string | null;

  @Column({ name: 'decided_at', ...instantColumn, nullable: true })
  @Field(() => DateTime, { nullable: true })
  decidedAt: number | null;

  @Column({ ...textColumn(500), nullable: true })
  @Field(() => String, { nullable: true, description: 'Why it is not done.' })
  refusal: string | null;
}

@InputType()
export class ConfirmProposalInput {
  @Field(() => ID)
  id: string;
}

@InputType()
export class RefuseProposalInput {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  reason: string;
}
