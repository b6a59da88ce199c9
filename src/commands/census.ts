import Table from 'cli-table3';
import { Command } from 'commander';
import { governContracts } from '../app';
import { clientKeyEntities, tenantEntities } from '../entities';
import { SchemaPolicyError } from '../governance/govern';
import type { InventoryField } from '../inventory/declared';
import { type Inventory, takeInventory } from '../inventory/inventory';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { counted } from './counted';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

/** `remit census`: the data inventory, with its gaps. */
export function censusCommand(): Command {
  const command = new Command('census')
    .description('Make the data inventory from the schema, the entities and the databases, and name every gap in it.')
    .option('--json', 'print {"fields": […], "remains": […], "gaps": […]}')
    .addHelpText('after', '\nExit code 1 when there is a gap.\n\nExample:\n  $ remit census --json')
    .action(async ({ json }: { json?: true }) => {
      const result = await withStores(census);
      process.stdout.write(json ? `${JSON.stringify(result)}\n` : report(result));
      if (result.gaps.length > 0) process.exitCode = 1;
    });
  return exitTwoOnUsageError(command);
}

/** Makes the inventory of an installation: the whole API, every database, and the keys' store. */
export async function census(services: Services, stores: Stores): Promise<Inventory> {
  const [home, ...regional] = stores.regions.all();
  const databases = [
    ...(home ? [{ name: 'the database', store: 'data' as const, source: home }] : []),
    ...regional.map((source, place) => ({
      ...{ name: `regional database ${place + 1}`, store: 'data' as const },
      source,
    })),
    ...stores.keyStores.all().map(({ region, source }) => {
      const name = region === undefined ? "the keys' store" : `the keys' store of ${region}`;
      return { name, store: 'keys' as const, source };
    }),
  ];
  try {
    const { schemas } = governContracts(services, stores.keys, Buffer.alloc(32), () => undefined);
    return await takeInventory({ schema: schemas.api, tenants: tenantEntities, keys: clientKeyEntities, databases });
  } catch (error) {
    if (!(error instanceof SchemaPolicyError)) throw error;
    const remedy = 'correct the schema; the server does not start with it';
    return {
      fields: [],
      remains: [],
      gaps: error.message.split('\n').map((fault) => ({ at: 'schema', fault, remedy })),
    };
  }
}

function report({ fields, remains, gaps }: Inventory): string {
  const personal = fields.filter(({ personal: said }) => said);
  const table = new Table({
    head: ['table', 'field', 'column', 'category', 'purposes (≈ de-identified)', 'retention', 'erasure'],
    style: { head: [], border: [], compact: true },
  });
  table.push(...personal.map(lineOf));
  const others = fields.length - personal.length;
  const counts = [
    `${counted(personal.length, 'field')} about people, ${others} about no person.`,
    `Of an erased person something stays in ${counted(remains.length, 'table')} (docs/erasure.md): ` +
      `${remains.map(({ table: name }) => name).join(', ')}.`,
  ].join('\n');
  if (gaps.length === 0) return `${table.toString()}\n${counts}\nThere is no gap.\n`;
  const lines = gaps.map(({ at, fault, remedy }) => `✗ ${at} ${fault}\n  → ${remedy}`);
  return `${table.toString()}\n${counts}\n\n${lines.join('\n')}\n\n${counted(gaps.length, 'gap')}.\n`;
}

function lineOf({ table, columns, field, personal }: InventoryField): string[] {
  if (!personal) return [];
  const { category, purposes, deidentified, retention, erasure } = personal;
  const readers = [...purposes, ...deidentified.map((purpose) => `≈${purpose}`)];
  const column = columns.length > 0 ? columns.join(', ') : 'computed';
  return [table, field, column, category, readers.join(' '), retention, erasure];
}
