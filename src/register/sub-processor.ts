import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { DateTime } from '../api/date-time';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { DataCategoryEnum, ProcessingPurposeEnum } from '../identity/enums';
import { idColumn, instantColumn, textColumn } from '../storage/columns';
import { CertificationInput } from './certification';

@Entity('sub_processor')
@ObjectType({
  description: 'A third party that processes personal data for the platform; the list is public (statement S2).',
  simpleResolvers: true,
})
export class SubProcessor {
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

  @Column({ ...textColumn(500) })
  @Field(() => String, { description: 'What it does for the platform.' })
  service: string;

  @Column({ ...textColumn(2) })
  @Field(() => String, { description: 'Where it processes: ISO 3166-1 alpha-2.' })
  country: string;

  @Column({ type: 'simple-array' })
  @Field(() => [ProcessingPurposeEnum])
  purposes: ProcessingPurpose[];

  @Column({ type: 'simple-array' })
  @Field(() => [DataCategoryEnum])
  categories: DataCategory[];

  @Column({ name: 'engaged_from', ...instantColumn })
  @Field(() => DateTime)
  engagedFrom: number;

  @Column({ name: 'engaged_to', ...instantColumn, nullable: true })
  @Field(() => DateTime, { nullable: true })
  engagedTo: number | null;
}

@InputType()
export class RegisterSubProcessorInput {
  @Field(() => String, { description: 'Lower-case letters, digits and hyphens; its tokens carry it as `sub`.' })
  slug: string;

  @Field(() => String)
  name: string;

  @Field(() => String)
  service: string;

  @Field(() => String, { description: 'Where it processes: ISO 3166-1 alpha-2.' })
  country: string;

  @Field(() => [ProcessingPurposeEnum])
  purposes: ProcessingPurpose[];

  @Field(() => [DataCategoryEnum])
  categories: DataCategory[];

  @Field(() => DateTime, { nullable: true, description: 'Now, if not said.' })
  engagedFrom?: Date | null;

  @Field(() => DateTime, { nullable: true })
  engagedTo?: Date | null;

  @Field(() => [CertificationInput], {
    nullable: true,
    description:
      'All its certifications, such as under the Data Privacy Framework, for the privacy officer to ' +
      'say; as they were, if ' +
      'not said.',
  })
  certifications?: CertificationInput[] | null;
}
