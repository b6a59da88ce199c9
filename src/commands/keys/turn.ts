import Table from 'cli-table3';
import { Command } from 'commander';
import { counted } from '../counted';
import { progressBar } from '../progress';
import { exitTwoOnUsageError } from '../usage-errors';
import { withStores } from '../with-stores';

interface TurnOptions {
  readonly json?: true;
  readonly leaveDamaged?: boolean;
}

/** `remit keys turn`: ends the current epoch, so that what was deleted in it is final. */
export function turnCommand(): Command {
  const command = new Command('turn')
    .description(
      'End the current epoch of keys now: what lives is wrapped under a new root, the old root is destroyed, and ' +
        'nothing that was written before opens a deleted key. Servers do so by themselves, see REMIT_EPOCH.',
    )
    .option('--leave-damaged', 'go on where keys do not open; nothing can mend them afterwards')
    .option('--json', 'print {"turned": [{"store","epoch","clients","buckets","rewrapped","destroyed",…}],"woken"}')
    .addHelpText('after', '\nExample:\n  $ remit keys turn')
    .action(async ({ json, leaveDamaged = false }: TurnOptions) => {
      const bar = progressBar('keys');
      let steps = 0;
      const progress = () => bar.update(++steps, steps + 1);
      const { turned, woken } = await withStores(({ erasure }) => erasure.turning.turn({ leaveDamaged, progress }));
      bar.stop();
      if (json) {
        process.stdout.write(`${JSON.stringify({ turned, woken })}\n`);
        return;
      }
      const table = new Table({ head: ['store', 'ended', 'clients', 'buckets', 'keys moved', 'keys gone'], style });
      table.push(
        ...turned.map(({ store, epoch, clients, buckets, rewrapped, destroyed }) => {
          return [store, `epoch ${epoch}`, clients, buckets, rewrapped, destroyed];
        }),
      );
      const erasures = woken === 0 ? '' : `${counted(woken, 'erasure')} can be completed.\n`;
      process.stdout.write(`${table.toString()}\n${erasures}`);
    });
  return exitTwoOnUsageError(command);
}

const style = { head: [], border: [], compact: true };
