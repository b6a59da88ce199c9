import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Client } from '../../src/register/client';
import { ImportUsageError } from '../../src/subjects/import/errors';
import { type ImportOptions, importFile } from '../../src/subjects/import/import-file';
import type { ImportReport } from '../../src/subjects/import/import-report';
import type { ImportKind } from '../../src/subjects/import/kinds';
import { readMapping } from '../../src/subjects/import/mapping';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { openBorders } from '../support/open-borders';
import { chinook, chinookMaps } from './chinook';

type Counts = Pick<ImportReport, 'read' | 'created' | 'updated' | 'unchanged' | 'rejected' | 'rejectedFields'>;

const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
const map = { externalId: 'id', firstName: 'first', email: 'mail', residency: 'country', 'attributes.plan': 'plan' };

describe.each(databases)('remit import on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: Client;
  let folder: string;

  beforeEach(async () => {
    database = await create();
    app = await openTestApp(database);
    client = await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test');
    await openBorders(app, 'acme', 'AR', 'AU', 'BR', 'CA', 'CL', 'IN', 'KR');
    folder = mkdtempSync(join(tmpdir(), 'remit-import-'));
  });
  afterEach(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (file: string, text: string): string => {
    writeFileSync(join(folder, file), text);
    return join(folder, file);
  };
  const take = async (
    file: string,
    kind: ImportKind,
    mapping: object,
    options: Partial<ImportOptions> = {},
  ): Promise<Counts> => {
    const target = { client: client.id, source: await app.stores.regions.of(client.id), keys: app.stores.keys };
    const rejects = join(folder, 'rejects.ndjson');
    const read = readMapping(JSON.stringify(mapping), kind, 'map.json');
    const report = await importFile(target, { file, mapping: read, rejects, ...options });
    expect(report).toMatchObject({ encoding: { name: 'utf-8' }, skipped: 0 });
    const { created, updated, unchanged, rejected, rejectedFields } = report;
    return { read: report.read, created, updated, unchanged, rejected, rejectedFields };
  };
  const rejected = (): unknown[] => {
    const text = readFileSync(join(folder, 'rejects.ndjson'), 'utf8');
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  const read = async (document: string): Promise<unknown> => {
    const result = await app.ask(agent, 'SUPPORT', document);
    expect(result.errors).toBeUndefined();
    return result.data;
  };
  const byExternalId = (id: string, fields: string) =>
    read(`{ customerLookup(by: { externalId: "${id}" }) { ${fields} } }`);

  test('takes all of Chinook in, and nothing the second time', async () => {
    const files = chinook();
    if (!files) return;
    const counts: object[] = [];
    for (let run = 0; run < 2; run++) {
      counts.push(await take(files.customers, 'customers', chinookMaps.customers));
      counts.push(await take(files.invoices, 'orders', chinookMaps.orders));
      counts.push(await take(files.lines, 'order-items', chinookMaps.items));
    }
    const report = (total: number, kind: 'created' | 'unchanged') => ({
      read: total,
      created: 0,
      updated: 0,
      unchanged: 0,
      rejected: 0,
      rejectedFields: 0,
      [kind]: total,
    });
    expect(counts).toEqual([
      report(59, 'created'),
      report(412, 'created'),
      report(2240, 'created'),
      report(59, 'unchanged'),
      report(412, 'unchanged'),
      report(2240, 'unchanged'),
    ]);
    expect(existsSync(join(folder, 'rejects.ndjson'))).toBe(false);

    const everyone = '{ customers(first: 100) { nodes { firstName lastName residency } } }';
    const support = await app.ask(agent, 'SUPPORT', everyone);
    const { nodes } = (support.data as { customers: { nodes: Array<Record<string, unknown>> } }).customers;
    expect(nodes).toHaveLength(59);
    expect(nodes[1]).toEqual({ firstName: 'Leonie', lastName: 'Köhler', residency: 'DE' });
    expect(new Set(nodes.map(({ residency }) => residency)).size).toBe(24);
    const improvement = await app.ask(agent, 'IMPROVEMENT', everyone);
    const masked = (improvement.data as { customers: { nodes: Array<Record<string, unknown>> } }).customers.nodes;
    expect(masked).toHaveLength(59);
    expect(masked.every(({ firstName, lastName }) => firstName === null && lastName === null)).toBe(true);

    const orders = await read(
      '{ customerLookup(by: { externalId: "2" }) { orders(first: 2) { nodes { placedAt total items { name quantity unitPrice } } } } }',
    );
    expect(orders).toEqual({
      customerLookup: {
        orders: {
          nodes: [
            expect.objectContaining({ placedAt: '2024-07-13T00:00:00.000Z', total: 0.99 }),
            expect.objectContaining({ placedAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/) }),
          ],
        },
      },
    });

    if (name !== 'SQLite') return;
    await app.stores.regions.home.query('PRAGMA wal_checkpoint');
    const store = dirname(database.databaseUrl.slice('sqlite:'.length));
    const bytes = readdirSync(store).map((file) => readFileSync(join(store, file)));
    expect(bytes.length).toBeGreaterThanOrEqual(2);
    const emails = [...readFileSync(files.customers, 'utf8').matchAll(/[^,\s]+@[^,\s]+/g)].map(([found]) => found);
    expect(emails).toHaveLength(59);
    for (const email of emails) expect(bytes.some((content) => content.includes(email))).toBe(false);
  });

  const badRows = [
    'id,first,mail,country,plan', // 1
    '1,Ada,ada@example.org,United Kingdom,gold',
    ',Nobody,nobody@example.org,USA,', // 3
    '2,Bob,not-an-address,USA,',
    '3,"Cy\nrus",cyrus@example.org,Atlantis,', // 5 and 6
    '4,Dora,dora@example.org',
    '7,Gus,gus@example.org,Czech Republic,"a ""quoted"" plan"', // 8
    '5,"Eve" x,eve@example.org,FR,',
    '', // 10
    `6,${'F'.repeat(1001)},f@example.org,FR,`,
    '8,"Hal,hal@example.org,FR,', // 12
    '9,Ida,ida@example.org,KR,',
  ];

  test('a bad row is rejected by line and reason, a bad field costs itself, and nothing of them is repeated', async () => {
    const report = await take(write('people.csv', `\uFEFF${badRows.join('\r\n')}\r\n`), 'customers', map);
    expect(report).toEqual({ read: 10, created: 7, updated: 0, unchanged: 0, rejected: 3, rejectedFields: 3 });
    expect(rejected()).toEqual([
      { line: 3, reason: 'is missing', field: 'externalId' },
      { line: 4, reason: expect.stringContaining('e-mail'), field: 'email' },
      { line: 5, reason: expect.stringContaining('country'), field: 'residency' },
      { line: 9, reason: expect.stringContaining('quote') },
      { line: 11, reason: expect.stringContaining('longer than 1000'), field: 'firstName' },
      { line: 12, reason: expect.stringContaining('quote') },
    ]);
    const text = readFileSync(join(folder, 'rejects.ndjson'), 'utf8');
    for (const value of ['Nobody', 'not-an-address', 'Atlantis', 'Dora', 'Eve', 'FFFF', 'Hal']) {
      expect(text).not.toContain(value);
    }
    expect(await byExternalId('7', 'firstName residency attributes { key value }')).toEqual({
      customerLookup: { firstName: 'Gus', residency: 'CZ', attributes: [{ key: 'plan', value: 'a "quoted" plan' }] },
    });
    expect(await byExternalId('9', 'firstName residency source')).toEqual({
      customerLookup: { firstName: 'Ida', residency: 'KR', source: 'import' },
    });

    expect(await byExternalId('2', 'firstName email')).toEqual({
      customerLookup: { firstName: 'Bob', email: null },
    });
    expect(await byExternalId('3', 'firstName residency')).toEqual({
      customerLookup: { firstName: 'Cy\nrus', residency: null },
    });

    await take(write('people.csv', `${badRows[0]}\n${badRows[1]}\n`), 'customers', map);
    expect(existsSync(join(folder, 'rejects.ndjson'))).toBe(false);
  });

  test('--strict: a field that cannot be read costs its row', async () => {
    const file = write('people.csv', `${badRows.slice(0, 5).join('\n')}\n`);
    expect(await take(file, 'customers', map, { strict: true })).toEqual({
      read: 4,
      created: 1,
      updated: 0,
      unchanged: 0,
      rejected: 3,
      rejectedFields: 0,
    });
  });

  test('case bigint-ids: ids beyond 2^53 are three people, not one', async () => {
    const ids = ['1152921504606846976', '1152921504606846977', '1152921504606846978'];
    const file = write('big.ndjson', ids.map((id, place) => `{"id":${id},"name":"${'ABC'[place]}"}\n`).join(''));
    expect(await take(file, 'customers', { externalId: 'id', firstName: 'name' })).toMatchObject({ created: 3 });
    expect(await byExternalId('1152921504606846977', 'firstName')).toEqual({ customerLookup: { firstName: 'B' } });
    const shortened = write('short.csv', 'id,name\n4.47912E+11,Ada\n4.47912E+11,Bob\n');
    expect(await take(shortened, 'customers', { externalId: 'id', firstName: 'name' })).toMatchObject({ rejected: 2 });
  });

  test('case order-lines-composite: several columns are a key together, and a line may be counted', async () => {
    await take(write('c.csv', 'id\n1\n'), 'customers', { externalId: 'id' });
    await take(write('o.csv', 'no,who\nA,1\n'), 'orders', { externalId: 'no', customerExternalId: 'who' });
    const file = write(
      'lines.csv',
      'orderID,productID,unitPrice,quantity\nA,11,14.00,12\nA,42,9.80,10\nA,72,34.80,5\nA,,1,1\n',
    );
    const mapping = {
      externalId: ['orderID', 'productID'],
      orderExternalId: 'orderID',
      quantity: 'quantity',
      unitPrice: 'unitPrice',
    };
    expect(await take(file, 'order-items', mapping)).toMatchObject({ created: 3, rejected: 1 });
    expect(await take(file, 'order-items', mapping)).toMatchObject({ unchanged: 3, rejected: 1 });
    const slashes = write('slashes.csv', 'orderID,productID\nA,1/2\nA/1,2\n');
    const parts = { externalId: ['orderID', 'productID'], orderExternalId: { value: 'A' } };
    expect(await take(slashes, 'order-items', parts)).toMatchObject({ created: 2 });
    const counted = write('counted.csv', 'orderID,quantity\nA,1\nA,1\nA,2\n');
    const ordinal = { externalId: ['orderID', '#'], orderExternalId: 'orderID', quantity: 'quantity' };
    expect(await take(counted, 'order-items', ordinal)).toMatchObject({ created: 3 });
    expect(await take(counted, 'order-items', ordinal)).toMatchObject({ unchanged: 3 });
  });

  test('updates what differs, and leaves alone what the file leaves empty', async () => {
    const mapping = { ...map, 'postalAddress.city': 'city', 'postalAddress.country': 'land' };
    const header = 'id,first,mail,country,plan,city,land\n';
    const first = write(
      'a.csv',
      `${header}1,Ada,ada@example.org,GB,gold,London,England\n2,Bob,bob@example.org,US,,,\n`,
    );
    expect(await take(first, 'customers', mapping)).toMatchObject({ created: 2 });
    const second = write('b.csv', `${header}1, Ada ,ada@example.org,GBR,silver,Paris,\n2,Bob,,United States,,,\n`);
    expect(await take(second, 'customers', mapping)).toEqual({
      read: 2,
      created: 0,
      updated: 1,
      unchanged: 1,
      rejected: 0,
      rejectedFields: 0,
    });
    expect(await take(second, 'customers', mapping)).toMatchObject({ updated: 0, unchanged: 2 });
    expect(await byExternalId('1', 'firstName email postalAddress { city country } attributes { value }')).toEqual({
      customerLookup: {
        firstName: 'Ada',
        email: 'ada@example.org',
        postalAddress: { city: 'Paris', country: 'GB' },
        attributes: [{ value: 'silver' }],
      },
    });
    expect(await byExternalId('2', 'email')).toEqual({ customerLookup: { email: 'bob@example.org' } });
  });

  test('takes NDJSON in: nested values, null empties, one person twice in a batch is one', async () => {
    const rows = [
      { id: 1, name: { first: 'Ada' }, mail: 'ada@example.org' },
      { id: 1, name: { first: 'Augusta\u2028Ada' } },
      { id: 2, name: { first: ['no'] } },
      { id: 3, name: null },
    ];
    const file = write('people.data', `${rows.map((row) => JSON.stringify(row)).join('\n')}\n{"id":4\n`);
    const mapping = { externalId: 'id', firstName: 'name.first', email: 'mail' };
    expect(await take(file, 'customers', mapping)).toEqual({
      read: 5,
      created: 3,
      updated: 1,
      unchanged: 0,
      rejected: 1,
      rejectedFields: 1,
    });
    expect(rejected()).toEqual([
      { line: 3, reason: 'is not a single value', field: 'firstName' },
      { line: 5, reason: 'is not a JSON object' },
    ]);
    expect(await byExternalId('1', 'firstName email')).toEqual({
      customerLookup: { firstName: 'Augusta\u2028Ada', email: 'ada@example.org' },
    });
    const emptied = write(
      'd.jsonl',
      '{"id":"1","mail":null,"name":{"first":"Ada"}}\n{"id":"3","mail":"c@example.org"}\n',
    );
    expect(await take(emptied, 'customers', mapping)).toMatchObject({ rejected: 0 });
    expect(await byExternalId('1', 'firstName email')).toEqual({ customerLookup: { firstName: 'Ada', email: null } });
  });

  test('orders and their items find their parents, sort by their date, and do not change hands', async () => {
    await take(write('c.csv', 'id\n1\n2\n'), 'customers', { externalId: 'id' });
    const orders = {
      externalId: 'no',
      customerExternalId: 'who',
      placedAt: 'on',
      total: 'sum',
      currency: 'cur',
      status: 's',
    };
    const header = 'no,who,on,sum,cur,s\n';
    const file = write(
      'o.csv',
      [
        `${header}A,1,2024-03-01 10:00:00,12.5,eur,paid`,
        'B,1,2021-02-29,1,EUR,', // no such day
        'C,1,2020-01-01T00:00:00+02:00,one,EUR,',
        'D,3,2020-01-01,1,EUR,',
        'E,1,1969-07-20T20:17:40Z,3,USD,',
        'F,1,2024-03-02,4,EUR,',
      ].join('\n'),
    );
    expect(await take(file, 'orders', orders, { strict: true })).toMatchObject({ read: 6, created: 3, rejected: 3 });
    expect(rejected()).toEqual([
      { line: 3, reason: expect.stringContaining('date'), field: 'placedAt' },
      { line: 4, reason: expect.stringContaining('number'), field: 'total' },
      { line: 5, reason: 'names a customer that is not there', field: 'customerExternalId' },
    ]);
    const items = { externalId: 'id', orderExternalId: 'order', name: 'name', quantity: 'n', unitPrice: 'price' };
    const lines = write('i.csv', 'id,order,name,n,price\n1,A,Ball,2,6.25\n2,Z,Bat,1,1\n3,A,Net,1.5,1\n');
    expect(await take(lines, 'order-items', items, { strict: true })).toMatchObject({ created: 1, rejected: 2 });
    expect(
      await byExternalId('1', 'orders { nodes { placedAt total currency status items { name quantity unitPrice } } }'),
    ).toEqual({
      customerLookup: {
        orders: {
          nodes: [
            { placedAt: '2024-03-02T00:00:00.000Z', total: 4, currency: 'EUR', status: null, items: [] },
            {
              placedAt: '2024-03-01T10:00:00.000Z',
              total: 12.5,
              currency: 'EUR',
              status: 'paid',
              items: [{ name: 'Ball', quantity: 2, unitPrice: 6.25 }],
            },
            { placedAt: '1969-07-20T20:17:40.000Z', total: 3, currency: 'USD', status: null, items: [] },
          ],
        },
      },
    });
    const moved = write('m.csv', `${header}A,2,2024-03-01 10:00:00,12.5,EUR,paid\nF,1,2024-03-02,4.5,EUR,sent\n`);
    expect(await take(moved, 'orders', orders)).toMatchObject({ updated: 1, rejected: 1 });
    expect(rejected()).toEqual([{ line: 2, reason: 'is of another customer already', field: 'customerExternalId' }]);
  });

  test('reads Excel’s semicolons', async () => {
    const file = write('p.csv', 'id;first\n1;"Ada; Countess"\n');
    expect(await take(file, 'customers', { externalId: 'id', firstName: 'first' })).toMatchObject({ created: 1 });
    expect(await byExternalId('1', 'firstName')).toEqual({ customerLookup: { firstName: 'Ada; Countess' } });
  });

  test('a mapping or a file that cannot work is refused before anything is written', async () => {
    const file = write('p.csv', 'id,first\n1,Ada\n');
    const attempts: Array<[object, string]> = [
      [{ externalId: 'id', nickname: 'first' }, 'customers have no field nickname; there are externalId, firstName'],
      [{ externalId: 'id', firstName: 'First' }, 'has no column "First"; it has id, first'],
      [{ firstName: 'first' }, 'must map externalId'],
      [{ externalId: 7 }, 'must map each field to the name of one column: externalId'],
      [{ externalId: 'id', 'attributes.a b': 'first' }, 'no field attributes.a b'],
    ];
    for (const [mapping, message] of attempts) {
      const attempt = Promise.resolve().then(() => take(file, 'customers', mapping));
      await expect(attempt).rejects.toThrow(ImportUsageError);
      await expect(attempt).rejects.toThrow(message);
    }
    await expect(take(join(folder, 'none.csv'), 'customers', map)).rejects.toThrow('cannot be read (ENOENT)');
    expect(() => readMapping('{', 'orders', 'map.json')).toThrow('map.json is not JSON');
    expect(await read('{ customers { nodes { id } } }')).toEqual({ customers: { nodes: [] } });
  });
});
