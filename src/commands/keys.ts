import { Command } from 'commander';
import { epochsCommand } from './keys/epochs';
import { turnCommand } from './keys/turn';
import { exitTwoOnUsageError } from './usage-errors';

/** `remit keys`: the keys that seal personal data, and the epochs that they live in. */
export function keysCommand(): Command {
  const command = new Command('keys')
    .description('The keys that seal personal data, and their epochs.')
    .addCommand(turnCommand())
    .addCommand(epochsCommand())
    .addHelpText('after', '\nExample:\n  $ remit keys turn');
  return exitTwoOnUsageError(command);
}
