import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { GraphQLError } from 'graphql';
import { SealingThread } from '../keys/sealing-thread';
import type { Client } from '../register/client';
import type { Services } from '../services';
import { bulkLoading } from '../storage/bulk-load';
import type { Stores } from '../stores';
import type { ImportTarget } from '../subjects/import/external-ids';
import { checkFile, type ImportOptions, importFile, rejectsPathOf } from '../subjects/import/import-file';
import type { ImportReport } from '../subjects/import/import-report';
import { type ImportKind, importKinds } from '../subjects/import/kinds';
import { type Mapping, mappingOf, parseMapping } from '../subjects/import/mapping';
import { presetMapping } from '../subjects/import/presets/preset-mapping';
import { describePreset, presets } from '../subjects/import/presets/presets';
import { recordedImport } from '../subjects/import/recorded-import';
import { openSourceFile, type SourceFile } from '../subjects/import/source-file';
import { dateFormats, faultOfDateFormat } from '../subjects/values/date-format';
import { CommandError } from './failure';
import { dryRunText, reportText } from './import-report-table';
import { progressBar } from './progress';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

interface Options {
  readonly client: string;
  readonly as: ImportKind;
  readonly map?: string;
  readonly from?: string;
  readonly dryRun?: boolean;
  readonly createClient?: boolean;
  readonly source?: string;
  readonly rejects?: string;
  readonly allowErased?: boolean;
  readonly allowRejects: number;
  readonly strict?: boolean;
  readonly encoding?: string;
  readonly delimiter?: string;
  readonly dateFormat?: string;
  readonly decimal?: '.' | ',';
  readonly json?: boolean;
}

/** `remit import`: imports a client's file. */
export function importCommand(): Command {
  const command = new Command('import');
  command
    .description(
      "Import a client's CSV or NDJSON file. Rows are matched by their external id, so a second run updates them.",
    )
    .argument('<file>', 'CSV with a header row, or NDJSON')
    .requiredOption('--client <slug>', 'the client whose data it is')
    .addOption(new Option('--as <kind>', 'what the rows are').choices(importKinds).makeOptionMandatory())
    .addOption(new Option('--from <product>', 'whose export it is').choices(Object.keys(presets)))
    .option(
      '--map <file>',
      'JSON file: field names and the columns to take them from; with --from, only the differences',
    )
    .option('--dry-run', 'show what would happen, and write nothing')
    .option('--create-client', 'register the client if it does not exist')
    .option('--source <name>', 'the source of new customers (default: the product, or "import")')
    .option('--rejects <file>', 'where to report rejected rows and fields (default: FILE.rejects.ndjson)')
    .option('--strict', 'reject the whole row when a field cannot be read')
    .option('--allow-rejects <n>', 'exit with 0 when at most this many rows and fields are rejected', wholeNumber, 0)
    .option('--encoding <name>', 'encoding of the text, such as windows-1252 (default: detected)')
    .option('--delimiter <character>', 'separator of CSV values, or TAB (default: detected)', delimiterOf)
    .option('--date-format <format>', `format of dates: ${dateFormats.join(', ')}, or like dd.MM.yyyy`, dateFormatOf)
    .addOption(new Option('--decimal <sign>', 'decimal sign of amounts').choices(['.', ',']))
    .option('--allow-erased', 'also import people who were erased before; this is recorded')
    .option('--json', 'print the counts as JSON')
    .addHelpText('after', () => {
      const { from } = command.opts<Partial<Options>>();
      return from === undefined ? EXAMPLE : `\n${describePreset(from)}`;
    })
    .action(async (file: string, options: Options) => {
      const report = await withStores((services, stores) => run(services, stores, file, options));
      const text = options.dryRun
        ? dryRunText(report, options.as)
        : reportText(report, options.as, options.rejects ?? rejectsPathOf(file));
      process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : text);
      if (report.rejected + report.rejectedFields > options.allowRejects) process.exitCode = 1;
    });
  return exitTwoOnUsageError(command);
}

const EXAMPLE = `
Orders name their customer by customerExternalId or customerEmail. Order items name their order by orderExternalId.
Other data of a customer goes to attributes.KEY. A key can be a list of columns. An empty cell changes nothing. A
value that cannot be read is left out; a row without a readable key is rejected. Exit code 1 when there were such
values or rows.

Examples:
  $ echo '{"externalId":"CustomerId","residency":"Country","postalAddress.city":"City"}' > map.json
  $ remit import customers.csv --client acme --as customers --map map.json --create-client
  $ remit import contacts.csv --client acme --as customers --from hubspot --dry-run
  $ remit import --from hubspot --help`;

async function run(services: Services, stores: Stores, file: string, options: Options): Promise<ImportReport> {
  const { from, rejects, encoding, delimiter, strict, decimal, dateFormat: format, allowErased, dryRun } = options;
  const source = options.source ?? from;
  if (source !== undefined && !/^.{1,100}$/u.test(source)) {
    throw new CommandError('--source must have 1 to 100 characters', 2);
  }
  const own = await ownMapping(options);
  const opened = await openSourceFile(file, { encoding, delimiter });
  const mapping = await mappingFrom(opened, own, options);
  const reading = { file, opened, mapping, rejects, format, decimal, strict, source };
  await checkFile(reading);
  const principal = `remit import, by ${userInfo().username}`;
  const progress = progressBar(options.as);
  const wanted: ImportOptions = { ...reading, onProgress: progress.update };
  const sealing = new SealingThread();
  try {
    if (dryRun) return await importFile(await targetOf(services, stores, options), wanted);
    const client = await clientOf(services, options);
    if (allowErased) {
      await services.recorder.record('ERASED_ALLOWED', { client: client.id, principal, details: { allowErased } });
    }
    const record = { recorder: services.recorder, principal, preset: from };
    const target = { ...(await targetOf(services, stores, options)), sealing };
    const { source: keysSource } = await stores.keyStores.of(client.id);
    return await bulkLoading([target.source, keysSource], () => recordedImport(target, wanted, record));
  } finally {
    await sealing.close();
    progress.stop();
  }
}

async function targetOf(services: Services, stores: Stores, options: Options): Promise<ImportTarget> {
  const { client: slug, createClient, allowErased, dryRun: isDryRun = false } = options;
  const client = await services.clients.find(slug);
  if (!client && !createClient) throw unknownClient(slug);
  return {
    client: client?.id ?? '',
    source: client ? await stores.regions.of(client.id) : stores.regions.home,
    keys: stores.keys,
    isDryRun,
    isNewClient: !client,
    ...(allowErased || !client ? {} : { erased: services.erasure.erased }),
  };
}

async function mappingFrom(
  opened: SourceFile,
  own: Readonly<Record<string, unknown>>,
  options: Options,
): Promise<Mapping> {
  const { map = '', from, as: kind } = options;
  return from === undefined ? mappingOf(own, kind, map) : presetMapping(opened, from, kind, own);
}

async function ownMapping({ map, from }: Options): Promise<Readonly<Record<string, unknown>>> {
  if (map !== undefined) return parseMapping(await textOf(map), map);
  if (from !== undefined) return {};
  throw new CommandError(
    `name a mapping with --map, or the product with --from: ${Object.keys(presets).join(', ')}`,
    2,
  );
}

function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(`--map ${path} cannot be read (${error.code}); name a readable file`, 2);
  });
}

async function clientOf({ clients }: Services, { client: slug, createClient }: Options): Promise<Client> {
  const client = await clients.find(slug);
  if (client) return client;
  if (!createClient) throw unknownClient(slug);
  return clients.register({ slug, name: slug }, 'remit import').catch((error: unknown) => {
    throw error instanceof GraphQLError ? new CommandError(error.message, 2) : error;
  });
}

const unknownClient = (slug: string) =>
  new CommandError(`there is no client "${slug}"; name one that exists, or add --create-client`, 2);

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number, such as 10.');
  return Number(text);
}

function delimiterOf(text: string): string {
  if (text === 'TAB') return '\t';
  if (text.length !== 1 || /["\r\n]/.test(text)) throw new InvalidArgumentError('Write one character, or TAB.');
  return text;
}

function dateFormatOf(text: string): string {
  const fault = faultOfDateFormat(text);
  if (fault !== undefined) throw new InvalidArgumentError(fault);
  return text;
}
