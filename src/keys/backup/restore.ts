import type { DataSource } from 'typeorm';
import { type EngineProfile, itemsPerTransaction } from '../../storage/engine-profiles';
import { chunksOf, insertStatement } from '../../storage/sql';
import { inTransaction } from '../../storage/transaction';
import { writeStatement } from '../../storage/write-statement';
import { KeyBackupError } from './errors';
import type { BackupHeader } from './header';
import { type OpenBackup, openBackup } from './read';
import { countRows, type TableRows, tablesOf } from './rows';
import type { RootedStore } from './write';

/** It is filled last: a store without epochs is one whose filling has not ended. */
const EPOCHS = 'key_epoch';
const ROWS_PER_INSERT = 500;

/**
 * Fills an empty keys' store with a backup, under the epoch of the backup. The file is read to its end before anything
 * is written. One that was interrupted is begun again.
 *
 * @param onProgress told how many rows of all were written
 * @throws {KeyBackupError} where the store has keys, is of another version, or the file is none that can be used
 */
export async function restoreKeys(
  { name: store, source, roots }: RootedStore,
  profile: EngineProfile,
  path: string,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<BackupHeader> {
  const backup = await openBackup(path, roots);
  await check(source, store, backup.header);
  await backup.verify();
  await empty(source, profile);
  await fill(source, profile, backup, onProgress);
  return backup.header;
}

async function check(source: DataSource, store: string, header: BackupHeader): Promise<void> {
  if (header.store !== store)
    throw new KeyBackupError(`it is of the store "${header.store}", and "${store}" is to be filled`);
  const rows = await source.query<Array<{ name: string }>>('SELECT name FROM migrations');
  const here = new Set(rows.map(({ name }) => name));
  const unknown = header.migrations.filter((name) => !here.has(name));
  const added = [...here].filter((name) => !header.migrations.includes(name));
  if (unknown.length > 0)
    throw new KeyBackupError(`it is of a newer version of Remit (${unknown[0]}): use that version`);
  if (added.length > 0) {
    throw new KeyBackupError(
      `it is of an older version of Remit, without ${added[0]}: fill the store with that version, then migrate`,
    );
  }
  const { [EPOCHS]: epochs = 0, ...others } = await countRows(source.manager, source);
  const [table] = Object.keys(others).filter((name) => others[name] !== 0);
  if (epochs > 0 && table !== undefined) {
    throw new KeyBackupError(
      `the keys' store is not empty: ${table} has ${others[table]} rows. Restore into an empty store: keys that are ` +
        'in use must not be replaced by older ones',
    );
  }
}

/** Removes what an interrupted restore left, or the epoch of a store that was never used. */
async function empty(source: DataSource, profile: EngineProfile): Promise<void> {
  for (const { tableName, primaryColumns } of tablesOf(source)) {
    const key = primaryColumns.map(({ databaseName }) => databaseName);
    const columns = key.map((column) => `\`${column}\``).join(', ');
    const most = itemsPerTransaction(profile, ROWS_PER_INSERT);
    const same = key.map((column) => `\`${column}\` = ?`).join(' AND ');
    for (;;) {
      const rows = await source.query<Array<Record<string, string>>>(
        `SELECT ${columns} FROM \`${tableName}\` LIMIT ${most}`,
      );
      if (rows.length === 0) break;
      await inTransaction(source, async (manager) => {
        for (const row of rows)
          await manager.query(
            `DELETE FROM \`${tableName}\` WHERE ${same}`,
            key.map((column) => row[column]),
          );
      });
    }
  }
}

async function fill(
  source: DataSource,
  profile: EngineProfile,
  { header, tables }: OpenBackup,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const total = Object.values(header.rows).reduce((sum, n) => sum + n, 0);
  const most = itemsPerTransaction(profile, ROWS_PER_INSERT);
  const epochs: TableRows[] = [];
  let done = 0;
  const insert = async ({ table, columns, rows }: TableRows) => {
    for (const some of chunksOf(rows, most)) {
      await writeStatement(source, insertStatement(table, columns, some.length), some.flat(), { ownKeys: true });
      done += some.length;
      onProgress(done, total);
    }
  };
  for await (const rows of tables()) {
    if (rows.table === EPOCHS) epochs.push(withoutTurning(rows, header.epoch));
    else await insert(marked(rows));
  }
  for (const rows of epochs) await insert(rows);
}

/**
 * Marks what wraps other keys. It may have wrapped keys that were made and destroyed after the backup, of which the
 * backup knows nothing: so the next turning replaces all of it.
 */
function marked({ table, columns, rows }: TableRows): TableRows {
  const [mark, node] = [columns.indexOf('marked'), columns.indexOf('node')];
  if (mark < 0) return { table, columns, rows };
  // A client whose node is destroyed wraps nothing.
  const isGone = (row: TableRows['rows'][number]) => node >= 0 && row[node] === null;
  const changed = rows.map((row) => (isGone(row) ? row : row.with(mark, Math.max(Number(row[mark]), 1))));
  return { table, columns, rows: changed };
}

/**
 * Everything in a backup hangs under its own epoch. Where the one before was still ending, all that is left of that is
 * to destroy its root, and whoever was at it is gone.
 */
function withoutTurning({ table, columns, rows }: TableRows, epoch: number): TableRows {
  const changed = rows.map((row) => {
    const values = new Map(columns.map((column, place) => [column, row[place] ?? null]));
    const isEnding = values.get('state') === 'TURNING' && Number(values.get('number')) < epoch;
    if (isEnding) values.set('state', 'DESTROYING');
    values.set('lease_until', 0);
    return columns.map((column) => values.get(column) ?? null);
  });
  return { table, columns, rows: changed };
}
