import type { DataSource } from 'typeorm';
import { placesFor } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import { listBackups } from './directory';
import type { RootedStore } from './write';

interface EpochRow {
  readonly number: number;
  readonly root_id: string;
}

/** What is known beside the store. */
interface Surroundings {
  /** KEYS_BACKUP_DIR. A backup under the root that is here says which epoch that is. */
  readonly folder: string | undefined;
  /** A client whose keys have to be in it; undefined where there is none yet. */
  readonly client: string | undefined;
}

const EMPTY =
  'the keys’ store is empty, though the data has clients. Either another store is named than theirs: name it. Or ' +
  'theirs is lost: put the newest backup back with remit keys restore (docs/keys-backup.md)';
const UNFINISHED =
  'a restore of the keys’ store has not ended: it has keys, and no epoch. Run remit keys restore again ' +
  '(docs/keys-backup.md)';

/**
 * Why a keys' store cannot be opened with the roots that are here, and how to go on; undefined where it can. So it is
 * after an old copy of the store was put back: its root was destroyed when its epoch ended.
 */
export async function whyUnfit(
  { name, source, roots }: RootedStore,
  { folder, client }: Surroundings,
): Promise<string | undefined> {
  const [newest] = await committed(source, () =>
    source.query<EpochRow[]>('SELECT number, root_id FROM key_epoch ORDER BY number DESC LIMIT 1'),
  );
  if (!newest) return (await hasKeys(source)) ? UNFINISHED : client === undefined ? undefined : EMPTY;
  const here = await roots.ids();
  if (here.includes(newest.root_id)) return undefined;
  const epoch = Number(newest.number);
  const gone = `the keys' store is of epoch ${epoch}, and the root of that epoch (${newest.root_id}) is not here`;
  const ended = await endedAmong(source, here);
  if (ended !== undefined) {
    return (
      `${gone}. What is here is the root of epoch ${ended}, which has ended: a copy of it is on this host, and ` +
      'another host has turned the epoch. Destroy this copy (shred -u), since it opens what should be gone; then ' +
      'share one folder with the root among all hosts, or keep it in an HSM or a KMS (docs/keys.md, several hosts)'
    );
  }
  if (here.length === 0) return `${gone}, nor any other. Name it, or see docs/keys-backup.md where it is lost`;
  const backups = folder === undefined ? [] : await listBackups(folder, [{ name, epochs: [], roots: here }]);
  const good = backups.findLast(({ worth }) => worth === 'GOOD');
  if (good) {
    return (
      `${gone}. The root that is here is of epoch ${good.epoch}: the store is an old copy, made before a turn ended ` +
      'its epoch, and nobody can open it any more. Empty the store and put the newest backup back: ' +
      `remit keys restore ${good.path} (docs/keys-backup.md)`
    );
  }
  return (
    `${gone}; ${here.join(' and ')} is. Either another root is configured than the store's: name its own. Or the ` +
    'store is an old copy, made before a turn ended its epoch: then nobody can open it any more. Empty it and put ' +
    'the newest backup back: remit keys restore (docs/keys-backup.md)'
  );
}

/** The newest ended epoch whose root is there all the same. */
async function endedAmong(source: DataSource, roots: readonly string[]): Promise<number | undefined> {
  if (roots.length === 0) return undefined;
  const [row] = await committed(source, () =>
    source.query<EpochRow[]>(
      `SELECT number, root_id FROM key_epoch WHERE state = 'ENDED' AND root_id IN (${placesFor(roots)})
       ORDER BY number DESC LIMIT 1`,
      [...roots],
    ),
  );
  return row && Number(row.number);
}

async function hasKeys(source: DataSource): Promise<boolean> {
  const sql = 'SELECT client_id FROM client_key LIMIT 1';
  const rows = await committed(source, () => source.query<unknown[]>(sql));
  return rows.length > 0;
}
