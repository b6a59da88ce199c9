import Table from 'cli-table3';
import { Command } from 'commander';
import { counted } from '../counted';
import { progressBar } from '../progress';
import { exitTwoOnUsageError } from '../usage-errors';
import { withStores } from '../with-stores';

/** `remit keys turn`: ends the current epoch, so that what was deleted in it is final. */
export function turnCommand(): Command {
  const command = new Command('turn')
    .description(
      'End the current epoch of keys now: what lives is wrapped under a new root, the old root is destroyed, and ' +
        'nothing that was written before opens a deleted key. Servers do so by themselves, see REMIT_EPOCH.',
    )
    .option('--json', 'print {"epoch","clients","buckets","rewrapped","destroyed","milliseconds","woken"}')
    .addHelpText('after', '\nExample:\n  $ remit keys turn')
    .action(async ({ json }: { json?: true }) => {
      const progress = progressBar('keys');
      const done = await withStores(({ turning }) => turning.turn((what) => progress.update(what.done, what.total)));
      progress.stop();
      if (json) {
        process.stdout.write(`${JSON.stringify(done)}\n`);
        return;
      }
      const table = new Table({ head: ['epoch', 'clients', 'buckets', 'keys moved', 'keys gone'], style });
      table.push([done.epoch, done.clients, done.buckets, done.rewrapped, done.destroyed]);
      const erasures = done.woken === 0 ? '' : ` ${counted(done.woken, 'erasure')} can be completed.`;
      process.stdout.write(`Epoch ${done.epoch} has ended.${erasures}\n${table.toString()}\n`);
    });
  return exitTwoOnUsageError(command);
}

const style = { head: [], border: [], compact: true };
