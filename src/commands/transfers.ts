import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { allCategories, allPurposes, type DataCategory, type ProcessingPurpose } from '../governance/vocabulary';
import { type RecipientKind, recipientKinds } from '../identity/recipient';
import { DAY_MS } from '../law/calendar';
import type { Client } from '../register/client';
import type { Services } from '../services';
import { type Assessment, assess } from '../transfers/assessment';
import { presented } from '../transfers/presented-approval';
import { windowOf } from '../transfers/suspensions';
import type { TransferApproval } from '../transfers/transfer-approval';
import { collect, country, purpose } from './caller-options';
import { CommandError } from './failure';
import { moment } from './moments';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

const PAGE = 500;
const style = { head: [], border: [] };

/** `remit transfers`: lists approvals, those that end soon, and whether a transfer is lawful. */
export function transfersCommand(): Command {
  const command = new Command('transfers')
    .description("Transfers of personal data to other countries: clients' approvals and the law.")
    .addCommand(listCommand())
    .addCommand(assessCommand())
    .addCommand(expiringCommand())
    .addHelpText('after', '\nExample:\n  $ remit transfers assess --from DE --to US --recipient SUB_PROCESSOR:mailer');
  return exitTwoOnUsageError(command);
}

interface ListOptions {
  readonly client?: string;
  readonly json?: true;
}

function listCommand(): Command {
  const command = new Command('list')
    .description('List transfer approvals')
    .option('--client <slug>', 'only this client (default: all)')
    .option('--json', 'print {"approvals": […]}')
    .addHelpText('after', '\nExample:\n  $ remit transfers list --client acme')
    .action(async (options: ListOptions) => {
      print(await withStores((services) => approvalsOf(services, options.client)), options);
    });
  return exitTwoOnUsageError(command);
}

function expiringCommand(): Command {
  const command = new Command('expiring')
    .description('List approvals that end soon, earliest first')
    .option('--within <days>', 'end within this many days', days, 30)
    .option('--client <slug>', 'only this client (default: all)')
    .option('--json', 'print {"approvals": […]}')
    .addHelpText('after', '\nExample:\n  $ remit transfers expiring --within 90')
    .action(async (options: ListOptions & { readonly within: number }) => {
      const all = await withStores((services) => approvalsOf(services, options.client));
      const until = Date.now() + options.within * DAY_MS;
      const ending = all
        .filter(({ state }) => state === 'ACTIVE' || state === 'APPROVED' || state === 'SUSPENDED')
        .filter(({ validUntil }) => validUntil !== null && validUntil.getTime() <= until)
        .sort((a, b) => Number(a.validUntil) - Number(b.validUntil));
      print(ending, options);
    });
  return exitTwoOnUsageError(command);
}

interface AssessOptions {
  readonly from: string;
  readonly to: string;
  readonly recipient: { readonly kind: RecipientKind; readonly id: string | undefined };
  readonly category?: readonly DataCategory[];
  readonly purpose?: readonly ProcessingPurpose[];
  readonly client?: string;
  readonly at?: Date;
  readonly json?: true;
}

function assessCommand(): Command {
  const kinds = Object.keys(recipientKinds).join(', ');
  const command = new Command('assess')
    .description('Show whether a transfer is lawful, on what basis, and what is missing')
    .requiredOption('--from <country>', 'the country whose law covers the people, ISO 3166-1 alpha-2', country)
    .requiredOption('--to <country>', 'the country where the data is read', country)
    .requiredOption('--recipient <kind[:id]>', `who reads: ${kinds}; with the id or slug of a third party`, recipient)
    .option('--category <category>', 'a category that is read; repeat for more (default: all)', collect(category))
    .option('--purpose <purpose>', 'a purpose; repeat for more (default: all)', collect(purpose))
    .option('--client <slug>', 'also use the approvals of this client (default: only the law)')
    .option('--at <time>', 'a past or future day, such as 2031-12-28 (default: now)', moment)
    .option('--json', 'print the assessment')
    .addHelpText(
      'after',
      '\nExit code 1 when it is not lawful.\n\nExample:\n  $ remit transfers assess --from DE --to GB ' +
        '--recipient PLATFORM --at 2031-12-28',
    )
    .action(async (options: AssessOptions) => {
      const found = await withStores((services) => assessment(services, options));
      process.stdout.write(options.json ? `${JSON.stringify(found)}\n` : report(options, found));
      if (!found.lawful) process.exitCode = 1;
    });
  return exitTwoOnUsageError(command);
}

async function assessment({ transfers, clients }: Services, options: AssessOptions): Promise<Assessment> {
  const { law, recipients, store, suspensions } = transfers;
  const client = options.client === undefined ? undefined : await clientNamed(clients, options.client);
  const { reference } = await recipients.find(options.recipient.kind, options.recipient.id, client?.id);
  const question = {
    from: options.from,
    to: options.to,
    reference,
    recipient: await recipients.asRecipient(reference, options.to),
    categories: options.category ?? allCategories,
    purposes: options.purpose ?? allPurposes,
    at: options.at?.getTime() ?? Date.now(),
  };
  const approvals = client ? await store.all(client.id) : [];
  return assess(law, question, approvals, (await suspensions.list()).map(windowOf));
}

function report({ from, to }: AssessOptions, found: Assessment): string {
  const lines = [
    `${from} → ${to}: ${found.lawful ? 'lawful' : 'not lawful'}`,
    found.lawful ? `basis: ${found.basis}, ${found.article}` : `forbidden by: ${found.article}`,
    ...(found.source === null ? [] : [`source: ${found.source}`]),
    ...found.approvals.map((id) => `approval: ${id}`),
    ...found.missing.map((what) => `missing: ${what}`),
  ];
  return `${lines.join('\n')}\n`;
}

type Listed = TransferApproval & { readonly client: string };

async function approvalsOf({ clients, transfers }: Services, slug: string | undefined): Promise<Listed[]> {
  const { law, store } = transfers;
  const suspensions = (await transfers.suspensions.list()).map(windowOf);
  const listed: Listed[] = [];
  const add = async (client: Client) => {
    for (const approval of await store.all(client.id)) {
      listed.push({ ...presented(law, approval, suspensions, Date.now()), client: client.slug });
    }
  };
  if (slug !== undefined) {
    await add(await clientNamed(clients, slug));
    return listed;
  }
  for (let after: string | undefined; ; ) {
    const page = await clients.list(PAGE, after);
    for (const client of page) await add(client);
    after = page.at(-1)?.id;
    if (page.length < PAGE) return listed;
  }
}

async function clientNamed(clients: Services['clients'], slug: string): Promise<Client> {
  const client = await clients.find(slug);
  if (!client) throw new CommandError(`there is no client "${slug}"`);
  return client;
}

function print(approvals: readonly Listed[], { json }: { readonly json?: true }): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ approvals })}\n`);
    return;
  }
  if (approvals.length === 0) {
    process.stdout.write('There are none.\n');
    return;
  }
  const table = new Table({ head: ['client', 'approval', 'to', 'mechanism', 'purposes', 'state', 'until'], style });
  for (const one of approvals) {
    const to = `${one.recipientKind} in ${one.destinationCountry}`;
    const until = one.validUntil?.toISOString().slice(0, 10) ?? 'until revoked';
    table.push([one.client, one.id, to, one.mechanism, one.purposes.join('\n'), one.state, until]);
  }
  process.stdout.write(`${table.toString()}\n`);
}

function recipient(text: string): AssessOptions['recipient'] {
  const [name = '', id] = text.split(':', 2);
  const kind = (Object.keys(recipientKinds) as RecipientKind[]).find((known) => known === name);
  if (!kind) throw new InvalidArgumentError(`Recipients are ${Object.keys(recipientKinds).join(', ')}.`);
  return { kind, id };
}

function category(text: string): DataCategory {
  const known = allCategories.find((name) => name === text);
  if (!known) throw new InvalidArgumentError(`Categories are ${allCategories.join(', ')}.`);
  return known;
}

function days(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('Write a number of days, such as 30.');
  return Number(text);
}
