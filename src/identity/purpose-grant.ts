import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { enumOf } from '../api/enum-of';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';
import { DataCategoryEnum, ProcessingPurposeEnum } from './enums';

export const GranteeKind = enumOf(
  'GranteeKind',
  'Who a grant is for: everyone with a role at the client, one principal, or an installed application.',
  { ROLE: '', PRINCIPAL: '', APPLICATION: '' },
);
export type GranteeKind = keyof typeof GranteeKind;

const governance = 'a record of governance about a role or an account';

@TenantTable('purpose_grant', { erasure: 'DELETE' })
@ObjectType({
  description: "A client's permission for a purpose. A token's purpose counts only with a grant in force.",
  simpleResolvers: true,
})
export class PurposeGrant {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(governance, { plain: 'id' })
  @Field(() => ID)
  id: string;

  @NonPersonal(governance, { plain: { text: 20 } })
  @Field(() => GranteeKind)
  granteeKind: GranteeKind;

  @NonPersonal(governance, { plain: { text: 255 } })
  @Field(() => String, { description: 'The role, the principal (`sub`), or the application id.' })
  grantee: string;

  @NonPersonal(governance, { plain: { text: 30 } })
  @Field(() => ProcessingPurposeEnum)
  purpose: ProcessingPurpose;

  @NonPersonal(governance, { plain: { list: 500 } })
  @Field(() => [DataCategoryEnum], { nullable: true, description: 'The scope; null is every category.' })
  categories: DataCategory[] | null;

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
export class GrantPurposeInput {
  @Field(() => GranteeKind)
  granteeKind: GranteeKind;

  @Field(() => String, { description: 'A role of the client, a principal (`sub`), or an application id.' })
  grantee: string;

  @Field(() => ProcessingPurposeEnum)
  purpose: ProcessingPurpose;

  @Field(() => [DataCategoryEnum], { nullable: true, description: 'Narrows the grant to these categories.' })
  categories?: DataCategory[] | null;

  @Field(() => String)
  reason: string;

  @Field(() => DateTime, { nullable: true, description: 'Now, if not said.' })
  validFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Until withdrawn, if not said.' })
  validTo?: Date | null;
}
