import type { DataSource } from 'typeorm';
import { committed } from '../storage/transaction';
import { fileErasures } from './filing';
import { holdsInForce, type LegalHold } from './holds';
import type { ErasureParts } from './parts';
import type { ErasureState } from './requests';

const PAGE = 500;

/** Holds in force on any person of a client. */
export async function heldCustomers(source: DataSource, client: string, at: number): Promise<LegalHold[]> {
  const ids = await committed(source, () =>
    source.query<Array<{ customer_id: string }>>(
      `SELECT DISTINCT customer_id FROM legal_hold WHERE client_id = ? AND released_at IS NULL
       AND (until IS NULL OR until > ?)`,
      [client, at],
    ),
  );
  const holds: LegalHold[] = [];
  for (let start = 0; start < ids.length; start += PAGE) {
    const page = ids.slice(start, start + PAGE).map(({ customer_id }) => customer_id);
    holds.push(...(await committed(source, () => holdsInForce(source, client, page, at))));
  }
  return holds;
}

/** Persons under a hold are erased on their own as far as it lets, and wholly when it ends; then the client's end goes on. */
export async function fileForTermination(
  parts: ErasureParts,
  state: ErasureState,
  customers: readonly string[],
): Promise<void> {
  const filing = { principal: state.requestedBy, role: state.requestedRole, grounds: state.grounds };
  for (let start = 0; start < customers.length; start += PAGE) {
    await fileErasures(parts, state.client, customers.slice(start, start + PAGE), filing);
  }
}
