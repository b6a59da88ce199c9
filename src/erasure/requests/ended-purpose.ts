import { type DataCategory, exemptPurposes, type ProcessingPurpose } from '../../governance/vocabulary';
import type { TenantTable } from '../../tenancy/tenant-table';
import { categoriesOf, tablesAbout } from '../execution/plan';

/**
 * Categories to erase when a purpose ends (GDPR Art. 17(1)(a), 5(1)(e)): those of which no other purpose in force reads
 * anything, not even de-identified. LEGAL keeps nothing by itself; legal holds and claims do.
 * @param inForce purposes for which somebody may read the client's data
 */
export function categoriesOfEndedPurpose(
  tables: readonly TenantTable[],
  ended: ProcessingPurpose,
  inForce: ReadonlySet<ProcessingPurpose>,
): DataCategory[] {
  const others = new Set([...inForce].filter((purpose) => purpose !== ended && !exemptPurposes.includes(purpose)));
  const about = tablesAbout(tables, 'CUSTOMER');
  const every = new Set(about.flatMap(categoriesOf));
  const needed = new Set<DataCategory>();
  const endedReads = new Set<DataCategory>();
  for (const { fields, key } of about) {
    for (const { property, personal } of fields.values()) {
      // Every purpose reads ids of rows in some form. That is no reason to keep a row.
      if (!personal || key.includes(property)) continue;
      const purposes = [...personal.allow, ...(Object.keys(personal.deidentify ?? {}) as ProcessingPurpose[])];
      if (purposes.includes(ended)) endedReads.add(personal.category);
      if (purposes.some((purpose) => others.has(purpose))) needed.add(personal.category);
    }
  }
  return [...every].filter((category) => endedReads.has(category) && !needed.has(category));
}
