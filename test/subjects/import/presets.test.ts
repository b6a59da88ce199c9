import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '../../../src/register/client';
import { type ImportOptions, importFile } from '../../../src/subjects/import/import-file';
import type { ImportReport } from '../../../src/subjects/import/import-report';
import type { ImportKind } from '../../../src/subjects/import/kinds';
import { presetMapping } from '../../../src/subjects/import/presets/preset-mapping';
import { describePreset, presets } from '../../../src/subjects/import/presets/presets';
import { recordedImport } from '../../../src/subjects/import/recorded-import';
import { openSourceFile } from '../../../src/subjects/import/source-file';
import { openTestApp, type TestApp } from '../../support/app';
import { databases, type TestDatabase } from '../../support/databases';

const samples = join(__dirname, 'samples');

/** Each sample: the product, the file, what its rows are, and how many were created, left out and rejected. */
const imports: ReadonlyArray<readonly [string, string, ImportKind, Partial<ImportReport>]> = [
  ['hubspot', 'hubspot-contacts.csv', 'customers', { created: 3, rejectedFields: 2, unmapped: ['Contact owner'] }],
  ['hubspot', 'hubspot-deals.csv', 'orders', { created: 1, rejected: 1 }],
  ['hubspot', 'hubspot-tickets.csv', 'conversations', { created: 1 }],
  ['hubspot', 'hubspot-tickets.csv', 'messages', { created: 1 }],
  ['salesforce', 'salesforce-contacts.csv', 'customers', { created: 2 }],
  ['salesforce', 'salesforce-orders.csv', 'orders', { created: 1 }],
  ['salesforce', 'salesforce-order-items.csv', 'order-items', { created: 1 }],
  ['salesforce', 'salesforce-cases.csv', 'conversations', { created: 1 }],
  ['salesforce', 'salesforce-cases.csv', 'messages', { created: 1 }],
  ['zendesk', 'zendesk-users.ndjson', 'customers', { created: 1, skipped: 1 }],
  ['zendesk', 'zendesk-tickets.ndjson', 'conversations', { created: 1, rejected: 1 }],
  ['zendesk', 'zendesk-tickets.ndjson', 'messages', { created: 1, rejected: 1 }],
  ['shopify', 'shopify-customers.csv', 'customers', { created: 2 }],
  ['shopify', 'shopify-orders.csv', 'orders', { created: 1, unchanged: 1, rejected: 1 }],
  ['shopify', 'shopify-orders.csv', 'order-items', { created: 2, rejected: 1 }],
  ['woocommerce', 'woocommerce-customers.csv', 'customers', { created: 2 }],
  ['woocommerce', 'woocommerce-orders.csv', 'orders', { created: 1, unchanged: 1 }],
  ['woocommerce', 'woocommerce-orders.csv', 'order-items', { created: 2 }],
  ['chinook', 'chinook-customers.csv', 'customers', { created: 1 }],
  ['chinook', 'chinook-invoices.csv', 'orders', { created: 1 }],
  ['chinook', 'chinook-invoice-lines.csv', 'order-items', { created: 2 }],
];

test('every kind of every preset has a sample, and every sample a preset', () => {
  const known = Object.entries(presets).flatMap(([name, { kinds }]) =>
    Object.keys(kinds).map((kind) => `${name} ${kind}`),
  );
  expect(imports.map(([name, , kind]) => `${name} ${kind}`).sort()).toEqual(known.sort());
  expect([...new Set(imports.map(([, file]) => file))].sort()).toEqual(readdirSync(samples).sort());
});

test('what a preset takes is said by the documentation as by --help', () => {
  const text = readFileSync(join(__dirname, '../../../docs/imports.md'), 'utf8');
  for (const name of Object.keys(presets)) expect(text).toContain(describePreset(name));
});

describe.each(databases)('exports of CRMs and shops on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let folder: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    folder = mkdtempSync(join(tmpdir(), 'remit-presets-'));
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const clientOf = async (slug: string): Promise<Client> =>
    (await app.services.clients.find(slug)) ?? app.services.clients.register({ slug, name: slug }, 'test');
  async function optionsOf(preset: string, file: string, kind: ImportKind): Promise<ImportOptions> {
    const opened = await openSourceFile(join(samples, file));
    const mapping = await presetMapping(opened, preset, kind, {});
    return { file: join(samples, file), opened, mapping, rejects: join(folder, 'rejects'), source: preset };
  }
  async function targetOf(slug: string) {
    const { id } = await clientOf(slug);
    return { client: id, source: await app.stores.regions.of(id), keys: app.stores.keys };
  }
  const ask = async (slug: string, document: string) => {
    const result = await app.ask({ role: 'CLIENT_AGENT', client: slug }, 'SUPPORT', document);
    expect(result.errors).toBeUndefined();
    return result.data;
  };

  test.each(imports)('%s: %s as %s; said before it is done, and nothing new the second time', async (...row) => {
    const [preset, file, kind, expected] = row;
    const options = await optionsOf(preset, file, kind);
    const target = await targetOf(preset);
    const counts = { created: 0, updated: 0, unchanged: 0, rejected: 0, rejectedFields: 0, skipped: 0, ...expected };
    expect(await importFile({ ...target, isDryRun: true }, options)).toMatchObject(counts);
    const record = { recorder: app.services.recorder, principal: 'test', preset };
    const report = await recordedImport(target, options, record);
    expect(report).toMatchObject(counts);
    const again = await importFile(target, options);
    expect(again).toMatchObject({ ...expected, created: 0, unchanged: counts.created + counts.unchanged });
  });

  test('HubSpot: neighbouring ids are two people, and a ticket keeps its quotes and lines', async () => {
    const document = `{ customerLookup(by: { externalId: "1152921504606846977" }) { firstName lastName residency createdAt source
      conversations { nodes { channel subject messages { nodes { sentAt direction body } } } } } }`;
    expect(await ask('hubspot', document)).toEqual({
      customerLookup: {
        firstName: 'Bob',
        lastName: 'Null',
        residency: 'DE',
        createdAt: '2021-03-05T09:00:00.000Z',
        source: 'hubspot',
        conversations: {
          nodes: [
            {
              channel: 'Email',
              subject: 'Where is it',
              messages: {
                nodes: [
                  {
                    sentAt: '2021-05-01T08:30:00.000Z',
                    direction: 'INBOUND',
                    body: 'It said "Tuesday",\nand it is Friday.',
                  },
                ],
              },
            },
          ],
        },
      },
    });
  });

  test('Shopify: one order of two like lines, found by its e-mail', async () => {
    const document = `{ customerLookup(by: { email: "ada@example.org" }) { externalId phone postalAddress { postalCode }
      orders { nodes { placedAt total currency status items { name quantity unitPrice } } } } }`;
    const line = { name: 'Tea - 250 g', quantity: 1, unitPrice: 20.25 };
    expect(await ask('shopify', document)).toEqual({
      customerLookup: {
        externalId: '6240987123456789',
        phone: '+442079460001',
        postalAddress: { postalCode: '01234' },
        orders: {
          nodes: [
            { placedAt: '2021-04-01T15:11:10.000Z', total: 45.5, currency: 'GBP', status: 'paid', items: [line, line] },
          ],
        },
      },
    });
  });

  test('an import is in the ledger, and its rows name it', async () => {
    const { id } = await clientOf('chinook');
    const options = await optionsOf('chinook', 'chinook-customers.csv', 'customers');
    const [row] = await app.stores.regions.home.query<Array<{ import_id: string }>>(
      'SELECT import_id FROM customer WHERE client_id = ?',
      [id],
    );
    const report = await recordedImport(await targetOf('chinook'), options, {
      recorder: app.services.recorder,
      principal: 'ops',
      preset: 'chinook',
    });
    const entries = (await app.services.auditReader.entries(id, {}, 200, undefined)).reverse();
    const started = entries.filter(({ kind }) => kind === 'IMPORT_STARTED');
    expect(started.map(({ id: entry }) => entry)).toEqual(expect.arrayContaining([row?.import_id, report.importId]));
    expect(started.at(-1)).toMatchObject({
      details: { kind: 'customers', preset: 'chinook', digest: report.digest, encoding: 'utf-8' },
    });
    expect(entries.filter(({ kind }) => kind === 'IMPORT').at(-1)).toMatchObject({
      details: { import: report.importId, complete: true, read: 1, created: 0, unchanged: 1, rejected: 0 },
    });
  });

  test('what is nobody’s export of a product, or has no key, is refused by name', async () => {
    const opened = await openSourceFile(join(samples, 'shopify-orders.csv'));
    await expect(presetMapping(opened, 'hubspot', 'customers', {})).rejects.toThrow(
      'the file has none of the columns "Record ID"',
    );
    await expect(presetMapping(opened, 'chinook', 'messages', {})).rejects.toThrow(
      'the Chinook sample database has no messages that are known; there are customers, orders, order-items',
    );
  });
});
