import type { DataSource } from 'typeorm';
import type { KeyStore } from '../keys/key-store';
import { FIRST_SECRET, type SecretName, type SecretRecord } from '../keys/rotation/client-secrets';
import type { EntityClass } from '../storage/entity-class';
import { inTransaction } from '../storage/transaction';
import { type OwnWrites, own, sql, tenantSql } from '../tenancy/tenant-sql';
import { tableOf } from '../tenancy/tenant-table';
import { dropTurns, makeTurns } from '../tenancy/unique-indexes';
import { type DoubledRow, findStale, refresh } from './index-rows';

/** A client's rows, and what reads them. */
export interface MoveParts {
  /** The database that they are in. */
  readonly source: DataSource;
  /** The store with the client's keys. */
  readonly keys: KeyStore;
  /** The tables that may have blind indexes. */
  readonly entities: readonly EntityClass[];
  /** Called for each row with an identifier that another row has too. */
  readonly onDoubled?: (row: DoubledRow) => void;
}

interface MoveRow {
  readonly secret_id: string;
  readonly next_id: string | null;
  readonly place: string;
  readonly changed: number;
}

/** The round, how many rows were left in it, the table, and the key of the last row there. */
type Place = readonly [round: number, left: number, table: string, ...after: string[]];

/** All rows are made with a secret, or some are left, or they have a newer one, or are being made with that. */
export type Moved = 'MOVED' | 'MOVING' | 'OVERTAKEN';

/** Makes ready for writers with two keys. Call it before a client has its next secret. */
export async function prepareMove(source: DataSource, client: string): Promise<void> {
  await inTransaction(source, (manager) => makeTurns(manager, client));
}

/** Removes what writers with two keys needed. Call it once there is one key. */
export async function finishMove(source: DataSource, client: string): Promise<void> {
  await inTransaction(source, (manager) => dropTurns(manager, client));
}

/**
 * Makes some hundred blind indexes of a client anew, with one of its secrets. It ends with a round over all rows that
 * has found nothing to do: so nothing that a slow writer has left behind is missed. Several processes may do it at a
 * time, and each goes on where the last one was.
 * @param to the secret, which every process knows
 * @param again whether rows are looked at once more that another row hindered the last time
 */
export async function moveSome(
  parts: MoveParts,
  client: string,
  to: SecretName,
  { again = false }: { readonly again?: boolean } = {},
): Promise<Moved> {
  const { source, keys } = parts;
  const seen = await moveOf(source, client);
  // Read after that: so every secret that the rows may have is among them.
  if (isOvertaken(seen, await keys.secrets.of(client), to)) return 'OVERTAKEN';
  const key = await keys.secrets.keyOf(client, to.number, 'blind-index');
  if (seen?.secret_id === to.id && seen.next_id === null && !(again && Number(seen.changed) > 0)) return 'MOVED';
  const row = seen?.next_id === to.id ? seen : await begun(source, client, seen, to);
  if (!row) return 'MOVING';
  const indexed = parts.entities.filter((entity) => tableOf(entity).indexes.size > 0);
  const tables = indexed.map((entity) => tableOf(entity).name);
  const first = tables[0] ?? '';
  const [round, left, table, ...after] = row.place === '' ? ([1, 0, first] as Place) : (JSON.parse(row.place) as Place);
  const entity = indexed[tables.indexOf(table)];
  if (!entity) throw new Error(`the walk over a client's identifiers is at a table that is not there: ${table}`);
  const { stale, last } = await findStale({ source, keys, client }, entity, key, after);
  const nextTable = tables[tables.indexOf(table) + 1];
  const next = last ? [table, ...last] : nextTable ? [nextTable] : undefined;
  const { moved, doubled } = await inTransaction(source, async (manager) => {
    const rows = tenantSql(manager, client);
    // Where another process was faster, its step counts.
    const isOurs = await rows.change`UPDATE identifier_move SET changed = changed + ${stale.length}
      WHERE ${own} AND secret_id = ${row.secret_id} AND next_id = ${to.id} AND place = ${row.place}`;
    if (!isOurs) return { moved: 'MOVING', doubled: [] } as const;
    const found = await refresh(manager, entity, client, stale);
    const leftHere = found.filter(({ isLeft }) => isLeft).length;
    if (leftHere > 0) await rows.change`UPDATE identifier_move SET changed = changed - ${leftHere} WHERE ${own}`;
    const end = await stepTo(rows, to, { round, left: left + leftHere, first, next });
    return { moved: end, doubled: found };
  });
  for (const each of doubled) parts.onDoubled?.(each);
  return moved;
}

/** Leaves a walk at its next place, or at its end. */
async function stepTo(
  rows: OwnWrites,
  to: SecretName,
  { round, left, first, next }: { round: number; left: number; first: string; next: readonly string[] | undefined },
): Promise<Moved> {
  if (next) return leaveAt(rows, [round, left, ...(next as [string])]);
  const [{ changed } = { changed: 1 }] = await rows.select<MoveRow>`
    SELECT changed FROM identifier_move WHERE ${own}${rows.forUpdate}`;
  if (Number(changed) > 0) {
    await rows.change`UPDATE identifier_move SET changed = 0 WHERE ${own}`;
    return leaveAt(rows, [round + 1, 0, first]);
  }
  await rows.change`
    UPDATE identifier_move SET secret_id = ${to.id}, next_id = NULL, place = '', changed = ${left} WHERE ${own}`;
  return 'MOVED';
}

/** Forgets where a move was, of a client whose data is being erased. */
export async function abandonMove(source: DataSource, client: string): Promise<void> {
  await inTransaction(
    source,
    (manager) => tenantSql(manager, client).change`
    UPDATE identifier_move SET next_id = NULL, place = '', changed = 0 WHERE ${own}`,
  );
  await finishMove(source, client);
}

/** With which secret a client's blind indexes were made, until a move that may be under way has ended. */
export async function secretOfRows(source: DataSource, client: string): Promise<string> {
  return (await moveOf(source, client))?.secret_id ?? FIRST_SECRET;
}

/** Whether the rows have a newer secret, or another process moves them to one. */
function isOvertaken(seen: MoveRow | undefined, known: readonly SecretRecord[], to: SecretName): boolean {
  return known.some(({ id, number }) => number > to.number && (id === seen?.secret_id || id === seen?.next_id));
}

/** @returns undefined where another process has changed the row since it was seen */
async function begun(
  source: DataSource,
  client: string,
  seen: MoveRow | undefined,
  to: SecretName,
): Promise<MoveRow | undefined> {
  const secret_id = seen?.secret_id ?? FIRST_SECRET;
  const fresh = { secret_id, next_id: to.id, place: '', changed: 0 };
  const isOurs = await inTransaction(source, async (manager) => {
    const rows = tenantSql(manager, client);
    if (!seen) return rows.insertNew('identifier_move', fresh);
    const before = seen.next_id === null ? sql`next_id IS NULL` : sql`next_id = ${seen.next_id}`;
    return rows.change`UPDATE identifier_move SET next_id = ${to.id}, place = '', changed = 0
      WHERE ${own} AND secret_id = ${secret_id} AND ${before}`;
  });
  return isOurs ? fresh : undefined;
}

async function moveOf(source: DataSource, client: string): Promise<MoveRow | undefined> {
  const [row] = await tenantSql(source, client).select<MoveRow>`
    SELECT secret_id, next_id, place, changed FROM identifier_move WHERE ${own}`;
  return row;
}

async function leaveAt(rows: OwnWrites, place: Place): Promise<Moved> {
  await rows.change`UPDATE identifier_move SET place = ${JSON.stringify(place)} WHERE ${own}`;
  return 'MOVING';
}
