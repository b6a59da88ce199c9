import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { type UndeliveredNotice, undeliveredNotices, undeliveredStates } from '../register/webhooks/undelivered';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { counted } from './counted';
import { wholeNumber } from './numbers';
import { selectedClients } from './selected-clients';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

/** `remit webhooks`: notices that did not reach their recipients. */
export function webhooksCommand(): Command {
  const command = new Command('webhooks')
    .description('Notices to recipients and clients: which did not arrive, and how to send them again.')
    .addCommand(listCommand())
    .addCommand(reviveCommand())
    .addHelpText('after', '\nExample:\n  $ remit webhooks revive --client acme');
  return exitTwoOnUsageError(command);
}

interface ListOptions {
  readonly client?: string;
  readonly status: UndeliveredNotice['status'];
  readonly limit: number;
  readonly json?: true;
}

function listCommand(): Command {
  const command = new Command('list')
    .description('List notices that did not arrive, newest first')
    .option('--client <slug>', 'only this client (default: all)')
    .addOption(new Option('--status <status>', 'in this state').choices(undeliveredStates).default('DEAD'))
    .option('--limit <number>', 'at most this many for each client', wholeNumber, 100)
    .option('--json', 'print {"notices": […]}')
    .addHelpText('after', '\nExample:\n  $ remit webhooks list --status NO_ENDPOINT')
    .action(async (options: ListOptions) => {
      const notices = await withStores((services, stores) => list(services, stores, options));
      if (options.json) return print({ notices });
      const head = ['client', 'event', 'reference', 'recipient', 'attempts', 'fault', 'since'];
      const table = new Table({ head, style: { head: [], border: [] } });
      table.push(
        ...notices.map(({ client, event, reference, recipient, attempts, fault, at }) => [
          client,
          event,
          reference,
          recipient,
          attempts,
          fault ?? '',
          at,
        ]),
      );
      process.stdout.write(notices.length === 0 ? 'There are none.\n' : `${table.toString()}\n`);
    });
  return exitTwoOnUsageError(command);
}

async function list(services: Services, { regions }: Stores, { client: reference, status, limit }: ListOptions) {
  const notices: Array<Omit<UndeliveredNotice, 'at'> & { client: string; at: string }> = [];
  for await (const { id, slug } of selectedClients(services, reference)) {
    const found = await undeliveredNotices(await regions.of(id), id, status, limit);
    notices.push(...found.map((notice) => ({ client: slug, ...notice, at: new Date(notice.at).toISOString() })));
  }
  return notices;
}

interface ReviveOptions {
  readonly client?: string;
  readonly reference?: string;
  readonly json?: true;
}

function reviveCommand(): Command {
  const command = new Command('revive')
    .description('Queue notices again that were given up, or whose recipient had no endpoint and has one now')
    .option('--client <slug>', 'only of this client (default: all)')
    .option('--reference <id>', 'only about this erasure request or notice')
    .option('--json', 'print {"queued","left"}')
    .addHelpText('after', '\nA running server sends them.\n\nExample:\n  $ remit webhooks revive --client acme')
    .action(async (options: ReviveOptions) => {
      const { queued, left } = await withStores((services, stores) => revive(services, stores, options));
      if (options.json) return print({ queued, left });
      const rest = left === 0 ? '' : ` Still given up: ${left}, whose recipients have no endpoint any more.`;
      process.stdout.write(`${counted(queued, 'notice')} queued again.${rest}\n`);
    });
  return exitTwoOnUsageError(command);
}

/** @returns how many are queued again, and how many remain that were given up */
async function revive(services: Services, { regions }: Stores, { client: only, reference }: ReviveOptions) {
  let [queued, left] = [0, 0];
  for await (const { id } of selectedClients(services, only)) {
    queued += await services.webhooks.revive(id, reference);
    const remaining = await undeliveredNotices(await regions.of(id), id, 'DEAD', MOST_COUNTED);
    left += remaining.filter((notice) => reference === undefined || notice.reference === reference).length;
  }
  return { queued, left };
}

/** Of one client. */
const MOST_COUNTED = 10_000;

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
