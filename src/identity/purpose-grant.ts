import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { enumOf } from '../api/enum-of';
import type { DataCategory } from '../governance/vocabulary';
import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';
import { DataCategoryEnum } from './enums';
import { GivenTermsInput, givenTerms, HasGivenTerms } from './given-terms';

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
@HasGivenTerms(governance)
export class PurposeGrant extends givenTerms {
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
}

@InputType()
export class GrantPurposeInput extends GivenTermsInput {
  @Field(() => GranteeKind)
  granteeKind: GranteeKind;

  @Field(() => String, { description: 'A role of the client, a principal (`sub`), or an application id.' })
  grantee: string;

  @Field(() => [DataCategoryEnum], { nullable: true, description: 'Narrows the grant to these categories.' })
  categories?: DataCategory[] | null;
}
