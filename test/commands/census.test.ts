import { census } from '../../src/commands/census';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

describe.each(databases)('remit census on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeEach(async () => {
    database = await create();
    app = await openTestApp(database);
  });
  afterEach(async () => {
    await app.close();
    await database.drop();
  });

  const alter = (sql: string): Promise<unknown> => app.stores.regions.home.query(sql);

  test('accounts for everything, sealed values and their blind indexes included', async () => {
    const { fields, gaps } = await census(app.services, app.stores);
    expect(gaps).toEqual([]);
    const find = (table: string, name: string) => fields.find((each) => each.table === table && each.field === name);
    expect(find('customer', 'email')).toEqual({
      table: 'customer',
      columns: ['sealed_contact', 'email_index'],
      field: 'email',
      personal: {
        subject: 'CUSTOMER',
        category: 'CONTACT',
        purposes: ['SERVICE_DELIVERY', 'SUPPORT', 'LEGAL'],
        deidentified: ['SECURITY', 'IMPROVEMENT'],
        retention: 'AGREEMENT',
        erasure: 'DELETE',
      },
    });
    expect(find('customer', 'postalAddress.city')).toMatchObject({ columns: ['sealed_contact'] });
    expect(find('order_item', 'customerId')).toMatchObject({ personal: { category: 'ONLINE_IDENTIFIER' } });
    expect(find('customer', 'source')).toMatchObject({ personal: { category: 'BEHAVIOUR' } });
    expect(find('customer_attribute', 'key')).toMatchObject({
      columns: ['sealed_behaviour', 'key_index'],
      personal: { category: 'BEHAVIOUR' },
    });
  });

  test('names a column that nobody classified', async () => {
    await alter('ALTER TABLE customer ADD COLUMN shoe_size varchar(10)');
    expect((await census(app.services, app.stores)).gaps).toEqual([
      {
        at: 'customer.shoe_size',
        fault: expect.stringContaining('without category, purposes, retention and erasure action'),
        remedy: expect.stringContaining('@PersonalData'),
      },
    ]);
  });

  test("names a table that holds a client's id, and one that nobody knows", async () => {
    await alter('CREATE TABLE wish_list (client_id varchar(36), note varchar(100))');
    await alter('CREATE TABLE scratch (id int)');
    expect((await census(app.services, app.stores)).gaps).toEqual([
      { at: 'scratch', fault: expect.stringContaining('no entity declares'), remedy: expect.any(String) },
      {
        at: 'wish_list',
        fault: expect.stringContaining("client's id"),
        remedy: expect.stringContaining('@TenantTable'),
      },
    ]);
  });

  test('names a column that is declared but gone, in the keys’ store as well', async () => {
    await alter('ALTER TABLE customer DROP COLUMN source');
    await app.stores.keysSource.query('ALTER TABLE subject_key ADD COLUMN hint varchar(10)');
    expect((await census(app.services, app.stores)).gaps.map(({ at }) => at)).toEqual([
      'customer.source',
      'subject_key.hint',
    ]);
  });
});
