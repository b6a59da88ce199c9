import { NonPersonal } from '../../tenancy/personal-data';
import { Key, TenantTable } from '../../tenancy/tenant-table';

const digest = 'a keyed digest';

/**
 * A mutation that was sent under an idempotency key. Neither the key nor its principal nor what was sent can be read
 * from the row. Rows of principals without a client are the platform's.
 */
@TenantTable('idempotency_key', { erasure: 'DELETE' })
export class IdempotencyKeyRow {
  @Key()
  clientId: string;

  /** Of the principal and its key. */
  @Key()
  @NonPersonal(digest, { plain: 'id' })
  id: string;

  /** Of the principal. */
  @NonPersonal(digest, { plain: 'id' })
  owner: string;

  /** Of what was sent. */
  @NonPersonal(digest, { plain: 'id' })
  fingerprint: string;

  /** The request that may execute it. */
  @NonPersonal('names a request', { plain: 'id' })
  attempt: string;

  /** Until when nobody else may, by the database's clock; 0 where it has ended. */
  @NonPersonal('a time limit', { plain: 'instant' })
  leaseUntil: number;

  @NonPersonal('the time of a request', { plain: 'instant' })
  createdAt: number;

  /** How often `done` was written. */
  @NonPersonal('a counter', { plain: 'count' })
  stamps: number;

  /** What of it is done: ids of rows, sealed under a key that only the idempotency key gives. */
  @NonPersonal('ids of rows, which nobody can open without the idempotency key', { plain: 'bytes' })
  done: Buffer | null;
}
