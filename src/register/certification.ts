import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { DateTime } from '../api/date-time';
import { enumOf } from '../api/enum-of';
import { type RecipientKind, recipientKinds } from '../identity/recipient';
import { type Framework, frameworks } from '../law/frameworks';
import { idColumn, instantColumn, textColumn } from '../storage/columns';

export const TransferRecipientKindEnum = enumOf('TransferRecipientKind', 'To whom personal data goes.', recipientKinds);
const FrameworkEnum = enumOf(
  'CertificationFramework',
  'A programme that lists recipients by name, on which an adequacy finding rests.',
  frameworks,
);

/** A recipient's listing under a framework, for a time. */
@Entity('recipient_certification')
@ObjectType({
  description: "A recipient's listing under a framework such as the Data Privacy Framework.",
  simpleResolvers: true,
})
@Index(['recipientKind', 'recipientId'])
export class RecipientCertification {
  @PrimaryColumn({ ...idColumn })
  @Field(() => ID)
  id: string;

  @Column({ name: 'recipient_kind', ...textColumn(20) })
  @Field(() => TransferRecipientKindEnum)
  recipientKind: RecipientKind;

  @Column({ name: 'recipient_id', ...textColumn(36) })
  @Field(() => ID)
  recipientId: string;

  @Column({ ...textColumn(40) })
  @Field(() => FrameworkEnum)
  framework: Framework;

  @Column({ name: 'valid_from', ...instantColumn })
  @Field(() => DateTime)
  validFrom: number;

  @Column({ name: 'valid_to', ...instantColumn, nullable: true })
  @Field(() => DateTime, { nullable: true, description: 'When the listing lapses or was left.' })
  validTo: number | null;
}

@InputType()
export class CertificationInput {
  @Field(() => FrameworkEnum)
  framework: Framework;

  @Field(() => DateTime)
  from: Date;

  @Field(() => DateTime, { nullable: true, description: 'Until further notice, if not said.' })
  to?: Date | null;
}

@InputType({ description: 'Certifications of a recipient, all of them: those that are left out are no more.' })
export class CertifyRecipientInput {
  @Field(() => TransferRecipientKindEnum)
  kind: RecipientKind;

  @Field(() => ID, { nullable: true, description: 'Of an application, a sub-processor or a client, its id or slug.' })
  id?: string | null;

  @Field(() => [CertificationInput])
  certifications: CertificationInput[];
}
