import { once } from 'node:events';
import { Command } from 'commander';
import { anchorLine } from '../audit/witness/anchor-file';
import { allReceipts } from '../audit/witness/stored-receipts';
import { exitTwoOnMisuse } from './misuse';
import { overStores } from './over-stores';

/** `remit audit anchors`: what others answered to checkpoints. */
export function anchorsCommand(): Command {
  const command = new Command('anchors')
    .description('The receipts that witnesses and time-stamping authorities gave for checkpoints.')
    .addCommand(exportCommand());
  return exitTwoOnMisuse(command);
}

function exportCommand(): Command {
  const command = new Command('export')
    .description(
      'Write all receipts, one a line, to be kept where nobody who writes the database does: "remit audit verify ' +
        '--anchor FILE" holds the ledger against them.',
    )
    .addHelpText('after', '\nExample:\n  $ remit audit anchors export > anchors.jsonl')
    .action(async () => {
      const left = await overStores(async (_, { regions }) => {
        let without = 0;
        for (const source of regions.all()) {
          for await (const { at, checkpoint, ...receipt } of allReceipts(source)) {
            if (checkpoint === null) without++;
            else if (!process.stdout.write(anchorLine(at, checkpoint, receipt))) await once(process.stdout, 'drain');
          }
        }
        return without;
      });
      if (left > 0) process.stderr.write(`${left} time stamps are left out: their checkpoints were pruned\n`);
    });
  return exitTwoOnMisuse(command);
}
