import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import type { AgreementKind, ProcessingPurpose } from '../governance/vocabulary';
import { AgreementKindEnum, ProcessingPurposeEnum } from '../identity/enums';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';

const contract = 'a contract between businesses';

@TenantTable('agreement', { erasure: 'KEEP' })
@ObjectType({ description: 'An agreement between a client and the platform (statement R2).', simpleResolvers: true })
export class Agreement {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(contract, { plain: 'id' })
  @Field(() => ID)
  id: string;

  @NonPersonal(contract, { plain: { text: 20 } })
  @Field(() => AgreementKindEnum)
  kind: AgreementKind;

  @NonPersonal(contract, { plain: { text: 40 } })
  @Field(() => String)
  version: string;

  @NonPersonal(contract, { plain: 'instant' })
  @Field(() => DateTime)
  effectiveFrom: Date;

  @NonPersonal(contract, { plain: 'instant' })
  @Field(() => DateTime, { nullable: true })
  effectiveTo: Date | null;

  @NonPersonal(contract, { plain: { list: 200 } })
  @Field(() => [ProcessingPurposeEnum], {
    description: 'Purposes that this agreement closes, whatever the schema allows.',
  })
  excludedPurposes: ProcessingPurpose[];

  @NonPersonal(contract, { plain: 'count' })
  @Field(() => Int, { nullable: true, description: 'Days in which an erasure is done, where shorter than the law’s.' })
  erasureDays: number | null;

  @NonPersonal(contract, { plain: 'count' })
  @Field(() => Boolean, { description: 'Amounts of orders that name nobody may stay after an erasure (statement D4).' })
  keepsDeidentified: boolean;

  @NonPersonal('the principal that signed, an account', { plain: { text: 255 } })
  @Field(() => String)
  signedBy: string;

  @NonPersonal(contract, { plain: 'instant' })
  @Field(() => DateTime)
  signedAt: Date;
}

@InputType()
export class SignAgreementInput {
  @Field(() => AgreementKindEnum)
  kind: AgreementKind;

  @Field(() => String)
  version: string;

  @Field(() => DateTime, { nullable: true, description: 'Now, if not said.' })
  effectiveFrom?: Date | null;

  @Field(() => DateTime, { nullable: true })
  effectiveTo?: Date | null;

  @Field(() => [ProcessingPurposeEnum], { nullable: true, description: 'Purposes that this agreement closes.' })
  excludedPurposes?: ProcessingPurpose[] | null;

  @Field(() => Int, { nullable: true, description: 'Days in which an erasure is done: 1 to 90.' })
  erasureDays?: number | null;

  @Field(() => Boolean, { nullable: true, description: 'Amounts of orders that name nobody may stay (statement D4).' })
  keepsDeidentified?: boolean | null;
}
