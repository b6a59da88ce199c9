import { Field, ID, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DateTime } from '../api/date-time';
import { idColumn, instantColumn, textColumn } from '../storage/columns';

/** A legal basis that is suspended for the whole platform, from a moment on. */
@Entity('legal_basis_suspension')
@ObjectType({
  description: 'A legal basis that counts no more on the whole platform: annulled, or not trusted.',
  simpleResolvers: true,
})
export class LegalBasisSuspension {
  @PrimaryColumn({ ...idColumn })
  @Field(() => ID)
  id: string;

  @Column({ ...textColumn(60) })
  @Field(() => String, { description: 'As `legalBases` names it.' })
  basis: string;

  @Column({ name: 'suspended_from', ...instantColumn })
  @Field(() => DateTime)
  suspendedFrom: number;

  @Column({ ...textColumn(500) })
  @Field(() => String)
  reason: string;

  @Column({ name: 'suspended_by', ...textColumn(100) })
  @Field(() => String)
  suspendedBy: string;

  @Column({ name: 'suspended_at', ...instantColumn })
  @Field(() => DateTime, { description: 'When the order was given.' })
  suspendedAt: number;

  @Column({ name: 'reinstated_from', ...instantColumn, nullable: true })
  @Field(() => DateTime, { nullable: true })
  reinstatedFrom: number | null;

  @Column({ name: 'reinstated_reason', ...textColumn(500), nullable: true })
  @Field(() => String, { nullable: true })
  reinstatedReason: string | null;

  @Column({ name: 'reinstated_by', ...textColumn(100), nullable: true })
  @Field(() => String, { nullable: true })
  reinstatedBy: string | null;
}
