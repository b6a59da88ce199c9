import { Command } from 'commander';
import { type Config, readConfig } from '../../config';
import { withMoreTime } from '../../connections/time';
import type { RestoredKeys } from '../../erasure/records/restored-keys';
import { KeyBackupError } from '../../keys/backup/errors';
import type { BackupHeader } from '../../keys/backup/header';
import { headerOf } from '../../keys/backup/read';
import { restoreKeys } from '../../keys/backup/restore';
import { createServices } from '../../services';
import { engineOf } from '../../storage/pool-use';
import { openKeysStore, openStores } from '../../stores';
import { counted } from '../counted';
import { CommandError, faultsOf } from '../failure';
import { progressBar } from '../progress';
import { exitTwoOnUsageError } from '../usage-errors';

interface Options {
  readonly by: string;
  readonly json?: true;
}

/** `remit keys restore`: fills an empty keys' store with a backup, and makes it fit the data. */
export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      "Fill an empty keys' store with a backup of the current epoch, destroy again what was destroyed since, and say " +
        'who cannot be read any more. Stop every server before.',
    )
    .argument('<file>', 'a file that "remit keys backup" wrote')
    .requiredOption('--by <name>', 'who puts it back')
    .option('--json', 'print {"restored": …}')
    .addHelpText(
      'after',
      '\nThe whole page is docs/keys-backup.md.\n\n' +
        'Example:\n  $ remit keys restore backups/keys-000042-….remit-keys --by ann@example.com',
    )
    .action((file: string, { by, json }: Options) =>
      withMoreTime('command', async () => {
        const config = readConfig(process.env);
        const header = await fill(config, file).catch((error: unknown): never => {
          throw error instanceof KeyBackupError ? new CommandError(`${file}: ${error.message}`) : error;
        });
        const outcome = await fitData(config, header, by);
        process.stdout.write(
          json ? `${JSON.stringify({ restored: { ...header, ...outcome } })}\n` : report(header, outcome),
        );
      }),
    );
  return exitTwoOnUsageError(command);
}

async function fill(config: Config, file: string): Promise<BackupHeader> {
  const { header } = await headerOf(file);
  const place = await openKeysStore(config, header.store);
  const progress = progressBar('restore');
  try {
    return await restoreKeys(place, engineOf(place.source), file, (done, total) => progress.update(done, total));
  } finally {
    progress.stop();
    await place.close();
  }
}

/** The data is newer than the restored keys: see {@link RestoredKeys}. */
async function fitData(config: Config, header: BackupHeader, by: string): Promise<RestoredKeys> {
  const stores = await openStores(config);
  try {
    const { erasure, recorder, ledger } = createServices(stores);
    const outcome = await erasure.keysAfterRestore.run(header.store, Date.parse(header.at), (error) =>
      process.stderr.write(`${faultsOf(error).join('; ')}\n`),
    );
    await recorder.record('KEYS_RESTORED', {
      principal: by,
      details: {
        ...{ store: header.store, epoch: header.epoch, from: header.at },
        ...{ unreadable: outcome.unreadable, destroyedAgain: outcome.destroyedAgain },
      },
    });
    await recorder.close();
    await ledger.close();
    return outcome;
  } finally {
    await stores.close();
  }
}

function report(header: BackupHeader, outcome: RestoredKeys): string {
  const { destroyedAgain, unreadable, unreadableClients, reopened, uncertified } = outcome;
  const rows = Object.values(header.rows).reduce((sum, n) => sum + n, 0);
  return [
    `Restored: ${counted(rows, 'row')} of epoch ${header.epoch}, as they were at ${header.at}.`,
    `Destroyed again: ${counted(destroyedAgain, 'key')} of people who are not in the data any more.`,
    unreadable === 0
      ? 'Nobody came since the backup: everybody can be read.'
      : `Unreadable: ${counted(unreadable, 'person', 'people')} who came since the backup. ` +
        'Tell their clients, and import them again.',
    ...unreadableClients.map((client) => `Unreadable: client ${client} as a whole, which came since the backup.`),
    `Erasures: ${counted(reopened, 'record')} opened again, ${uncertified} to be certified anew by a server.`,
    '',
  ].join('\n');
}
