import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { readAnchors } from '../audit/anchor-file';
import { readPublicKey } from '../audit/checkpoint';
import { keptHeads } from '../audit/heads';
import type { Finding } from '../audit/log-verification';
import { faultOfProof, readProof, tlogProof } from '../audit/proof';
import { pruneLedger, TamperedLogError } from '../audit/pruning';
import { type LogReport, type Verification, verifyLedger } from '../audit/verification';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { reportCommand } from './audit-report';
import { collect } from './caller-options';
import { CommandError } from './failure';
import { exitTwoOnMisuse } from './misuse';
import { overStores } from './over-stores';

/** `remit audit`: verify the ledger, prove an entry, check a proof. */
export function auditCommand(): Command {
  const command = new Command('audit')
    .description('Show that the audit ledger is whole, and what is in it.')
    .addCommand(verifyCommand())
    .addCommand(proveCommand())
    .addCommand(checkCommand())
    .addCommand(pruneCommand())
    .addCommand(reportCommand())
    .addHelpText('after', '\nExample:\n  $ remit audit verify --anchor /mnt/worm/remit-anchors');
  return exitTwoOnMisuse(command);
}

interface VerifyOptions {
  readonly anchor: readonly string[];
  readonly key?: string;
  readonly json?: true;
}

function verifyCommand(): Command {
  const command = new Command('verify')
    .description(
      "Recompute every entry's hash, every log's tree and every checkpoint from the database, and name the first entry " +
        'that is wrong, missing or reordered. Exit code 1 says that something is.',
    )
    .option('--anchor <file>', 'an anchor file that must agree; again for more', collect(String), [])
    .option('--key <key>', "the public key, if not the one in the keys' store: a verifier key, base64 or a PEM file")
    .option('--json', 'print {"sound","entries","checkpoints","logs","findings"}')
    .addHelpText('after', '\nExample:\n  $ remit audit verify --anchor anchors.jsonl --json')
    .action(async (options: VerifyOptions) => {
      const { report, forged } = await overStores((services, stores) => verify(services, stores, options));
      if (options.json) process.stdout.write(`${JSON.stringify({ ...report, forgedHeads: forged }, null, 2)}\n`);
      else process.stdout.write(describe(report, forged, options.anchor.length > 0));
      if (!report.sound || forged.length > 0) process.exitCode = 1;
    });
  return exitTwoOnMisuse(command);
}

async function verify({ ledger }: Services, stores: Stores, { anchor, key, json }: VerifyOptions) {
  const publicKey = key ? await publicKeyIn(key) : (await ledger.signer()).publicKey;
  const { heads, forged } = await keptHeads(stores.keysSource, publicKey);
  const anchored = [];
  for (const file of anchor) {
    const read = readAnchors(await readFile(file, 'utf8'), file, publicKey);
    anchored.push(...(await read.catch(wordsOf)));
  }
  const bar =
    process.stderr.isTTY && !json ? new SingleBar({ format: '{value} entries', stream: process.stderr }) : undefined;
  bar?.start(0, 0);
  const report = await verifyLedger(stores.regions.all(), {
    publicKey,
    witnessed: heads,
    anchored,
    onProgress: (entries) => bar?.update(entries),
  });
  bar?.stop();
  return { report, forged };
}

function proveCommand(): Command {
  const command = new Command('prove')
    .description('Print a proof that an entry is in its log, which "remit audit check" needs no database to check.')
    .argument('<id>', "an entry's id, as a response says it in extensions.governance.auditId")
    .addHelpText('after', '\nExample:\n  $ remit audit prove 0190b3e0-… > proof.json')
    .action(async (id: string) => {
      const proof = await overStores(({ auditReader }) => auditReader.proof(undefined, id));
      if (!proof) throw new CommandError(`there is no entry ${id}`);
      process.stdout.write(`${JSON.stringify({ ...proof, tlogProof: tlogProof(proof) }, null, 2)}\n`);
    });
  return exitTwoOnMisuse(command);
}

function checkCommand(): Command {
  const command = new Command('check')
    .description('Check a proof with a public key. Needs neither a database nor a configuration.')
    .argument('<file>', 'what "remit audit prove" printed; - reads standard input')
    .requiredOption(
      '--key <key>',
      'the public key: a verifier key (name+id+key), base64, or the path of a file with it',
    )
    .option('--json', 'print {"holds","fault","entry"}')
    .addHelpText('after', '\nExample:\n  $ remit audit check proof.json --key remit/audit/0190…+8e1f2a3b+AZ…')
    .action(async (file: string, { key, json }: { key: string; json?: true }) => {
      const publicKey = await publicKeyIn(key);
      const content = file === '-' ? await textOf(process.stdin) : await readFile(file, 'utf8');
      const proof = await Promise.resolve(content).then(readProof).catch(wordsOf);
      const fault = await faultOfProof(proof, publicKey);
      if (json) {
        process.stdout.write(
          `${JSON.stringify({ holds: fault === undefined, fault: fault ?? null, entry: JSON.parse(proof.entry) }, null, 2)}\n`,
        );
      } else if (fault === undefined) {
        process.stdout.write(`The proof holds: this is entry ${proof.index} of its log.\n${proof.entry}\n`);
      }
      if (fault === undefined) return;
      if (!json) throw new CommandError(fault);
      process.exitCode = 1;
    });
  return exitTwoOnMisuse(command);
}

function pruneCommand(): Command {
  const command = new Command('prune')
    .description('Remove entries whose retention has ended: accesses after six years. The rest verifies as before.')
    .option('--json', 'print a list of {"log","entries"}')
    .addHelpText('after', '\nExample:\n  $ remit audit prune')
    .action(async ({ json }: { json?: true }) => {
      const pruned = await overStores(async ({ trail, ledger }, { regions }) => {
        const done = await pruneLedger(regions.all(), trail).catch((error: unknown) =>
          error instanceof TamperedLogError ? wordsOf(error) : Promise.reject(error),
        );
        await ledger.close();
        return done;
      });
      if (json) process.stdout.write(`${JSON.stringify(pruned)}\n`);
      else if (pruned.length === 0) process.stdout.write('There is nothing whose retention has ended.\n');
      else for (const { log, entries } of pruned) process.stdout.write(`log ${log}: ${entries} entries are pruned\n`);
    });
  return exitTwoOnMisuse(command);
}

/** A key as it is typed, or a file that holds one. */
async function publicKeyIn(key: string): Promise<Buffer> {
  try {
    return readPublicKey(key);
  } catch (notTyped) {
    const content = await readFile(key, 'utf8').catch(() => undefined);
    if (content === undefined) throw new CommandError((notTyped as Error).message, 2);
    return Promise.resolve(content).then(readPublicKey).catch(wordsOf);
  }
}

/** For errors whose words are this room's own. */
function wordsOf(error: unknown): never {
  throw new CommandError((error as Error).message);
}

function describe(report: Verification, forged: readonly string[], hasAnchor: boolean): string {
  const { sound, entries, checkpoints, logs, findings } = report;
  return [
    ...findings.map(describeFinding),
    ...forged.map((log) => `log ${log}: its head in the keys' store is not signed by the key`),
    ...(hasAnchor ? logs.map(describeAnchoring) : []),
    `${sound && forged.length === 0 ? 'Sound' : 'NOT SOUND'}: ${entries} entries in ${logs.length} logs, ${checkpoints} signed checkpoints.`,
    '',
  ].join('\n');
}

const describeFinding = ({ problem, log, sequence, entry, message }: Finding): string =>
  `${problem} log ${log}, entry ${sequence}${entry ? ` (${entry})` : ''}: ${message}`;

function describeAnchoring({ log, size, anchoredTo }: LogReport): string {
  if (anchoredTo === null) return `log ${log}: entries 0 to ${size - 1} are not anchored`;
  const rest = anchoredTo < size ? `, entries ${anchoredTo} to ${size - 1} are not` : '';
  return `log ${log}: entries 0 to ${anchoredTo - 1} are anchored${rest}`;
}
