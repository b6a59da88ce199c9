import type { Config } from '../../config';
import { listBackups, type StoreEpochs } from '../../keys/backup/directory';
import { committed } from '../../storage/transaction';
import { keysStoreName, openRootsOf } from '../../stores';
import { counted } from '../counted';
import { attention, type Check, type Finding, fault, ok } from './finding';
import { NotAtHand, type OpenStore, type Patient } from './patient';

/** Which backups of the keys' stores are still good. */
export const keyBackups: Check = {
  name: 'key backups',
  look: async (patient) => {
    const { keysBackupDir: folder } = patient.config;
    if (folder === undefined) {
      const says = 'no backup of the keys is made by itself: with their store, everybody’s data is lost';
      return [attention(says, 'set KEYS_BACKUP_DIR (docs/keys-backup.md)')];
    }
    const stores = await storesOf(patient);
    const backups = await listBackups(folder, stores);
    const found = stores.map(({ name, epochs }) =>
      goodOf(
        backups.filter(({ store }) => store === name),
        name,
        epochs,
      ),
    );
    const ended = backups.filter(({ worth }) => worth === 'ENDED').length;
    const others = backups.filter(({ worth }) => worth === 'FOREIGN' || worth === 'DAMAGED');
    return [
      ...found,
      ...(ended === 0 ? [] : [ok(`${counted(ended, 'file')} of ended epochs, which nobody can open`)]),
      ...(others.length === 0
        ? []
        : [
            attention(
              `${counted(others.length, 'file')} in ${folder} of which no root is here, or damaged`,
              'remit keys backup --list names them; remove them where they are of nothing else',
            ),
          ]),
    ];
  },
};

function goodOf(
  backups: Awaited<ReturnType<typeof listBackups>>,
  name: string,
  epochs: StoreEpochs['epochs'],
): Finding {
  const current = epochs.at(-1)?.number;
  const newest = backups.findLast(({ worth, epoch }) => worth === 'GOOD' && epoch === current);
  if (newest) return ok(`${name}: ${newest.path} of ${newest.at} is good until epoch ${current} ends`);
  if (current === undefined) return ok(`${name}: there are no keys yet`);
  const says = `${name}: there is no backup of epoch ${current}`;
  const remedy = 'run: remit keys backup; with the store, everybody’s data would be lost';
  return (current > 1 ? fault : attention)(says, remedy);
}

async function storesOf({ keysStores, config }: Patient): Promise<StoreEpochs[]> {
  const stores: StoreEpochs[] = [];
  for (const { region, source } of keysStores) {
    const rows = await committed(source, () =>
      source.query<Array<{ number: number; root_id: string; state: StoreEpochs['epochs'][number]['state'] }>>(
        'SELECT number, root_id, state FROM key_epoch ORDER BY number',
      ),
    );
    const epochs = rows.map(({ number, root_id: rootId, state }) => ({ number: Number(number), rootId, state }));
    const roots = await rootsHere(config, region);
    stores.push({ name: keysStoreName(region), epochs, roots });
  }
  return stores;
}

/** @throws {NotAtHand} where they cannot be asked for: `keys` says why */
async function rootsHere(config: Config, region: OpenStore['region']): Promise<readonly string[]> {
  try {
    const opened = await openRootsOf(config, region);
    return await opened.ids().finally(() => opened.close());
  } catch {
    throw new NotAtHand('the roots are not at hand');
  }
}
