import { denied } from '../identity/request-context';
import type { SubjectState } from '../identity/subject-state';
import { UNDER_ERASURE } from '../tenancy/fence';
import type { TenantWriter } from '../tenancy/tenant-writer';
import { Customer } from './customer';

/** Why nothing may be written about a person. */
export type WriteRefusal = 'ABSENT' | 'UNDER_ERASURE' | 'RESTRICTED';

/** @param state the person's restriction; null without one, undefined where the person does not exist */
export function refusalOf(state: string | null | undefined): WriteRefusal | undefined {
  if (state === undefined) return 'ABSENT';
  if (state === null) return undefined;
  return state === UNDER_ERASURE ? 'UNDER_ERASURE' : 'RESTRICTED';
}

/**
 * The people about whom a caller without a purpose may write nothing: they do not exist, are being erased, or their
 * processing is restricted (GDPR Art. 18). Call it in the transaction that writes: it holds their erasure off.
 * @returns the reason by the person's id, for those people only
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
 * Refuses to write about a person who is being erased. The person must be locked in the same transaction.
 * @throws {GraphQLError} CONFLICT
 */
export function requireNotUnderErasure({ restriction }: SubjectState): void {
  if (restriction === UNDER_ERASURE)
    throw denied.conflict('The customer is being erased; nothing is changed any more.');
}
