import { readFile } from 'node:fs/promises';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { keptHeads } from '../audit/log/checkpoint-store';
import { chainOf } from '../audit/log/key-history';
import type { Gap } from '../audit/verification/gaps';
import type { Finding } from '../audit/verification/log-verification';
import { type RecordFinding, type RecordsReport, verifyRecords } from '../audit/verification/records';
import { type LogReport, type Verification, verifyLedger } from '../audit/verification/verification';
import { readAnchors } from '../audit/witness/anchor-file';
import { readConfig } from '../config';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { publicKeysIn, trustIn } from './audit-keys';
import { collect } from './caller-options';
import { counted } from './counted';
import { asCommandError } from './failure';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

export interface WholeOptions {
  readonly anchor: readonly string[];
  readonly witnessKey: readonly string[];
  readonly tsaCert: readonly string[];
  readonly key?: string;
  readonly json?: true;
}

interface VerifyOptions extends WholeOptions {
  readonly records?: true;
}

/** `remit audit verify`: checks the whole ledger. */
export function verifyCommand(): Command {
  const command = new Command('verify')
    .description(
      "Recompute every entry's hash, every log's tree and every checkpoint from the database, check the receipts of " +
        'anchors, and name the first entry that is wrong, missing or out of order. Exit code 1 when there is one.',
    )
    .option('--anchor <file>', 'an anchor file to compare with; repeat for more', collect(String), [])
    .option(
      '--witness-key <key>',
      'the verifier key of a witness (default: AUDIT_WITNESS_KEY); repeat for more',
      collect(String),
      [],
    )
    .option(
      '--tsa-cert <file>',
      'PEM file of certificates that time stamps must chain to; repeat for more',
      collect(String),
      [],
    )
    .option(
      '--key <key>',
      'a public key that you know, from which the others must follow (default: the first one in the keys’ store): a ' +
        'verifier key, base64, or a file',
    )
    .option('--records', 'also compare grants, instructions, agreements and approvals with the decisions in the ledger')
    .option(
      '--json',
      'print {"sound","entries","checkpoints","logs","findings","acknowledged"}, and "records" where they are ' +
        'asked for',
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ remit audit verify --anchor anchors.jsonl --tsa-cert tsa.pem --records --json',
    )
    .action(async (options: VerifyOptions) => {
      const checked = await withStores((services, stores) => verify(services, stores, options));
      const { report, forged, keyFault, records } = checked;
      const keys = keyFault === undefined ? {} : { keyFault };
      const all = { ...report, forgedHeads: forged, ...keys, ...(records ? { records } : {}) };
      if (options.json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
      else process.stdout.write(describe(checked, options.anchor.length > 0) + describeRecords(records));
      if (!isSound(checked) || (records?.findings.length ?? 0) > 0) process.exitCode = 1;
    });
  return exitTwoOnUsageError(command);
}

async function verify(services: Services, stores: Stores, options: VerifyOptions) {
  const { regions, keys } = stores;
  const whole = await verifyWhole(services, stores, options);
  const { references } = services;
  const records = options.records ? await verifyRecords({ regions, keys, references }) : undefined;
  return { ...whole, records };
}

interface Whole {
  readonly report: Verification;
  /** Logs whose checkpoint in the keys' store is not signed by a key of the ledger. */
  readonly forged: readonly string[];
  /** What is wrong with the history of keys. */
  readonly keyFault: string | undefined;
}

const isSound = ({ report, forged, keyFault }: Whole): boolean =>
  report.sound && forged.length === 0 && keyFault === undefined;

/** Verifies the ledger with the keys and anchors from the environment and the command line. */
export async function verifyWhole({ ledger }: Services, stores: Stores, options: WholeOptions): Promise<Whole> {
  const { anchor, key, json } = options;
  const pinned = key ? (await publicKeysIn(key))[0] : undefined;
  const { keys: publicKey, fault: keyFault } = await chainOf(await ledger.keys.history(), pinned);
  const configured = readConfig(process.env).auditAnchors?.witness;
  const witnesses = options.witnessKey.length === 0 && configured ? [configured.key] : options.witnessKey;
  const trust = await trustIn(witnesses, options.tsaCert);
  const { heads, forged } = await keptHeads(stores.keysSource, publicKey);
  const anchored = [];
  for (const file of anchor) {
    const read = readAnchors(await readFile(file, 'utf8'), file, publicKey, trust);
    anchored.push(...(await read.catch(asCommandError)));
  }
  const bar =
    process.stderr.isTTY && !json ? new SingleBar({ format: '{value} entries', stream: process.stderr }) : undefined;
  bar?.start(0, 0);
  const report = await verifyLedger(stores.regions.all(), {
    publicKey,
    witnessed: heads,
    anchored,
    trust,
    onProgress: (entries) => bar?.update(entries),
  });
  bar?.stop();
  return { report, forged, keyFault };
}

function describe(checked: Whole, hasAnchor: boolean): string {
  const { report, forged, keyFault } = checked;
  const { entries, checkpoints, logs, findings, acknowledged } = report;
  const gaps = acknowledged.length === 0 ? '' : `, ${counted(acknowledged.length, 'acknowledged gap')}`;
  const isAnchored = hasAnchor || logs.some(({ anchors }) => anchors.length > 0);
  return [
    ...findings.map(describeFinding),
    ...(keyFault === undefined ? [] : [keyFault]),
    ...forged.map((log) => `log ${log}: its checkpoint in the keys' store is not signed by the key`),
    ...(isAnchored ? logs.flatMap(describeAnchoring) : []),
    ...acknowledged.map(describeGap),
    `${isSound(checked) ? 'Sound' : 'NOT SOUND'}: ${counted(entries, 'entry', 'entries')} ` +
      `in ${counted(logs.length, 'log')}, ${counted(checkpoints, 'signed checkpoint')}${gaps}.`,
    '',
  ].join('\n');
}

const describeGap = ({ log, size, seen }: Gap): string =>
  `log ${log}: entries ${size} to ${seen - 1} are missing, and this is acknowledged`;

function describeRecords(records: RecordsReport | undefined): string {
  if (!records) return '';
  const { rows, adopted, findings } = records;
  const accepted = adopted === 0 ? '' : `, ${adopted} of them accepted as found`;
  return [
    ...findings.map(describeRecord),
    `${findings.length === 0 ? 'As decided' : 'NOT AS DECIDED'}: ` +
      `${counted(rows, 'record')} compared with the ledger${accepted}.`,
    '',
  ].join('\n');
}

const describeRecord = ({ problem, table, row, client, entry, message }: RecordFinding): string =>
  `${problem} ${table} ${row}${client === null ? '' : `, client ${client}`}: ` +
  `${message}${entry ? `, by entry ${entry}` : ''}`;

export const describeFinding = ({ problem, log, sequence, entry, message }: Finding): string =>
  `${problem} log ${log}, entry ${sequence}${entry ? ` (${entry})` : ''}: ${message}`;

function describeAnchoring({ log, size, anchoredTo, anchors }: LogReport): string[] {
  const rest = anchoredTo !== null && anchoredTo < size ? `, entries ${anchoredTo} to ${size - 1} are not` : '';
  return [
    anchoredTo === null
      ? `log ${log}: entries 0 to ${size - 1} are not anchored`
      : `log ${log}: entries 0 to ${anchoredTo - 1} are anchored${rest}`,
    ...anchors.map(({ by, how, receipts, reaches, last }) => {
      const when = last === null ? '' : `, the last of ${last}`;
      return `  entries 0 to ${reaches - 1}: ${by} (${receipts}${when}): ${how}`;
    }),
  ];
}
