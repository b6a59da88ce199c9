import { once } from 'node:events';
import { Command } from 'commander';
import { anchorLine } from '../audit/witness/anchor-file';
import { allReceipts } from '../audit/witness/stored-receipts';
import { counted } from './counted';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

/** `remit audit anchors`: the receipts for checkpoints. */
export function anchorsCommand(): Command {
  const command = new Command('anchors')
    .description('Receipts of witnesses and time-stamping authorities for checkpoints.')
    .addCommand(exportCommand())
    .addHelpText('after', '\nExample:\n  $ remit audit anchors export > anchors.jsonl');
  return exitTwoOnUsageError(command);
}

function exportCommand(): Command {
  const command = new Command('export')
    .description(
      'Write all receipts, one per line. Keep them where nobody can write who can write the database. ' +
        '"remit audit verify --anchor FILE" compares the ledger with them.',
    )
    .addHelpText('after', '\nExample:\n  $ remit audit anchors export > anchors.jsonl')
    .action(async () => {
      const left = await withStores(async (_, { regions }) => {
        let without = 0;
        for (const source of regions.all()) {
          for await (const { at, checkpoint, ...receipt } of allReceipts(source)) {
            if (checkpoint === null) without++;
            else if (!process.stdout.write(anchorLine(at, checkpoint, receipt))) await once(process.stdout, 'drain');
          }
        }
        return without;
      });
      if (left > 0)
        process.stderr.write(`${counted(left, 'time stamp')} left out, because the checkpoint was pruned\n`);
    });
  return exitTwoOnUsageError(command);
}
