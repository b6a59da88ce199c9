import { Command, InvalidArgumentError } from 'commander';
import { readConfig } from '../config';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { CommandError } from './failure';
import { exitTwoOnMisuse } from './misuse';
import { overStores } from './over-stores';
import { progressBar } from './progress';
import { sampleCountries } from './seed/countries';
import { clientName } from './seed/words';
import { type SeededClient, seedClient } from './seed-data';

interface Options {
  readonly customers: number;
  readonly clients: number;
  readonly json?: true;
}

/** Keeps sample clients apart from real ones, whatever these are called. */
const PREFIX = 'sample-';

/** `remit seed`: sample clients and customers, the same for the same arguments. */
export function seedCommand(): Command {
  const command = new Command('seed')
    .description('Make sample clients with customers, orders, correspondence and health records. Run again, it adds')
    .requiredOption('--customers <number>', 'how many customers, over all clients together', wholeNumber(10_000_000))
    .option('--clients <number>', 'how many clients', wholeNumber(10_000), 2)
    .option('--json', 'print {"clients": […], "created", "existing"}')
    .addHelpText(
      'after',
      '\nEvery second client has a HIPAA agreement.\n\nExample:\n  $ remit seed --customers 1000 --clients 3',
    )
    .action(async (options: Options) => {
      if (readConfig(process.env).production) {
        throw new CommandError('sample data is not made in production: NODE_ENV says that real people are kept here');
      }
      const seeded = await overStores((services, stores) => seed(services, stores, options));
      process.stdout.write(options.json ? `${JSON.stringify(totals(seeded))}\n` : summary(seeded));
    });
  return exitTwoOnMisuse(command);
}

/** Makes the sample clients of numbers 0 to `clients` − 1, and shares the customers out among them. */
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
    const made = `${created} customers made with ${orders} orders and ${healthRecords} health records`;
    return `${slug} (${country}, ${agreement} a HIPAA agreement): ${made}, ${existing} there already`;
  });
  const { created, existing } = totals(clients);
  return `${lines.join('\n')}\n${created} customers made, ${existing} there already.\n`;
}

function wholeNumber(limit: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^[1-9]\d*$/.test(text) && number <= limit) return number;
    throw new InvalidArgumentError(`Write a whole number from 1 to ${limit}.`);
  };
}
