import { once } from 'node:events';
import Table from 'cli-table3';
import { Command } from 'commander';
import { tenantEntities } from '../entities';
import type { ExportState } from '../exports/export-state';
import { omittedTables } from '../exports/omitted';
import type { Services } from '../services';
import { tableOf } from '../tenancy/tenant-table';
import { CommandError } from './failure';
import { progressBar } from './progress';
import { selectedClients } from './selected-clients';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

/** `remit exports`: lists clients' exports, and writes one to a file. */
export function exportsCommand(): Command {
  const command = new Command('exports')
    .description('Exports of all data of a client. A server or `remit erasures run` makes them.')
    .addCommand(listCommand())
    .addCommand(writeCommand())
    .addHelpText('after', `\nExample:\n  $ remit exports write ${EXAMPLE_ID} > acme.ndjson`);
  return exitTwoOnUsageError(command);
}

const EXAMPLE_ID = '01a20904-51be-7430-898a-d3b28bc7869b';

function listCommand(): Command {
  const command = new Command('list')
    .description('List exports, oldest first')
    .option('--client <slug>', 'only this client (default: all)')
    .option('--json', 'print {"exports": […]}')
    .addHelpText('after', '\nExample:\n  $ remit exports list --client acme')
    .action(async (options: { client?: string; json?: true }) => {
      const listed = await withStores((services) => list(services, options.client));
      if (options.json) {
        process.stdout.write(`${JSON.stringify({ exports: listed })}\n`);
        return;
      }
      const head = ['client', 'export', 'status', 'requested', 'ready', 'collect by', 'collected', 'rows', 'bytes'];
      const table = new Table({ head, style: { head: [], border: [], compact: true } });
      table.push(...listed.map((each) => Object.values(each).map((value) => value ?? '')));
      process.stdout.write(listed.length === 0 ? 'There are none.\n' : `${table.toString()}\n`);
    });
  return exitTwoOnUsageError(command);
}

async function list(services: Services, reference: string | undefined) {
  const listed: Array<ReturnType<typeof lineOf>> = [];
  for await (const { id, slug } of selectedClients(services, reference)) {
    listed.push(...(await services.exports.list(id)).map((state) => lineOf(slug, state)));
  }
  return listed;
}

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

const lineOf = (client: string, state: ExportState) => ({
  client,
  id: state.id,
  status: state.status,
  requestedAt: time(state.requestedAt),
  readyAt: time(state.readyAt),
  collectBy: time(state.collectBy),
  collectedAt: time(state.collectedAt),
  rows: state.lines,
  bytes: state.bytes,
});

function writeCommand(): Command {
  const command = new Command('write')
    .description('Write an export to standard output. A complete export then counts as collected.')
    .argument('<id>', 'the export')
    .option('--table <name>', 'only the rows of one table, such as customer; does not count as collected')
    .addHelpText(
      'after',
      `\nThe last line has the number of rows. A file without it is incomplete.\n
Example:\n  $ remit exports write ${EXAMPLE_ID} > acme.ndjson`,
    )
    .action(async (id: string, { table }: { table?: string }) => {
      const known = tenantEntities.map((entity) => tableOf(entity).name).filter((name) => !omittedTables.has(name));
      if (table !== undefined && !known.includes(table)) {
        throw new CommandError(`there is no table "${table}" in an export; there are ${known.join(', ')}`, 2);
      }
      if (process.stdout.isTTY) throw new CommandError('an export is not written to a terminal: add > FILE', 2);
      await withStores((services) => write(services, id, table));
    });
  return exitTwoOnUsageError(command);
}

async function write({ exports: clientExports }: Services, id: string, table: string | undefined): Promise<void> {
  const state = await clientExports.anywhere(id);
  if (!state) throw new CommandError(`there is no export "${id}"; remit exports list names them`, 2);
  const download = await clientExports.download(state, 'remit exports');
  const progress = progressBar('export');
  let written = 0;
  const pieces = table === undefined ? download.pieces : clientExports.linesOf(download, table);
  for await (const piece of pieces) {
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
    written += piece.length;
    progress.update(written, download.bytes);
  }
  await new Promise<void>((resolve, reject) => {
    process.stdout.write('', (error) => (error ? reject(error) : resolve()));
  });
  progress.stop();
  if (table === undefined) await download.collected();
}
