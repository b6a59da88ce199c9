import type { DataCategory } from '../../governance/vocabulary';
import { identifier } from '../../subjects/policies';
import { NonPersonal, PersonalData } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';

const record = 'a record of erasure, which names no person';

/** Keeps exactly its categories of a person while a legal matter is open (GDPR Art. 17(3)(e)). */
@TenantTable('legal_hold', {
  subject: { kind: 'CUSTOMER', id: 'customerId' },
  erasure: 'DELETE',
  outsideFence: true,
})
export class LegalHoldRow {
  @Key()
  clientId: string;

  @Key()
  @NonPersonal(record, { plain: 'id' })
  id: string;

  @PersonalData({ ...identifier, stored: { plain: 'id' } })
  customerId: string;

  @NonPersonal(record, { plain: { list: 300 } })
  categories: DataCategory[];

  @NonPersonal('names a matter, not a person', { plain: { text: 200 } })
  matter: string;

  @NonPersonal('says why, without a person’s name', { plain: { text: 500 } })
  reason: string;

  @NonPersonal(record, { plain: 'instant' })
  placedAt: Date;

  @NonPersonal('the principal that placed it, an account', { plain: { text: 255 } })
  placedBy: string;

  @NonPersonal(record, { plain: 'instant' })
  until: Date | null;

  @NonPersonal(record, { plain: 'instant' })
  releasedAt: Date | null;
}
