import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { GraphQLError } from 'graphql';
import type { Client } from '../register/client';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { checkFile, type ImportReport, importFile, rejectsPathOf } from '../subjects/import/import-file';
import { type ImportKind, importKinds, readMapping } from '../subjects/import/mapping';
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
  readonly json?: boolean;
}

/** `remit import`: takes a client's own export in. */
export function importCommand(): Command {
  const command = new Command('import')
    .description("Take a client's CSV or NDJSON file in; rows are known by their external id, so it can be run again")
    .argument('<file>', 'CSV with a header row, or NDJSON; UTF-8')
    .requiredOption('--client <slug>', 'the client whose data it is')
    .addOption(new Option('--as <kind>', 'what the rows are').choices(importKinds).makeOptionMandatory())
    .requiredOption('--map <file>', 'JSON: our field names → the columns of the file')
    .option('--create-client', 'register the client where it does not exist')
    .option('--source <name>', 'where created customers come from; "import" unless told, or mapped')
    .option('--rejects <file>', 'where rejected rows are reported; FILE.rejects.ndjson unless told')
    .option('--allow-erased', 'take in people whose erasure is on record; who does so is recorded')
    .option('--json', 'print the counts as JSON, and nothing else')
    .addHelpText('after', EXAMPLE)
    .action(async (file: string, options: Options) => {
      const report = await overStores((services, stores) => run(services, stores, file, options));
      process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : summary(report, file, options));
    });
  return exitTwoOnMisuse(command);
}

const EXAMPLE = `
Orders name their customer by customerExternalId, order items their order by orderExternalId; other data of a customer
goes to attributes.KEY. An empty cell leaves what is known as it is. Exit code 0 when done, with rejected rows too.

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
  await checkFile({ file, mapping, rejects: options.rejects });
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
    const { source, rejects } = options;
    return await importFile(target, { file, mapping, source, rejects, onProgress: progress.update });
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

function summary(
  { read, created, updated, unchanged, rejected }: ImportReport,
  file: string,
  options: Options,
): string {
  const counts = `${read} ${options.as} read: ${created} created, ${updated} updated, ${unchanged} unchanged`;
  if (rejected === 0) return `${counts}.\n`;
  const where = options.rejects ?? rejectsPathOf(file);
  return `${counts}, ${rejected} rejected.\nLine and reason of each rejected row: ${where}\n`;
}
