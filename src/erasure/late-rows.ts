import type { EntityManager } from 'typeorm';
import { TenantWriter } from '../storage/tenant-writer';
import { Customer } from '../subjects/customer';
import { rowsOf } from './eraser';
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

/**
 * Counts what is left of a person who should be gone: rows of a process that does not know the fence, such as an older
 * version's. The steps of their tables are opened again.
 * @returns whether there are any
 */
export async function reopenLate(
  parts: ErasureParts,
  manager: EntityManager,
  { client, id, customerId }: OfPerson,
  pass: number,
): Promise<boolean> {
  await enterPerson(parts, manager, { client, customerId });
  const tables = tablesAbout(parts.tables, 'CUSTOMER').filter(({ name }) => name !== OWN_TABLE);
  const counts = await rowsOf(manager, tables, { client, subject: customerId });
  const late = tables.filter((_, index) => (counts[index] ?? 0) > 0).map(dataStore);
  await reopenSteps(manager, client, id, pass, late);
  return late.length > 0;
}
