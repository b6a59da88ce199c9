import { NonPersonal } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';

const record = 'a record of erasure, which names no person';

/**
 * How long a category is kept after the last activity of a person. `scope` is a category, or PERSON for the whole
 * person.
 */
@TenantTable('retention_rule', { erasure: 'DELETE' })
export class RetentionRuleRow {
  @Key()
  clientId: string;

  @Key({ text: 30 })
  @NonPersonal(record, { plain: { text: 30 } })
  scope: string;

  @NonPersonal(record, { plain: 'count' })
  days: number | null;

  @NonPersonal('the principal that set it, an account', { plain: { text: 255 } })
  setBy: string;

  @NonPersonal(record, { plain: 'instant' })
  setAt: Date;
}
