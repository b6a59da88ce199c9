import type { EntityManager } from 'typeorm';
import { dialectOf } from '../storage/dialect';
import { snakeCase } from '../storage/entity-class';
import { chunksOf, placesFor } from '../storage/sql';
import { type PersonTable } from './tenant-table';

/** The restriction of a person who is being erased; only the erasure's cancellation lifts it. */
export const UNDER_ERASURE = 'ERASURE';

/** Something would be written about a person who is being erased, or is not there any more. */
export class PersonGoneError extends Error {
  override readonly name = 'PersonGoneError';
  readonly code = 'PERSON_GONE';

  constructor() {
    super('The person is being erased, or is not there; nothing is written about them.');
  }
}

const CHUNK = 500;

/**
 * Enters the fence of persons: whatever writes about a person, and whatever erases that person, writes the person's own
 * row first, in the same transaction. So one of the two waits for the other, or fails at COMMIT where an engine does not
 * replicate locks (Galera), and runs again; whichever comes second sees what the first one did.
 * @returns what limits the processing of each person who is there, null where nothing does; who is not there is not in it
 */
export async function enterFence(
  manager: EntityManager,
  { name, subject, fence }: PersonTable,
  client: string,
  ids: readonly string[],
): Promise<Map<string, string | null>> {
  const [id, state, revision] = [subject.id, fence.state, fence.revision].map(snakeCase);
  // What was read before in this transaction may be older than the lock.
  const lock = dialectOf(manager).forUpdate;
  const found = new Map<string, string | null>();
  for (const chunk of chunksOf([...new Set(ids)].sort(), CHUNK)) {
    const where = `WHERE client_id = ? AND \`${id}\` IN (${placesFor(chunk)})`;
    await manager.query(`UPDATE \`${name}\` SET \`${revision}\` = COALESCE(\`${revision}\`, 0) + 1 ${where}`, [
      client,
      ...chunk,
    ]);
    const rows = await manager.query<Array<{ id: string; state: string | null }>>(
      `SELECT \`${id}\` AS id, \`${state}\` AS state FROM \`${name}\` ${where}${lock}`,
      [client, ...chunk],
    );
    for (const row of rows) found.set(row.id, row.state);
  }
  return found;
}
