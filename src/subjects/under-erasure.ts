import type { EntityManager } from 'typeorm';
import { denied } from '../identity/request-context';

/** The restriction of a person who is being erased; only the erasure's cancellation lifts it. */
export const UNDER_ERASURE = 'ERASURE';

/**
 * Refuses to write to a person who is being erased, in the transaction that would write: the eraser would not see it.
 * @throws {GraphQLError} CONFLICT
 */
export async function requireNotUnderErasure(manager: EntityManager, client: string, customer: string): Promise<void> {
  const lock = manager.dataSource.options.type === 'better-sqlite3' ? '' : ' FOR UPDATE';
  const [row] = await manager.query<Array<{ restriction: string | null }>>(
    `SELECT restriction FROM customer WHERE client_id = ? AND id = ?${lock}`,
    [client, customer],
  );
  if (row?.restriction === UNDER_ERASURE)
    throw denied.conflict('The customer is being erased; nothing is changed any more.');
}
