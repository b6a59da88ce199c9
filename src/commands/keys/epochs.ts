import { readFile } from 'node:fs/promises';
import Table from 'cli-table3';
import { Command } from 'commander';
import {
  digestOf,
  type EpochRecord,
  type EpochStatement,
  readEpochRecords,
  verifyEpochRecords,
} from '../../erasure/records/epoch-record';
import { CertificateError, readPublicKeys } from '../../erasure/records/signed-statement';
import type { EpochState } from '../../keys/epochs/epoch-state';
import type { Services } from '../../services';
import type { Stores } from '../../stores';
import { counted } from '../counted';
import { CommandError } from '../failure';
import { exitTwoOnUsageError } from '../usage-errors';
import { withStores } from '../with-stores';

/** How many entries of the ledger are read at a time. */
const ENTRIES_PAGE = 500;

interface EpochsOptions {
  readonly verify?: true;
  readonly export?: true;
  readonly from?: string;
  readonly key?: string;
  readonly json?: true;
}

/** `remit keys epochs`: lists the epochs of keys, verifies their records, and gives them out for auditors. */
export function epochsCommand(): Command {
  const command = new Command('epochs')
    .description('List the epochs of keys, and check the signed records of those that have ended')
    .option('--verify', 'check each record: its signature, the one before it, and its entry in the audit ledger')
    .option('--export', 'print the records, one a line, for an auditor to keep')
    .option('--from <file>', 'check records that were exported, with no database at hand; needs --key')
    .option('--key <file>', "public keys from the query erasureCertificateKeys (default: the installation's own)")
    .option('--json', 'print {"epochs": […]}')
    .addHelpText(
      'after',
      '\nExit code 1 when a record is not valid.\n\nExamples:\n  $ remit keys epochs --verify\n' +
        '  $ remit keys epochs --export > epochs.jsonl\n  $ remit keys epochs --from epochs.jsonl --key keys.json',
    )
    .action(async (options: EpochsOptions) => {
      if (options.from !== undefined) return checkFile(options.from, options);
      if (options.export) {
        const records = await withStores(({ erasure }) => erasure.epochRecords.all());
        process.stdout.write(records.map((record) => `${record}\n`).join(''));
        return;
      }
      const epochs = await withStores((services, stores) => look(services, stores, options));
      if (options.json) process.stdout.write(`${JSON.stringify({ epochs }, null, 2)}\n`);
      else process.stdout.write(describe(epochs, options.verify ?? false));
    });
  return exitTwoOnUsageError(command);
}

async function look(services: Services, { keyStores }: Stores, { verify, key }: EpochsOptions) {
  const stores = [];
  for (const { name, keys } of keyStores.all()) stores.push({ name, epochs: await keys.epochs.list() });
  if (verify) {
    const { erasure, auditReader } = services;
    const ended = stores.flatMap(({ name, epochs }) =>
      epochs.filter(({ state }) => state === 'ENDED').map(recordIn(name)),
    );
    const publicKeys = key ? await keysIn(key) : await erasure.signingKeys.publicKeys();
    const records = await checked(ended, publicKeys);
    const first = records.find(({ statement }) => statement.previous !== null && isFirst(statement, records));
    if (first) throw new CommandError(`${titleOf(first)} names one before it, which is missing.`);
    const logged = await loggedDigests(auditReader, records);
    const unlogged = records.find(({ digest }) => !logged.has(digest));
    if (unlogged) throw new CommandError(`${titleOf(unlogged)} has no entry in the audit ledger.`);
  }
  return stores.flatMap(({ name, epochs }) => epochs.map((epoch) => lineOf(name, epoch)));
}

/** The record of an epoch that has ended. */
const recordIn =
  (store: string) =>
  ({ number, record }: EpochState): string => {
    if (record === null) throw new CommandError(`Epoch ${number} of "${store}" has ended, and has no record.`);
    return record;
  };

const isFirst = ({ store, epoch }: EpochStatement, records: readonly EpochRecord[]): boolean =>
  records.every(({ statement }) => statement.store !== store || statement.epoch >= epoch);

const titleOf = ({ statement: { store, epoch } }: EpochRecord): string => `The record of epoch ${epoch} of "${store}"`;

async function checkFile(file: string, { key, json }: EpochsOptions): Promise<void> {
  if (key === undefined) throw new CommandError('--from needs --key: public keys to check the records with', 2);
  const records = await checked(readEpochRecords(await readFile(file, 'utf8')), await keysIn(key));
  const epochs = records.map(({ digest, statement }) => ({ ...statement, record: digest }));
  if (json) process.stdout.write(`${JSON.stringify({ epochs }, null, 2)}\n`);
  else process.stdout.write(`${counted(records.length, 'record')}, each signed, and each names the one before it.\n`);
}

async function keysIn(file: string) {
  return readPublicKeys(await readFile(file, 'utf8')).catch(asFault);
}

const checked = (texts: readonly string[], keys: Awaited<ReturnType<typeof keysIn>>): Promise<EpochRecord[]> =>
  verifyEpochRecords(texts, keys).catch(asFault);

function asFault(error: unknown): never {
  throw error instanceof CertificateError ? new CommandError(error.message) : error;
}

/** The digests of records that the ledger has entries about. */
async function loggedDigests(
  reader: Services['auditReader'],
  records: readonly EpochRecord[],
): Promise<ReadonlySet<unknown>> {
  const found = new Set<unknown>();
  for (let before: string | undefined; ; ) {
    const entries = await reader.entries(undefined, { kind: 'KEY_EPOCH_ENDED' }, ENTRIES_PAGE, before);
    for (const { details } of entries) found.add(details?.record);
    before = entries.at(-1)?.id;
    if (before === undefined || records.every(({ digest }) => found.has(digest))) return found;
  }
}

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

function lineOf(store: string, { number, state, begunAt, endedAt, record, backup }: EpochState) {
  return {
    store,
    number,
    state,
    begunAt: time(begunAt),
    endedAt: time(endedAt),
    backup,
    record: record === null ? null : digestOf(record),
  };
}

function describe(epochs: ReadonlyArray<ReturnType<typeof lineOf>>, isVerified: boolean): string {
  const table = new Table({ head: ['store', 'epoch', 'state', 'begun', 'ended', 'record'], style });
  table.push(
    ...epochs.map(({ store, number, state, begunAt, endedAt, record }) => {
      return [store, number, state, begunAt, endedAt ?? '', record ?? ''];
    }),
  );
  const ended = epochs.filter(({ record }) => record !== null).length;
  const said = isVerified ? `${counted(ended, 'record')} checked: signed, chained, and in the audit ledger.\n` : '';
  return `${table.toString()}\n${said}`;
}

const style = { head: [], border: [], compact: true };
