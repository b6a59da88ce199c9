import { denied } from '../identity/request-context';
import type { SubjectState } from '../identity/subject-state';
import { UNDER_ERASURE } from '../tenancy/fence';
import type { TenantWriter } from '../tenancy/tenant-writer';
import { Customer } from './customer';

/** Why nothing is written about a person. */
export type WriteRefusal = 'ABSENT' | 'UNDER_ERASURE' | 'RESTRICTED';

/** @param state what limits a person's processing, null where nothing does, undefined where the person is not there */
export function refusalOf(state: string | null | undefined): WriteRefusal | undefined {
  if (state === undefined) return 'ABSENT';
  if (state === null) return undefined;
  return state === UNDER_ERASURE ? 'UNDER_ERASURE' : 'RESTRICTED';
}

/**
 * About whom nothing may be written by whoever states no purpose: who is not there, is being erased, or whose processing
 * is restricted (GDPR Art. 18). Asked in the transaction that writes, which it keeps an erasure from crossing.
 * @returns the reason by the person's id; who may be written about is not in it
 */
export async function refusedWrites(
  writer: TenantWriter,
  client: string,
  customers: readonly string[],
): Promise<Map<string, WriteRefusal>> {
  const states = await writer.enter(Customer, client, customers);
  const refused = new Map<string, WriteRefusal>();
  for (const id of customers) {
    const refusal = refusalOf(states.get(id));
    if (refusal) refused.set(id, refusal);
  }
  return refused;
}

/**
 * Refuses to write about a person who is being erased, locked in the transaction that would write.
 * @throws {GraphQLError} CONFLICT
 */
export function requireNotUnderErasure({ restriction }: SubjectState): void {
  if (restriction === UNDER_ERASURE)
    throw denied.conflict('The customer is being erased; nothing is changed any more.');
}
