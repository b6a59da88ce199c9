import { Command } from 'commander';
import { readConfig } from '../config';
import { migrateStores } from '../stores';
import { exitTwoOnUsageError } from './usage-errors';

/** `remit migrate`: runs pending migrations on every database of the environment. */
export function migrateCommand(): Command {
  const command = new Command('migrate')
    .description("Bring the data's and the keys' databases up to date. Running it again changes nothing.")
    .option('--json', 'print {"applied": […]}')
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=mysql://… KEYS_DATABASE_URL=mysql://… remit migrate')
    .action(async ({ json }: { json?: true }) => {
      const applied = await migrateStores(readConfig(process.env));
      if (json) process.stdout.write(`${JSON.stringify({ applied })}\n`);
      else if (applied.length === 0) process.stdout.write('The databases are up to date.\n');
      else process.stdout.write(`${applied.map((name) => `applied ${name}`).join('\n')}\n`);
    });
  return exitTwoOnUsageError(command);
}
