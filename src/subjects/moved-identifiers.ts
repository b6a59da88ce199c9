import type { DataSource } from 'typeorm';
import type { KeyStore } from '../keys/key-store';
import { FIRST_SECRET } from '../keys/rotation/client-secrets';
import type { EntityClass } from '../storage/entity-class';
import { inTransaction } from '../storage/transaction';
import { type OwnWrites, own, tenantSql } from '../tenancy/tenant-sql';
import { tableOf } from '../tenancy/tenant-table';
import { dropTurns, makeTurns } from '../tenancy/unique-indexes';
import { findStale, refresh } from './index-rows';

/** A client's rows, and what reads them. */
export interface MoveParts {
  /** The database that they are in. */
  readonly source: DataSource;
  readonly keys: KeyStore;
  /** The tables that may have blind indexes. */
  readonly entities: readonly EntityClass[];
}

interface MoveRow {
  readonly secret_id: string;
  readonly next_id: string | null;
  readonly place: string;
  readonly changed: number;
}

/** The round, the table, and the key of the last row there. */
type Place = readonly [round: number, table: string, ...after: string[]];

/** Makes ready for writers with two keys. Call it before a client has its next secret. */
export async function prepareMove(source: DataSource, client: string): Promise<void> {
  await inTransaction(source, (manager) => makeTurns(manager, client));
}

/** Removes what writers with two keys needed. Call it once there is one key. */
export async function finishMove(source: DataSource, client: string): Promise<void> {
  await inTransaction(source, (manager) => dropTurns(manager, client));
}

/**
 * Makes some hundred blind indexes of a client anew, with its newest secret. It ends with a round over all rows that
 * has found nothing to do: so nothing that a slow writer has left behind is missed. Several processes may do it at a
 * time, and each goes on where the last one was.
 * @param secret the id of the newest secret
 * @returns whether all are made with it
 */
export async function moveSome(parts: MoveParts, client: string, secret: string): Promise<boolean> {
  const { source, keys } = parts;
  const row = await begun(source, client, secret);
  if (!row) return true;
  const indexed = parts.entities.filter((entity) => tableOf(entity).indexes.size > 0);
  const tables = indexed.map((entity) => tableOf(entity).name);
  const first = tables[0] ?? '';
  const [round, table, ...after] = row.place === '' ? ([1, first] as Place) : (JSON.parse(row.place) as Place);
  const entity = indexed[tables.indexOf(table)];
  if (!entity) throw new Error(`the walk over a client's identifiers is at a table that is not there: ${table}`);
  const { all } = await keys.derivedKeys(client, 'blind-index');
  const { stale, last } = await findStale({ source, keys, client }, entity, all.at(-1) as Buffer, after);
  const nextTable = tables[tables.indexOf(table) + 1];
  const next: Place | undefined = last ? [round, table, ...last] : nextTable ? [round, nextTable] : undefined;
  return inTransaction(source, async (manager) => {
    const rows = tenantSql(manager, client);
    // Where another process was faster, its step counts.
    const isOurs = await rows.change`UPDATE identifier_move SET changed = changed + ${stale.length}
      WHERE ${own} AND next_id = ${secret} AND place = ${row.place}`;
    if (!isOurs) return false;
    await refresh(manager, entity, client, stale);
    if (next) return leaveAt(rows, next);
    const [{ changed } = { changed: 1 }] = await rows.select<MoveRow>`
      SELECT changed FROM identifier_move WHERE ${own}${rows.forUpdate}`;
    if (Number(changed) > 0) {
      await rows.change`UPDATE identifier_move SET changed = 0 WHERE ${own}`;
      return leaveAt(rows, [round + 1, first]);
    }
    await rows.change`
      UPDATE identifier_move SET secret_id = ${secret}, next_id = NULL, place = '' WHERE ${own}`;
    return true;
  });
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
  const [row] = await tenantSql(source, client).select<MoveRow>`SELECT secret_id FROM identifier_move WHERE ${own}`;
  return row?.secret_id ?? FIRST_SECRET;
}

/** @returns undefined where all are made with the secret already */
async function begun(source: DataSource, client: string, secret: string): Promise<MoveRow | undefined> {
  return inTransaction(source, async (manager) => {
    const rows = tenantSql(manager, client);
    const find = () => rows.select<MoveRow>`
      SELECT secret_id, next_id, place, changed FROM identifier_move WHERE ${own}${rows.forUpdate}`;
    const [known] = await find();
    if (known?.secret_id === secret && known.next_id === null) return undefined;
    if (known?.next_id === secret) return known;
    const fresh = { secret_id: known?.secret_id ?? FIRST_SECRET, next_id: secret, place: '', changed: 0 };
    if (!known) await rows.insertNew('identifier_move', fresh);
    else await rows.change`UPDATE identifier_move SET next_id = ${secret}, place = '', changed = 0 WHERE ${own}`;
    return (await find())[0];
  });
}

async function leaveAt(rows: OwnWrites, place: Place): Promise<false> {
  await rows.change`UPDATE identifier_move SET place = ${JSON.stringify(place)} WHERE ${own}`;
  return false;
}
