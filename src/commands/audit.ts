import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { Command } from 'commander';
import { originOf, verifierKey } from '../audit/log/checkpoint';
import type { LedgerKey } from '../audit/log/key-history';
import { faultOfProof, readProof, tlogProof } from '../audit/log/proof';
import { pruneLedger, TamperedLogError } from '../audit/log/pruning';
import { anchorsCommand } from './audit-anchors';
import { acknowledgeGapCommand, adoptRecordsCommand } from './audit-gap';
import { publicKeysIn } from './audit-keys';
import { reportCommand } from './audit-report';
import { verifyCommand } from './audit-verify';
import { counted } from './counted';
import { asCommandError, CommandError } from './failure';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

/** `remit audit`: verifies the ledger, proves an entry, checks a proof. */
export function auditCommand(): Command {
  const command = new Command('audit')
    .description('Verify the audit ledger, prove entries, write reports.')
    .addCommand(verifyCommand())
    .addCommand(proveCommand())
    .addCommand(checkCommand())
    .addCommand(keysCommand())
    .addCommand(anchorsCommand())
    .addCommand(acknowledgeGapCommand())
    .addCommand(adoptRecordsCommand())
    .addCommand(pruneCommand())
    .addCommand(reportCommand())
    .addHelpText('after', '\nExample:\n  $ remit audit verify --anchor /mnt/worm/remit-anchors');
  return exitTwoOnUsageError(command);
}

function proveCommand(): Command {
  const command = new Command('prove')
    .description('Print a proof that an entry is in its log. "remit audit check" checks it without a database.')
    .argument('<id>', "an entry's id, from a response's extensions.governance.auditId")
    .addHelpText('after', '\nExample:\n  $ remit audit prove 0190b3e0-… > proof.json')
    .action(async (id: string) => {
      const proof = await withStores(({ auditReader }) => auditReader.proof(undefined, id));
      if (!proof) throw new CommandError(`there is no entry ${id}`);
      process.stdout.write(`${JSON.stringify({ ...proof, tlogProof: tlogProof(proof) }, null, 2)}\n`);
    });
  return exitTwoOnUsageError(command);
}

function checkCommand(): Command {
  const command = new Command('check')
    .description('Check a proof with a public key. Needs no database and no configuration.')
    .argument('<file>', 'what "remit audit prove" printed; - reads standard input')
    .requiredOption(
      '--key <key>',
      'the public key from "remit audit keys": base64, a verifier key (name+id+key), or the path of a file with it',
    )
    .option('--json', 'print {"holds","fault","entry"}')
    .addHelpText(
      'after',
      '\nExample:\n  $ remit audit keys > remit-audit.pub\n  $ remit audit check proof.json --key remit-audit.pub',
    )
    .action(async (file: string, { key, json }: { key: string; json?: true }) => {
      const keys = await publicKeysIn(key);
      const content = file === '-' ? await textOf(process.stdin) : await readFile(file, 'utf8');
      const proof = await Promise.resolve(content).then(readProof).catch(asCommandError);
      const fault = await faultOfProof(proof, keys);
      if (json) {
        process.stdout.write(
          `${JSON.stringify({ holds: !fault, fault: fault ?? null, entry: JSON.parse(proof.entry) }, null, 2)}\n`,
        );
      } else if (fault === undefined) {
        process.stdout.write(`The proof holds: this is entry ${proof.index} of its log.\n${proof.entry}\n`);
      }
      if (fault === undefined) return;
      if (!json) throw new CommandError(fault);
      process.exitCode = 1;
    });
  return exitTwoOnUsageError(command);
}

function keysCommand(): Command {
  const command = new Command('keys')
    .description(
      'Print the public keys of the checkpoints, the first one first, with the time of their use. Give them to ' +
        'everybody who checks checkpoints. Each key is signed by the one before: who knows one can check the others.',
    )
    .option(
      '--json',
      'print {"publicKey","keys":[{"number","publicKey","usedFrom","usedUntil","statement"}],"logs":[{"log",' +
        '"verifierKey","verifierKeys"}]}, for tools that read signed notes; ' +
        '"publicKey" and "verifierKey" are those of now',
    )
    .addHelpText(
      'after',
      `
Privacy officers and auditors can also query auditCheckpoint { verifierKey }.
Example:
  $ remit audit keys > remit-audit.pub`,
    )
    .action(async ({ json }: { json?: true }) => {
      const printed = await withStores(async ({ ledger }, { regions }) => {
        const { publicKey } = await ledger.signer();
        const history = await ledger.keys.history();
        if (!json) return history.map(describeKey).join('');
        const found = await Promise.all(
          regions.all().map((source) => source.query<Array<{ log_id: string }>>('SELECT log_id FROM audit_log')),
        );
        const logs = found.flat().map(({ log_id: log }) => log);
        const verifierKeys = logs.sort().map((log) => ({
          log,
          verifierKey: verifierKey(originOf(log), publicKey),
          verifierKeys: history.map((key) => verifierKey(originOf(log), key.publicKey)),
        }));
        const keys = history.map((key) => ({
          number: key.number,
          publicKey: key.publicKey.toString('base64'),
          usedFrom: momentOf(key.usedFrom),
          usedUntil: momentOf(key.usedUntil),
          statement: key.statement,
        }));
        return `${JSON.stringify({ publicKey: publicKey.toString('base64'), keys, logs: verifierKeys }, null, 2)}\n`;
      });
      process.stdout.write(printed);
    });
  return exitTwoOnUsageError(command);
}

/** Null where it is not known, or not said yet. */
const momentOf = (at: number): string | null =>
  at === 0 || at === Number.POSITIVE_INFINITY ? null : new Date(at).toISOString();

function describeKey({ publicKey, usedFrom, usedUntil }: LedgerKey): string {
  const [from, until] = [momentOf(usedFrom), momentOf(usedUntil)];
  const when = `${from === null ? '' : ` from ${from}`}${until === null ? '' : ` until ${until}`}`;
  return `${publicKey.toString('base64')}${when}\n`;
}

function pruneCommand(): Command {
  const command = new Command('prune')
    .description('Remove entries whose retention has ended: reads after six years. The rest can still be verified.')
    .option('--json', 'print a list of {"log","entries"}')
    .addHelpText('after', '\nExample:\n  $ remit audit prune')
    .action(async ({ json }: { json?: true }) => {
      const pruned = await withStores(async ({ recorder, ledger }, { regions }) => {
        const done = await pruneLedger(regions.all(), recorder).catch((error: unknown) =>
          error instanceof TamperedLogError ? asCommandError(error) : Promise.reject(error),
        );
        await ledger.close();
        return done;
      });
      if (json) process.stdout.write(`${JSON.stringify(pruned)}\n`);
      else if (pruned.length === 0) process.stdout.write('No entry has reached the end of its retention.\n');
      else
        for (const { log, entries } of pruned)
          process.stdout.write(`log ${log}: ${counted(entries, 'entry', 'entries')} pruned\n`);
    });
  return exitTwoOnUsageError(command);
}
