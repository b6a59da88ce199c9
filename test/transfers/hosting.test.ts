import type { DataSource } from 'typeorm';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { approve, askers, sccToTheUs } from './transfer-app';

/** Tables of clients that have to be at home: the directory says where the rest of each client is. */
const directory = new Set(['client']);

describe.each(databases)('residency of storage on $name (statement T1)', ({ create }) => {
  let home: TestDatabase;
  let eu: TestDatabase;
  let us: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    [home, eu, us] = [await create(), await create(), await create()];
    app = await openTestApp(home, { EU: eu.databaseUrl, US: us.databaseUrl });
    for (const [slug, hostingRegion] of [
      ['acme', 'EU'],
      ['globex', 'US'],
    ] as const) {
      const administrator = { name: `Boss of ${slug}`, email: `boss@${slug}.example` };
      const { id } = await app.services.clients.register({ slug, name: slug, hostingRegion, administrator }, 'test');
      await fill(slug, id);
    }
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    for (const database of [home, eu, us]) await database.drop();
  });

  /**
   * Everything that a client does here leaves rows: customers, agreements, grants, installations, approvals, notices.
   */
  async function fill(slug: string, id: string): Promise<void> {
    const admin: Asker = { role: 'CLIENT_ADMIN', client: slug, subject: `admin@${slug}` };
    const created = await app.ask(
      admin,
      'SERVICE_DELIVERY',
      'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }',
      { input: { firstName: 'Ada', residency: 'DE', attributes: [{ key: 'plan', value: 'gold' }] } },
    );
    expect(created.errors).toBeUndefined();
    await app.services.clients.sign(id, { kind: 'DPA', version: '1' }, 'test');
    const application = await app.services.parties.registerApplication({
      slug: 'mailer',
      name: 'Mailer',
      publisher: 'Mailer Inc.',
      country: 'US',
      scopes: [],
      privacyNoticeVersion: '1',
      privacyNoticeUrl: 'https://publisher.example/privacy',
    });
    const install = { applicationId: application.id, acceptedNoticeVersion: '1', purposes: ['SUPPORT' as const] };
    await app.services.parties.install(id, install, 'test');
    if (slug === 'acme') await approve(app, sccToTheUs);
    await app.services.transfers.notices.send(id, {
      id: '01900000-0000-7000-8000-000000000001',
      kind: 'TEST',
      subject: 'a test',
      message: 'a test',
    });
  }

  /** Rows of a client in each table of a database that says whose its rows are. */
  async function rowsOf(source: DataSource, client: string): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    for (const { tableName, columns } of source.entityMetadatas) {
      const owner = columns.find(({ databaseName }) => databaseName === 'client_id' || databaseName === 'scope');
      if (!owner) continue;
      const sql = `SELECT COUNT(*) AS n FROM \`${tableName}\` WHERE \`${owner.databaseName}\` = ?`;
      const [row] = await source.query<Array<{ n: number }>>(sql, [client]);
      if (Number(row?.n) > 0) found[tableName] = Number(row?.n);
    }
    return found;
  }

  test('a client’s rows are in its region’s database and nowhere else', async () => {
    const { regions } = app.stores;
    for (const [slug, region, other] of [
      ['acme', 'EU', 'US'],
      ['globex', 'US', 'EU'],
    ] as const) {
      const client = await app.services.clients.find(slug);
      const id = client?.id ?? '';
      expect(client?.region).toBe(region);
      expect(await rowsOf(regions.at(other), id)).toEqual({});
      const atHome = Object.keys(await rowsOf(regions.home, id));
      expect(atHome.filter((table) => !directory.has(table))).toEqual([]);
      const hosted = await rowsOf(regions.at(region), id);
      for (const table of [
        'customer',
        'customer_attribute',
        'client_user',
        'agreement',
        'purpose_grant',
        'installation',
        'client_notice',
      ])
        expect([table, (hosted[table] ?? 0) > 0]).toEqual([table, true]);
      if (slug === 'acme') expect(hosted).toMatchObject({ transfer_approval: 1, transfer_event: 2 });
    }
  });

  test('reads go there too, and an approval kept there is felt', async () => {
    const read = async (client: string, country: string) => {
      const result = await app.ask(
        { role: 'CLIENT_AGENT', client, country },
        'SUPPORT',
        '{ customers { nodes { firstName } } }',
      );
      return (result.data as { customers: { nodes: Array<{ firstName: string | null }> } }).customers.nodes;
    };
    expect(await read('acme', 'DE')).toEqual([{ firstName: 'Ada' }]);
    expect(await read('acme', 'US')).toEqual([{ firstName: 'Ada' }]);
    expect(await read('globex', 'DE')).toEqual([{ firstName: 'Ada' }]);
    expect(await read('globex', 'US')).toEqual([{ firstName: null }]);
  });

  test('a suspension at home stops a client in a region', async () => {
    const suspend =
      'mutation ($input: SuspendLegalBasisInput!) { suspendLegalBasis(input: $input) { clients { slug } } }';
    const input = { basis: 'SCC', reason: 'a test' };
    const result = await app.ask(askers.platformOfficer, undefined, suspend, { input });
    expect(result).toMatchObject({ data: { suspendLegalBasis: { clients: [{ slug: 'acme' }] } } });
    const read = await app.ask(askers.agent('US'), 'SUPPORT', '{ customers { nodes { firstName } } }');
    expect(read.data).toEqual({ customers: { nodes: [{ firstName: null }] } });
  });
});
