import { NonPersonal } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';

/**
 * With which of a client's secrets the blind indexes of its rows were made: its first one where there is no such row.
 * It stays after the client's end, as long as any of its keys may.
 */
@TenantTable('identifier_move', { erasure: 'KEEP' })
export class IdentifierMove {
  @Key()
  clientId: string;

  @NonPersonal('names a secret', { plain: 'id' })
  secretId: string;

  /** The secret with which they are being made anew. */
  @NonPersonal('names a secret', { plain: 'id' })
  nextId: string | null;

  /** Where that is: the round, the table, and the key of the last row. */
  @NonPersonal('ids of rows, at which a walk over all of them is', { plain: { text: 300 } })
  place: string;

  /** How many rows this round made anew; at the end, how many were left, since another row has their identifier. */
  @NonPersonal('a counter of rows', { plain: 'count' })
  changed: number;
}
