import { Command } from 'commander';
import { backupCommand } from './keys/backup';
import { epochsCommand } from './keys/epochs';
import { restoreCommand } from './keys/restore';
import { rotateCommand } from './keys/rotate';
import { turnCommand } from './keys/turn';
import { exitTwoOnUsageError } from './usage-errors';

/** `remit keys`: the keys that seal personal data, the epochs that they live in, and the platform's own keys. */
export function keysCommand(): Command {
  const command = new Command('keys')
    .description('The keys that seal personal data, and their epochs.')
    .addCommand(turnCommand())
    .addCommand(epochsCommand())
    .addCommand(backupCommand())
    .addCommand(restoreCommand())
    .addCommand(rotateCommand())
    .addHelpText('after', '\nExample:\n  $ remit keys turn');
  return exitTwoOnUsageError(command);
}
