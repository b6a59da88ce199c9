import { Command, InvalidArgumentError } from 'commander';
import { readConfig } from '../config';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { counted } from './counted';
import { CommandError } from './failure';
import { progressBar } from './progress';
import { sampleCountries } from './seed/countries';
import { clientName } from './seed/words';
import { type SeededClient, seedClient } from './seed-data';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

interface Options {
  readonly customers: number;
  readonly clients: number;
  readonly json?: true;
}

/** Separates the slugs of sample clients from real ones. */
const PREFIX = 'sample-';

/** `remit seed`: makes sample clients and customers. The same arguments make the same data. */
export function seedCommand(): Command {
  const command = new Command('seed')
    .description(
      'Make sample clients with customers, orders, correspondence and health records. A second run adds what is ' +
        'missing.',
    )
    .requiredOption('--customers <number>', 'how many customers, for all clients together', wholeNumber(10_000_000))
    .option('--clients <number>', 'how many clients', wholeNumber(10_000), 2)
    .option('--json', 'print {"clients": […], "created", "existing"}')
    .addHelpText(
      'after',
      '\nEvery second client has a HIPAA agreement.\n\nExample:\n  $ remit seed --customers 1000 --clients 3',
    )
    .action(async (options: Options) => {
      if (readConfig(process.env).production) {
        throw new CommandError(
          'sample data is refused in production, where the data of real people is kept; unset NODE_ENV',
        );
      }
      const seeded = await withStores((services, stores) => seed(services, stores, options));
      process.stdout.write(options.json ? `${JSON.stringify(totals(seeded))}\n` : summary(seeded));
    });
  return exitTwoOnUsageError(command);
}

/** Makes the sample clients with numbers 0 to `clients` − 1, each with its share of the customers. */
export async function seed(
  services: Services,
  stores: Stores,
  { customers, clients }: Pick<Options, 'customers' | 'clients'>,
): Promise<SeededClient[]> {
  const progress = progressBar('customers');
  const seeded: SeededClient[] = [];
  let done = 0;
  try {
    for (let number = 0; number < clients; number++) {
      const name = clientName(number);
      seeded.push(
        await seedClient(services, stores, {
          slug: PREFIX + name.toLowerCase().replaceAll(' ', '-'),
          name,
          country: sampleCountries[number % sampleCountries.length]?.code ?? 'DE',
          customers: Math.floor(customers / clients) + (number < customers % clients ? 1 : 0),
          healthAgreement: number % 2 === 0,
          onProgress: (batch) => {
            done += batch;
            progress.update(done, customers);
          },
        }),
      );
    }
  } finally {
    progress.stop();
  }
  return seeded;
}

function totals(clients: readonly SeededClient[]) {
  const sum = (pick: (client: SeededClient) => number) => clients.reduce((total, client) => total + pick(client), 0);
  return { clients, created: sum(({ created }) => created), existing: sum(({ existing }) => existing) };
}

function summary(clients: readonly SeededClient[]): string {
  const lines = clients.map(({ slug, country, healthAgreement, created, existing, orders, healthRecords }) => {
    const agreement = healthAgreement ? 'with' : 'without';
    const made =
      `${counted(created, 'customer')} made with ` +
      `${counted(orders, 'order')} and ${counted(healthRecords, 'health record')}`;
    return `${slug} (${country}, ${agreement} a HIPAA agreement): ${made}, ${existing} there already`;
  });
  const { created, existing } = totals(clients);
  return `${lines.join('\n')}\n${counted(created, 'customer')} made, ${existing} there already.\n`;
}

function wholeNumber(limit: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^[1-9]\d*$/.test(text) && number <= limit) return number;
    throw new InvalidArgumentError(`Write a whole number from 1 to ${limit}.`);
  };
}
