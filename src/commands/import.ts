import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { GraphQLError } from 'graphql';
import type { Client } from '../register/client';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { checkFile, type ImportReport, importFile, rejectsPathOf } from '../subjects/import/import-file';
import { type ImportKind, importKinds } from '../subjects/import/kinds';
import { readMapping } from '../subjects/import/mapping';
import { CommandError } from './failure';
import { exitTwoOnMisuse } from './misuse';
import { overStores } from './over-stores';
import { progressBar } from './progress';

interface Options {
  readonly client: string;
  readonly as: ImportKind;
  readonly map: string;
  readonly createClient?: boolean;
  readonly source?: string;
  readonly rejects?: string;
  readonly allowErased?: boolean;
  readonly allowRejects: number;
  readonly strict?: boolean;
  readonly encoding?: string;
  readonly delimiter?: string;
  readonly json?: boolean;
}

/** `remit import`: takes a client's own export in. */
export function importCommand(): Command {
  const command = new Command('import')
    .description("Take a client's CSV or NDJSON file in; rows are known by their external id, so it can be run again")
    .argument('<file>', 'CSV with a header row, or NDJSON')
    .requiredOption('--client <slug>', 'the client whose data it is')
    .addOption(new Option('--as <kind>', 'what the rows are').choices(importKinds).makeOptionMandatory())
    .requiredOption('--map <file>', 'JSON: our field names → the columns of the file')
    .option('--create-client', 'register the client where it does not exist')
    .option('--source <name>', 'where created customers come from; "import" unless told, or mapped')
    .option('--rejects <file>', 'where rejected rows are reported; FILE.rejects.ndjson unless told')
    .option('--strict', 'reject the whole row where a field of it cannot be read')
    .option('--allow-rejects <n>', 'exit with 0 where no more rows and fields than these are rejected', wholeNumber, 0)
    .option('--encoding <name>', 'what the text is encoded in, such as windows-1252; found out unless told')
    .option('--delimiter <character>', 'what stands between values of CSV, or TAB; found out unless told', delimiterOf)
    .option('--allow-erased', 'take in people whose erasure is on record; who does so is recorded')
    .option('--json', 'print the counts as JSON, and nothing else')
    .addHelpText('after', EXAMPLE)
    .action(async (file: string, options: Options) => {
      const report = await overStores((services, stores) => run(services, stores, file, options));
      process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : summary(report, file, options));
      if (report.rejected + report.rejectedFields > options.allowRejects) process.exitCode = 1;
    });
  return exitTwoOnMisuse(command);
}

const EXAMPLE = `
Orders name their customer by customerExternalId, order items their order by orderExternalId; other data of a customer
goes to attributes.KEY. An empty cell leaves what is known as it is. A value that cannot be read costs its field, a key
that cannot its row; exit code 1 says that there were such.

Example:
  $ echo '{"externalId":"CustomerId","residency":"Country","postalAddress.city":"City"}' > map.json
  $ remit import customers.csv --client acme --as customers --map map.json --create-client`;

async function run(services: Services, stores: Stores, file: string, options: Options): Promise<ImportReport> {
  if (options.source !== undefined && !/^.{1,100}$/u.test(options.source)) {
    throw new CommandError('--source must have 1 to 100 characters', 2);
  }
  const text = await readFile(options.map, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(`--map ${options.map} cannot be read (${error.code}); name a file that can`, 2);
  });
  const mapping = readMapping(text, options.as, options.map);
  const { rejects, encoding, delimiter, source, strict } = options;
  const reading = { file, mapping, rejects, encoding, delimiter };
  await checkFile(reading);
  const client = await clientOf(services, options);
  const { allowErased } = options;
  if (allowErased) {
    const change = { client: client.id, principal: 'remit import', details: { allowErased } };
    await services.trail.record('ERASED_ALLOWED', change);
  }
  const target = {
    client: client.id,
    source: await stores.regions.of(client.id),
    keys: stores.keys,
    ...(allowErased ? {} : { tombstones: services.erasure.tombstones }),
  };
  const progress = progressBar(options.as);
  try {
    return await importFile(target, { ...reading, source, strict, onProgress: progress.update });
  } finally {
    progress.stop();
  }
}

async function clientOf({ clients }: Services, { client: slug, createClient }: Options): Promise<Client> {
  const client = await clients.find(slug);
  if (client) return client;
  if (createClient) {
    return clients.register({ slug, name: slug }, 'remit import').catch((error: unknown) => {
      throw error instanceof GraphQLError ? new CommandError(error.message, 2) : error;
    });
  }
  throw new CommandError(`there is no client "${slug}"; name one that exists, or add --create-client`, 2);
}

function summary(report: ImportReport, file: string, options: Options): string {
  const { read, created, updated, unchanged, rejected, rejectedFields, encoding } = report;
  const counts = `${read} ${options.as} read: ${created} created, ${updated} updated, ${unchanged} unchanged`;
  const guess =
    encoding.by === 'guess'
      ? `Read as ${encoding.name}, by likeness: where letters with accents came out wrong, say --encoding.\n`
      : '';
  if (rejected + rejectedFields === 0) return `${counts}.\n${guess}`;
  const lost = [
    ...(rejected > 0 ? [`${rejected} rejected`] : []),
    ...(rejectedFields > 0 ? [`${rejectedFields} fields left out of others`] : []),
  ];
  const where = options.rejects ?? rejectsPathOf(file);
  return `${counts}, ${lost.join(', ')}.\nLine and reason of each: ${where}\n${guess}`;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number, such as 10.');
  return Number(text);
}

function delimiterOf(text: string): string {
  if (text === 'TAB') return '\t';
  if (text.length !== 1 || /["\r\n]/.test(text)) throw new InvalidArgumentError('Write one character, or TAB.');
  return text;
}
