import type { EntityManager } from 'typeorm';
import { Customer } from '../subjects/customer';
import type { TenantTable } from '../tenancy/tenant-table';
import { TenantWriter } from '../tenancy/tenant-writer';
import { type Range, rowsOf } from './eraser';
import type { ErasureParts } from './parts';
import { dataStore, tablesAbout } from './plan';
import type { ErasureState } from './requests';
import { reopenSteps } from './steps';

type OfPerson = Pick<ErasureState, 'client' | 'id'> & { readonly customerId: string };

/** Its rows are let go of by the conclusion, in the transaction that ends the request. */
export const OWN_TABLE = 'erasure_request';

/** Writes the person's row, so that whoever writes about the person or holds them waits, or is seen (fence.ts). */
export async function enterPerson(
  { keys }: ErasureParts,
  manager: EntityManager,
  { client, customerId }: Omit<OfPerson, 'id'>,
): Promise<void> {
  await new TenantWriter(manager, keys).enter(Customer, client, [customerId]);
}

/** Tables that have rows of a person who should be gone: of a process that does not know the fence, an older version's. */
export async function lateStores(
  { tables }: ErasureParts,
  manager: Pick<EntityManager, 'query'>,
  { client, customerId }: Omit<OfPerson, 'id'>,
): Promise<string[]> {
  const about = tablesAbout(tables, 'CUSTOMER').filter(({ name }) => name !== OWN_TABLE);
  return storesWithRows(manager, about, { client, subject: customerId });
}

/** Opens the steps of tables that got rows late again. @returns whether there are any */
export async function reopenLate(
  parts: ErasureParts,
  manager: EntityManager,
  { client, id, customerId }: OfPerson,
  pass: number,
): Promise<boolean> {
  await enterPerson(parts, manager, { client, customerId });
  const late = await lateStores(parts, manager, { client, customerId });
  await reopenSteps(manager, client, id, pass, late);
  return late.length > 0;
}

/** Which of the tables have rows in a range. */
export async function storesWithRows(
  manager: Pick<EntityManager, 'query'>,
  tables: readonly TenantTable[],
  range: Range,
): Promise<string[]> {
  const counts = await rowsOf(manager, tables, range);
  return tables.filter((_, index) => (counts[index] ?? 0) > 0).map(dataStore);
}
