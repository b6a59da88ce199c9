import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { DataCategoryEnum, ProcessingPurposeEnum } from '../identity/enums';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';
import { ThirdPartyApplication } from './third-party-application';

const business = 'a contract between businesses';

@TenantTable('installation', { erasure: 'DELETE' })
@ObjectType({
  description: 'A third-party application that a client has set up (statement S3).',
  simpleResolvers: true,
})
export class Installation {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(business, { plain: 'id' })
  @Field(() => ID)
  id: string;

  @NonPersonal(business, { plain: 'id' })
  applicationId: string;

  @Field(() => ThirdPartyApplication)
  application: ThirdPartyApplication;

  @NonPersonal(business, { plain: { text: 40 } })
  @Field(() => String, { description: 'The version of the privacy notice that was accepted.' })
  acceptedNoticeVersion: string;

  @Field(() => Boolean, {
    description: 'Whether the accepted notice is still the current one: the application reads nothing otherwise.',
  })
  inForce: boolean;

  @NonPersonal('the principal that installed it, an account', { plain: { text: 255 } })
  @Field(() => String)
  installedBy: string;

  @NonPersonal(business, { plain: 'instant' })
  @Field(() => DateTime)
  installedAt: Date;
}

@InputType()
export class InstallThirdPartyApplicationInput {
  @Field(() => ID)
  applicationId: string;

  @Field(() => String, {
    description: 'The version of the privacy notice that you accept; it must be the current one.',
  })
  acceptedNoticeVersion: string;

  @Field(() => [ProcessingPurposeEnum], { description: 'What the application may read for: a purpose grant each.' })
  purposes: ProcessingPurpose[];

  @Field(() => [DataCategoryEnum], { nullable: true, description: 'Narrows the grants to these categories.' })
  categories?: DataCategory[] | null;
}
