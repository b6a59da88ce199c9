import Table from 'cli-table3';
import { Command } from 'commander';
import { governContracts } from '../app';
import { tenantEntities } from '../entities';
import { SchemaPolicyError } from '../governance/govern';
import type { Services } from '../services';
import { type Census, takeCensus } from '../storage/census';
import type { CensusField } from '../storage/census-declared';
import type { Stores } from '../stores';
import { exitTwoOnMisuse } from './misuse';
import { overStores } from './over-stores';

/** `remit census`: what is kept of people, and what of it nobody accounts for. */
export function censusCommand(): Command {
  const command = new Command('census')
    .description(
      'Compare the schema, the entities and the live databases: is every datum about a person accounted for?',
    )
    .option('--json', 'print {"fields": […], "shortfalls": […]}')
    .addHelpText('after', '\nExit code 1 when something falls short.\n\nExample:\n  $ remit census --json')
    .action(async ({ json }: { json?: true }) => {
      const result = await overStores(census);
      process.stdout.write(json ? `${JSON.stringify(result)}\n` : report(result));
      if (result.shortfalls.length > 0) process.exitCode = 1;
    });
  return exitTwoOnMisuse(command);
}

/** Takes the census of an installation: the whole API, every database of its data, and the keys' store. */
export async function census(services: Services, stores: Stores): Promise<Census> {
  const [home, ...regional] = stores.regions.all();
  const databases = [
    ...(home ? [{ name: 'the database', source: home }] : []),
    ...regional.map((source, place) => ({ name: `regional database ${place + 1}`, source })),
    { name: "the keys' store", source: stores.keysSource },
  ];
  try {
    const { schemas } = governContracts(services, stores.keys, Buffer.alloc(32), () => undefined);
    return await takeCensus({ schema: schemas.api, tenants: tenantEntities, databases });
  } catch (error) {
    if (!(error instanceof SchemaPolicyError)) throw error;
    const mend = 'mend the schema; the server refuses to start with it';
    return { fields: [], shortfalls: error.message.split('\n').map((fault) => ({ at: 'schema', fault, mend })) };
  }
}

function report({ fields, shortfalls }: Census): string {
  const personal = fields.filter(({ personal: said }) => said);
  const table = new Table({
    head: ['table', 'field', 'column', 'category', 'purposes (≈ de-identified)', 'retention', 'erasure'],
    style: { head: [], border: [], compact: true },
  });
  table.push(...personal.map(lineOf));
  const counts = `${personal.length} fields about people, ${fields.length - personal.length} that say nothing of one.`;
  if (shortfalls.length === 0) return `${table.toString()}\n${counts}\nNothing falls short.\n`;
  const lines = shortfalls.map(({ at, fault, mend }) => `✗ ${at} ${fault}\n  → ${mend}`);
  return `${table.toString()}\n${counts}\n\n${lines.join('\n')}\n\n${shortfalls.length} fall short.\n`;
}

function lineOf({ table, columns, field, personal }: CensusField): string[] {
  if (!personal) return [];
  const { category, purposes, deidentified, retention, erasure } = personal;
  const readers = [...purposes, ...deidentified.map((purpose) => `≈${purpose}`)];
  const column = columns.length > 0 ? columns.join(', ') : 'computed';
  return [table, field, column, category, readers.join(' '), retention, erasure];
}
