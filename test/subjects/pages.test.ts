import { allPurposes, type DataCategory, type ProcessingPurpose } from '../../src/governance/vocabulary';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer } from '../support/rows';

interface Page {
  readonly nodes: ReadonlyArray<{ readonly id: string }>;
  readonly edges: ReadonlyArray<{ readonly cursor: string }>;
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const pages = `query ($first: Int, $after: String, $filter: CustomerFilter) {
  customers(first: $first, after: $after, filter: $filter) {
    nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

/** Rows are decided before pages are cut, and a cursor is good where it was given alone. */
describe.each(databases)('pages on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;
  const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
  const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
  const born = Date.parse('2025-01-01T00:00:00Z');

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    acme = (await app.services.clients.register({ slug: 'acme', name: 'acme' }, 'test')).id;
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const raw = (asker: Asker, variables: object, purpose: ProcessingPurpose = 'SUPPORT') =>
    app.ask(asker, purpose, pages, variables as Record<string, unknown>);
  const page = async (asker: Asker, variables: object, purpose?: ProcessingPurpose): Promise<Page> => {
    const { data, errors } = await raw(asker, variables, purpose);
    expect(errors).toBeUndefined();
    return (data as { customers: Page }).customers;
  };
  const everyPage = async (asker: Asker, filter: object, first: number): Promise<string[]> => {
    const ids: string[] = [];
    for (let after: string | null = null; ; ) {
      const found: Page = await page(asker, { first, after, filter });
      ids.push(...found.nodes.map(({ id }) => id));
      expect(found.nodes.length === first || !found.pageInfo.hasNextPage).toBe(true);
      if (!found.pageInfo.hasNextPage) return ids;
      after = found.pageInfo.endCursor;
    }
  };
  const plant = (number: number, fields: object) =>
    insertCustomer(app, acme, { createdAt: new Date(born + number), source: 's5', ...fields });

  test('attack S5: cursors and ends of a filtered page tell nothing of rows that are left out', async () => {
    const open = [await plant(1, { residency: 'DE' })];
    const restricted = await plant(2, { residency: 'FR', restriction: 'OBJECTION' });
    const abroad = await plant(3, { residency: 'RU' });
    open.push(await plant(4, { residency: 'DE' }));
    const unknown = await plant(5, { residency: null });
    const before = (await page(agent, { first: 1 })).pageInfo.endCursor;
    expect(before).not.toBeNull();
    for (const residency of ['FR', 'RU', 'ES']) {
      const { nodes, edges, pageInfo } = await page(agent, { first: 1, filter: { residency } });
      expect({ nodes, edges, pageInfo }).toEqual({
        nodes: [],
        edges: [],
        pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
      });
    }
    for (const first of [1, 2, 3, 50])
      expect(await everyPage(agent, { source: 's5' }, first)).toEqual([...open, unknown]);
    // A search for the moment at which somebody withheld was born finds nothing between the others.
    for (const at of [1, 2, 3]) {
      const filter = { createdAfter: new Date(born + at), createdBefore: new Date(born + 4) };
      expect(await page(agent, { first: 1, filter })).toMatchObject({ nodes: [], pageInfo: { endCursor: null } });
    }
    const legal = await page(admin, { filter: { source: 's5' } }, 'LEGAL');
    expect(legal.nodes.map(({ id }) => id)).toEqual([...open, restricted, unknown].sort());
    const there = await page({ ...agent, country: 'RU' }, { filter: { source: 's5' } });
    expect(there.nodes.map(({ id }) => id)).toEqual([abroad]);
    expect(await page({ ...agent, country: null }, { filter: { source: 's5' } })).toMatchObject({ nodes: [] });
  });

  test('attack S5: whoever an approval names is matched by what it carries of them', async () => {
    const people = await Promise.all([20, 21, 22].map((number) => plant(number, { residency: 'FR', source: 'named' })));
    const [first, second] = people as [string, string];
    const caller: Asker = { ...agent, country: 'CN' };
    const approve = async (categories: DataCategory[], dataSubjects: string[]) => {
      const { approvals } = app.services.transfers;
      const asked = await approvals.request(
        acme,
        {
          recipient: { kind: 'CLIENT' },
          destinationCountry: 'CN',
          categories,
          purposes: allPurposes,
          mechanism: 'DEROGATION_CONSENT',
          assessment: 'made for a test',
          dataSubjects,
          validUntil: new Date(Date.now() + 30 * 86_400_000),
        },
        { principal: 'asks', side: 'CLIENT' },
      );
      await approvals.decide(acme, asked.id, 'APPROVED', 'for a test', { principal: 'decides', side: 'CLIENT' });
    };
    expect(await everyPage(caller, { residency: 'FR' }, 1)).toEqual([]);
    await approve(['ONLINE_IDENTIFIER', 'DEMOGRAPHIC'], [first, second]);
    expect(await everyPage(caller, { residency: 'FR' }, 1)).toEqual([first, second].sort());
    expect(await everyPage(caller, { residency: 'FR', createdAfter: new Date(born) }, 1)).toEqual([]);
  });

  test('attack S13: a cursor is good for its connection, filter, purpose and principal alone', async () => {
    const customerId = await plant(30, { residency: 'NL' });
    const filter = { residency: 'NL' };
    const {
      edges: [edge],
    } = await page(admin, { filter });
    const after = edge?.cursor;
    expect(await page(admin, { filter, after })).toMatchObject({ nodes: [] });
    expect(await page(admin, { filter: { ...filter, source: null }, after })).toMatchObject({ nodes: [] });
    const refused = {
      errors: [{ message: expect.stringContaining('"after"'), extensions: { code: 'BAD_USER_INPUT' } }],
    };
    const others: Array<[Asker, object, ProcessingPurpose?]> = [
      [admin, {}],
      [admin, { filter: { residency: 'DE' } }],
      [admin, { filter: { ...filter, createdAfter: new Date(born) } }],
      [admin, { filter }, 'LEGAL'],
      [admin, { filter }, 'IMPROVEMENT'],
      [{ ...admin, subject: 'another' }, { filter }],
      [agent, { filter }],
    ];
    for (const [asker, variables, purpose] of others) {
      expect(await raw(asker, { ...variables, after }, purpose)).toMatchObject(refused);
    }
    const elsewhere = [
      'query ($after: String, $id: ID!) { customer(id: $id) { orders(after: $after) { nodes { id } } } }',
      'query ($after: String, $id: ID!) { customer(id: $id) { conversations(after: $after) { nodes { id } } } }',
      'query ($after: String) { erasureRequests(after: $after) { nodes { id } } }',
      'query ($after: String) { notices(after: $after) { nodes { id } } }',
      'query ($after: String) { transferApprovals(after: $after) { nodes { id } } }',
      'query ($after: String) { disclosures(after: $after) { nodes { id } } }',
      'query ($after: String) { client { users(after: $after) { nodes { id } } } }',
    ];
    for (const document of elsewhere) {
      const variables = document.includes('$id') ? { after, id: customerId } : { after };
      expect(await app.ask(admin, 'SUPPORT', document, variables)).toMatchObject(refused);
    }
  });
});
