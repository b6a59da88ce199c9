import type { DataSource } from 'typeorm';
import { committed } from '../../storage/transaction';
import type { RootKeys } from '../roots/root-keys';
import { listBackups } from './directory';
import { rootDigest } from './header';

interface EpochRow {
  readonly number: number;
  readonly root_id: string;
}

/**
 * Why a keys' store cannot be opened with the roots that are here, and how to go on; undefined where it can. So it is
 * after an old copy of the store was put back: its root was destroyed when its epoch ended.
 * @param folder KEYS_BACKUP_DIR. A backup under the root that is here says which epoch that is
 */
export async function whyUnfit(
  source: DataSource,
  roots: RootKeys,
  folder: string | undefined,
): Promise<string | undefined> {
  const [newest] = await committed(source, () =>
    source.query<EpochRow[]>('SELECT number, root_id FROM key_epoch ORDER BY number DESC LIMIT 1'),
  );
  if (!newest) return undefined;
  const here = await roots.ids();
  if (here.includes(newest.root_id)) return undefined;
  const epoch = Number(newest.number);
  const gone = `the keys' store is of epoch ${epoch}, and the root of that epoch (${newest.root_id}) is not here`;
  if (here.length === 0) return `${gone}, nor any other. Name it, or see docs/keys.md where it is lost`;
  const digests = new Set(here.map(rootDigest));
  const backups = folder === undefined ? [] : await listBackups(folder, []);
  const good = backups.filter(({ root }) => root !== undefined && digests.has(root)).at(-1);
  if (good) {
    return (
      `${gone}. The root that is here is of epoch ${good.epoch}: the store is an old copy, made before a turn ended ` +
      'its epoch, and nobody can open it any more. Empty the store and put the newest backup back: ' +
      `remit keys restore ${good.path} (docs/keys.md)`
    );
  }
  return (
    `${gone}; ${here.join(' and ')} is. Either another root is configured than the store's: name its own. Or the store ` +
    'is an old copy, made before a turn ended its epoch: then nobody can open it any more. Empty it and put the ' +
    'newest backup back: remit keys restore (docs/keys.md)'
  );
}
