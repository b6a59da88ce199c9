import type { EntityManager } from 'typeorm';
import { dialectOf } from '../storage/dialect';
import { snakeCase } from '../storage/entity-class';
import { chunksOf, placesFor } from '../storage/sql';
import { type PersonTable } from './tenant-table';

/** The restriction of a person who is being erased. Only a cancellation of the erasure lifts it. */
export const UNDER_ERASURE = 'ERASURE';

/** A write about a person who is being erased, or no longer exists. */
export class PersonGoneError extends Error {
  override readonly name = 'PersonGoneError';
  readonly code = 'PERSON_GONE';

  constructor() {
    super('The person is being erased or does not exist. Nothing can be written about them.');
  }
}

const CHUNK = 500;

/** Takes the lock of {@link enterFence} without asking for restrictions: for those who erase. */
export async function lockFence(
  manager: EntityManager,
  { name, subject, fence }: PersonTable,
  client: string,
  ids: readonly string[],
): Promise<void> {
  const [id, revision] = [subject.id, fence.revision].map(snakeCase);
  await manager.query(
    `UPDATE \`${name}\` SET \`${revision}\` = COALESCE(\`${revision}\`, 0) + 1
     WHERE client_id = ? AND \`${id}\` IN (${placesFor(ids)})`,
    [client, ...ids],
  );
}

/**
 * Enters the fence of these people. A transaction that writes about a person, or erases one, first writes the person's
 * own row. So of two such transactions one waits for the other. On an engine that does not replicate locks (Galera) it
 * fails at COMMIT and runs again. Either way the second one sees what the first one did.
 * @returns the restriction of each person who exists, null where there is none
 */
export async function enterFence(
  manager: EntityManager,
  table: PersonTable,
  client: string,
  ids: readonly string[],
): Promise<Map<string, string | null>> {
  const [id, state] = [table.subject.id, table.fence.state].map(snakeCase);
  // An earlier read of this transaction may be older than the lock.
  const lock = dialectOf(manager).forUpdate;
  const found = new Map<string, string | null>();
  for (const chunk of chunksOf([...new Set(ids)].sort(), CHUNK)) {
    await lockFence(manager, table, client, chunk);
    const rows = await manager.query<Array<{ id: string; state: string | null }>>(
      `SELECT \`${id}\` AS id, \`${state}\` AS state FROM \`${table.name}\`
       WHERE client_id = ? AND \`${id}\` IN (${placesFor(chunk)})${lock}`,
      [client, ...chunk],
    );
    for (const row of rows) found.set(row.id, row.state);
  }
  return found;
}
