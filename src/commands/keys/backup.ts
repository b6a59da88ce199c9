import Table from 'cli-table3';
import { Command } from 'commander';
import { readConfig } from '../../config';
import {
  type BackupWorth,
  type ListedBackup,
  listBackups,
  pruneBackups,
  type StoreEpochs,
} from '../../keys/backup/directory';
import { backUpKeys, type WrittenBackup } from '../../keys/backup/write';
import type { Stores } from '../../stores';
import { counted } from '../counted';
import { CommandError } from '../failure';
import { progressBar } from '../progress';
import { exitTwoOnUsageError } from '../usage-errors';
import { withStores } from '../with-stores';

interface Options {
  readonly to?: string;
  readonly list?: true;
  readonly prune?: true;
  readonly json?: true;
}

/** `remit keys backup`: writes a backup of the keys, lists what is there, and removes what nobody can open. */
export function backupCommand(): Command {
  const command = new Command('backup')
    .description(
      "Write everything of the keys' store into one encrypted file, under the current epoch. Once that epoch ends, " +
        'nobody can open the file any more.',
    )
    .option('--to <folder>', 'where to (default: KEYS_BACKUP_DIR)')
    .option('--list', 'write nothing; list the backups there, and whether they are still good')
    .option('--prune', 'write nothing; remove the backups of epochs that have ended')
    .option('--json', 'print {"backups": […]} or {"removed": […]}')
    .addHelpText(
      'after',
      '\nThe root is in no backup, and must be in none. See docs/keys-backup.md.\n\n' +
        'Example:\n  $ remit keys backup --to /backups',
    )
    .action(async (options: Options) => {
      if (options.list && options.prune) throw new CommandError('--list and --prune: choose one', 2);
      const folder = options.to ?? readConfig(process.env).keysBackupDir;
      if (folder === undefined) throw new CommandError('say where: --to FOLDER, or set KEYS_BACKUP_DIR', 2);
      await withStores((_, stores) => run(stores, folder, options));
    });
  return exitTwoOnUsageError(command);
}

async function run({ keyStores }: Stores, folder: string, { list, prune, json }: Options): Promise<void> {
  if (list || prune) {
    const stores: StoreEpochs[] = [];
    for (const { name, keys, roots } of keyStores.all())
      stores.push({ name, epochs: await keys.epochs.list(), roots: await roots.ids() });
    if (prune) {
      const removed = await pruneBackups(folder, stores);
      return print(json ? JSON.stringify({ removed }) : `${counted(removed.length, 'backup')} removed.`);
    }
    const backups = await listBackups(folder, stores);
    return print(json ? JSON.stringify({ backups }) : tableOf(backups));
  }
  const backups: WrittenBackup[] = [];
  for (const place of keyStores.all()) {
    const progress = progressBar(place.name);
    const onProgress = (done: number, total: number) => progress.update(done, total);
    backups.push(await backUpKeys(place, folder, { onProgress }).finally(() => progress.stop()));
  }
  if (json) return print(JSON.stringify({ backups }));
  for (const { path, epoch, bytes, rows } of backups) {
    const all = Object.values(rows).reduce((sum, n) => sum + n, 0);
    print(`${path}: ${counted(all, 'row')} under epoch ${epoch}, ${bytes} bytes.`);
  }
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const WORDS: Readonly<Record<BackupWorth, string>> = {
  GOOD: 'good',
  ENDED: 'its epoch has ended: nobody can open it',
  FOREIGN: 'its root is not here',
  DAMAGED: 'damaged, or no backup',
};

function tableOf(backups: readonly ListedBackup[]): string {
  if (backups.length === 0) return 'There are none.';
  const table = new Table({
    head: ['file', 'epoch', 'of', 'bytes', ''],
    style: { head: [], border: [], compact: true },
  });
  table.push(...backups.map(({ path, epoch, at, bytes, worth }) => [path, epoch ?? '', at ?? '', bytes, WORDS[worth]]));
  return table.toString();
}
