import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { idColumn, textColumn } from '../storage/columns';
import { CertificationInput } from './certification';

@Entity('third_party_application')
@ObjectType({
  description: 'An application of another publisher that clients may install (statement S3).',
  simpleResolvers: true,
})
export class ThirdPartyApplication {
  @PrimaryColumn({ ...idColumn })
  @Field(() => ID)
  id: string;

  @Index({ unique: true })
  @Column({ ...textColumn(60) })
  @Field(() => String)
  slug: string;

  @Column({ ...textColumn(200) })
  @Field(() => String)
  name: string;

  @Column({ ...textColumn(200) })
  @Field(() => String)
  publisher: string;

  @Column({ ...textColumn(2) })
  @Field(() => String, { description: 'Where it processes: ISO 3166-1 alpha-2.' })
  country: string;

  @Column({ type: 'simple-array' })
  @Field(() => [String], { description: 'The most that its tokens may use.' })
  scopes: string[];

  @Column({ name: 'privacy_notice_version', ...textColumn(40) })
  @Field(() => String, { description: 'The version of its privacy notice that an installation has to accept.' })
  privacyNoticeVersion: string;

  @Column({ name: 'privacy_notice_url', ...textColumn(1000), nullable: true })
  @Field(() => String, { nullable: true, description: 'Where that version is published.' })
  privacyNoticeUrl: string | null;

  @Column({ name: 'privacy_notice_text', ...textColumn(8000), nullable: true })
  @Field(() => String, { nullable: true, description: 'What that version says.' })
  privacyNoticeText: string | null;
}

@InputType()
export class RegisterThirdPartyApplicationInput {
  @Field(() => String, { description: 'Lower-case letters, digits and hyphens; its tokens carry it as `sub`.' })
  slug: string;

  @Field(() => String)
  name: string;

  @Field(() => String)
  publisher: string;

  @Field(() => String, { description: 'Where it processes: ISO 3166-1 alpha-2.' })
  country: string;

  @Field(() => [String])
  scopes: string[];

  @Field(() => String)
  privacyNoticeVersion: string;

  @Field(() => String, {
    nullable: true,
    description: 'Where this version of the notice is published, an https URL; this or its text must be given.',
  })
  privacyNoticeUrl?: string | null;

  @Field(() => String, { nullable: true, description: 'What this version says, up to 8,000 characters.' })
  privacyNoticeText?: string | null;

  @Field(() => [CertificationInput], {
    nullable: true,
    description:
      'All its certifications, such as under the Data Privacy Framework, for the privacy officer to ' +
      'say; as they were, if ' +
      'not said.',
  })
  certifications?: CertificationInput[] | null;
}
