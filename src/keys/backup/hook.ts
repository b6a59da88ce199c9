import type { TurnHooks } from '../epochs/epoch-state';
import type { KeysPlace } from '../key-stores';
import { pruneBackups } from './directory';
import { KeyBackupError } from './errors';
import { backUpKeys } from './write';

/**
 * Writes a backup before a turning destroys the old root. Where it fails the turning stops, and nothing is destroyed.
 * Backups of epochs that have ended make room for it.
 * @param folder KEYS_BACKUP_DIR; undefined where no backup is wanted
 */
export function backupHook(place: KeysPlace, folder: string | undefined): NonNullable<TurnHooks['backup']> {
  return async () => {
    if (folder === undefined) return undefined;
    try {
      await pruneBackups(folder, [
        { name: place.name, epochs: await place.keys.epochs.list(), roots: await place.roots.ids() },
      ]);
      return (await backUpKeys(place, folder)).path;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new KeyBackupError(
        `no backup of the keys could be written to ${folder} (${code ?? message}); the epoch was not ended and ` +
          'nothing was destroyed. Make room or mend the folder (KEYS_BACKUP_DIR): it is tried again by itself',
        { cause: error },
      );
    }
  };
}
