import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';

const staff: Asker = { role: 'PLATFORM_STAFF', subject: 'sam@platform' };
const registerClient = `mutation ($input: RegisterClientInput!) {
  registerClient(input: $input) { client { id slug name country createdAt agreements { id } } } }`;
const signAgreement = `mutation ($input: SignAgreementInput!) { signAgreement(input: $input) {
  agreement { id kind version effectiveFrom effectiveTo excludedPurposes signedBy signedAt } } }`;

describe.each(databases)('clients on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const register = (input: object, asker: Asker | undefined = staff) =>
    app.ask(asker, undefined, registerClient, { input });
  const codeOf = ({ errors }: Awaited<ReturnType<typeof register>>) => errors?.[0]?.extensions.code;

  test('one is registered with its key and grants to its own roles; it is found by slug and id', async () => {
    const { data, errors } = await register({ slug: 'acme', name: '  Acme Ltd ', country: 'GB' });
    expect(errors).toBeUndefined();
    const { client } = (data?.registerClient ?? {}) as { client: { id: string } };
    expect(client).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      slug: 'acme',
      name: 'Acme Ltd',
      country: 'GB',
      createdAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/),
      agreements: [],
    });
    for (const reference of ['acme', client.id]) {
      const own: Asker = { role: 'CLIENT_AGENT', client: reference };
      expect((await app.ask(own, undefined, '{ client { id slug } viewer { purposes } }')).data).toEqual({
        client: { id: client.id, slug: 'acme' },
        viewer: { purposes: ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'IMPROVEMENT'] },
      });
    }
    const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };
    expect(JSON.stringify(await app.ask(officer, undefined, '{ viewer { purposes } }'))).toContain('LEGAL');
  });

  test('a slug is taken once, also by two requests at a time; the answer does not repeat it', async () => {
    expect(codeOf(await register({ slug: 'acme', name: 'Another' }))).toBe('CONFLICT');
    const racing = await Promise.all([1, 2, 3].map((n) => register({ slug: 'racing-canary', name: `Racer ${n}` })));
    expect(racing.map(codeOf).sort()).toEqual(['CONFLICT', 'CONFLICT', undefined]);
    for (const { errors } of racing) expect(JSON.stringify(errors ?? [])).not.toContain('canary');
    const again = await register({ slug: 'racing-canary', name: 'Late' });
    expect(JSON.stringify(again.errors)).not.toContain('canary');
  });

  test.each([
    ['an empty slug', { slug: '' }],
    ['capitals', { slug: 'CANARY' }],
    ['a hyphen at the end', { slug: 'canary-' }],
    ['spaces', { slug: ' canary ' }],
    ['61 characters', { slug: 'canary'.padEnd(61, 'x') }],
    ['a UUID for a slug', { slug: '01890a5d-ac96-774b-bcce-b302099a8057' }],
    ['an empty name', { name: ' ' }],
    ['a long name', { name: 'CANARY'.padEnd(201, 'x') }],
    ['an unknown country', { country: 'XX' }],
    ['a country in words', { country: 'CANARY' }],
    ['a lower-case country', { country: 'gb' }],
    ['a nameless administrator', { administrator: { name: '', email: 'canary@example.org' } }],
    ['an email that is none', { administrator: { name: 'X', email: 'canary' } }],
  ])('%s is refused, not repeated, and leaves nothing behind', async (_, wrong) => {
    const refused = await register({ slug: 'refused', name: 'Refused', ...wrong });
    expect(codeOf(refused)).toBe('BAD_USER_INPUT');
    expect(JSON.stringify(refused)).not.toMatch(/canary|01890a5d/i);
    expect(await app.services.clients.find('refused')).toBeUndefined();
  });

  test.each(['CLIENT_ADMIN', 'CLIENT_PRIVACY_OFFICER', 'CLIENT_AGENT', 'AUDITOR'] as const)(
    '%s registers no client',
    async (role) => {
      expect(codeOf(await register({ slug: 'x', name: 'X' }, { role, client: 'acme' }))).toBe('FORBIDDEN');
    },
  );

  describe('their users', () => {
    const users =
      'query ($first: Int, $after: String) { client { users(first: $first, after: $after) { nodes { id name email role } pageInfo { hasNextPage endCursor } } } }';
    const own: Asker = { role: 'CLIENT_ADMIN', client: 'initech' };

    beforeAll(async () => {
      const administrator = { name: 'Milton CANARY', email: 'milton.canary@example.org' };
      expect((await register({ slug: 'initech', name: 'Initech', administrator })).errors).toBeUndefined();
    });

    test('the administrator is the first, sealed; no statement carries their name', async () => {
      const log = recordSql(app.stores.regions.home);
      const administrator = { name: 'Bill CANARY', email: 'bill.canary@example.org' };
      expect((await register({ slug: 'lumbergh', name: 'L', administrator })).errors).toBeUndefined();
      expect(
        log
          .take()
          .map(({ sql, parameters }) => sql + parameters.map(String))
          .join(),
      ).not.toMatch(/canary/i);
      const rows = await app.stores.regions.home.query('SELECT * FROM client_user');
      expect(rows).toHaveLength(2);
      expect(JSON.stringify(rows)).not.toMatch(/canary/i);
    });

    test('are governed as client users: by purpose, de-identified for IMPROVEMENT', async () => {
      const node = {
        id: expect.stringMatching(/^0/),
        name: 'Milton CANARY',
        email: 'milton.canary@example.org',
        role: 'CLIENT_ADMIN',
      };
      for (const purpose of ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'LEGAL'] as const) {
        const { data } = await app.ask(own, purpose, users);
        expect(data).toMatchObject({ client: { users: { nodes: [node] } } });
      }
      const improving = await app.ask(own, 'IMPROVEMENT', users);
      expect(JSON.stringify(improving)).not.toMatch(/canary/i);
      expect(improving).toMatchObject({
        data: {
          client: {
            users: {
              nodes: [
                {
                  id: expect.stringMatching(/^p_/),
                  name: null,
                  email: expect.stringMatching(/^p_/),
                  role: 'CLIENT_ADMIN',
                },
              ],
            },
          },
        },
        errors: [{ extensions: { code: 'PURPOSE_NOT_PERMITTED', coordinate: 'ClientUser.name', rows: 1 } }],
      });
      expect((await app.ask(own, undefined, users)).errors?.[0]?.extensions.code).toBe('PURPOSE_REQUIRED');
      expect((await app.ask({ ...own, purposes: [] }, 'SUPPORT', users)).errors?.[0]?.extensions.code).toBe(
        'PURPOSE_NOT_GRANTED',
      );
      const governed = app.contracts.api.coordinates.filter(({ coordinate }) => coordinate.startsWith('ClientUser.'));
      expect(governed.map(({ coordinate, subject }) => [coordinate, subject]).sort()).toEqual([
        ['ClientUser.email', 'CLIENT_USER'],
        ['ClientUser.id', 'CLIENT_USER'],
        ['ClientUser.name', 'CLIENT_USER'],
      ]);
    });

    test('S1: another client sees none of them, the platform none without an instruction', async () => {
      const theirs = await app.ask({ role: 'CLIENT_ADMIN', client: 'acme' }, 'SUPPORT', users);
      expect(theirs.data).toMatchObject({ client: { users: { nodes: [] } } });
      const all = '{ clients { nodes { slug users { nodes { name email } } } } }';
      const bare = await app.ask(staff, 'SUPPORT', all);
      expect(bare.errors?.[0]?.extensions.code).toBe('PURPOSE_NOT_GRANTED');
      const instruction = await app.ask(
        own,
        undefined,
        'mutation { giveInstruction(input: { purpose: SUPPORT, reason: "x" }) { instruction { id } } }',
      );
      expect(instruction.errors).toBeUndefined();
      const { data } = await app.ask({ ...staff, client: 'initech' }, 'SUPPORT', all);
      const nodes = (data as { clients: { nodes: Array<{ slug: string; users: unknown }> } }).clients.nodes;
      for (const { slug, users: shown } of nodes) {
        if (slug === 'initech') expect(shown).toMatchObject({ nodes: [{ name: 'Milton CANARY' }] });
        else expect(shown).toBeNull();
      }
    });
  });

  describe('their list', () => {
    const page =
      'query ($first: Int, $after: String) { clients(first: $first, after: $after) { edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }';
    type Page = {
      edges: Array<{ cursor: string; node: { slug: string } }>;
      pageInfo: { hasNextPage: boolean; endCursor: string | null };
    };
    const read = async (variables: object, asker: Asker = staff) => {
      const { data, errors } = await app.ask(asker, undefined, page, variables as Record<string, unknown>);
      return { page: data?.clients as Page, code: errors?.[0]?.extensions.code };
    };

    test('is paged in the order of registration; each is on one page', async () => {
      const all = await read({ first: 100 });
      const slugs: string[] = [];
      let after: string | null = null;
      for (let turn = 0; turn < 20; turn++) {
        const { page: part } = await read({ first: 2, after });
        slugs.push(...part.edges.map(({ node }) => node.slug));
        after = part.pageInfo.endCursor;
        if (!part.pageInfo.hasNextPage) break;
      }
      expect(slugs).toEqual(all.page.edges.map(({ node }) => node.slug));
      expect(slugs).toEqual(expect.arrayContaining(['acme', 'initech', 'lumbergh']));
      expect(all.page.pageInfo.hasNextPage).toBe(false);
      expect((await read({ first: 0 })).page).toMatchObject({ edges: [], pageInfo: { startCursor: null } });
    });

    test('is for the platform and its auditors', async () => {
      for (const role of ['PLATFORM_PRIVACY_OFFICER', 'AUDITOR'] as const)
        expect((await read({}, { role })).code).toBeUndefined();
      for (const role of ['CLIENT_ADMIN', 'CLIENT_AGENT', 'CLIENT_PRIVACY_OFFICER'] as const) {
        expect((await read({}, { role, client: 'acme' })).code).toBe('FORBIDDEN');
      }
    });

    test.each([{ first: -1 }, { first: 501 }, { after: 'CANARY' }, { after: '' }, { after: 'x'.repeat(5_000) }])(
      'refuses %j',
      async (variables) => expect((await read(variables)).code).toBe('BAD_USER_INPUT'),
    );
  });

  describe('agreements', () => {
    const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
    const sign = (input: object, asker = admin) => app.ask(asker, undefined, signAgreement, { input });

    test('are signed on line by the client’s administration, and listed, over ones included', async () => {
      const { data, errors } = await sign({
        kind: 'DPA',
        version: '2026-11',
        effectiveFrom: '2020-01-01T00:00:00Z',
        effectiveTo: '2021-01-01T00:00:00Z',
        excludedPurposes: ['IMPROVEMENT', 'SECURITY'],
      });
      expect(errors).toBeUndefined();
      const { agreement } = (data?.signAgreement ?? {}) as { agreement: object };
      expect(agreement).toMatchObject({
        kind: 'DPA',
        signedBy: 'client_admin@test',
        effectiveTo: '2021-01-01T00:00:00.000Z',
      });
      await sign({ kind: 'MASTER', version: '1' });
      const own = await app.ask(
        admin,
        undefined,
        '{ client { agreements { id kind version effectiveFrom effectiveTo excludedPurposes signedBy signedAt } } }',
      );
      expect(own.data).toMatchObject({
        client: { agreements: [agreement, { kind: 'MASTER', excludedPurposes: [], effectiveTo: null }] },
      });
      const other = await app.ask({ ...admin, client: 'initech' }, undefined, '{ client { agreements { id } } }');
      expect(other.data).toEqual({ client: { agreements: [] } });
    });

    test.each([
      ['no version', { version: '' }],
      ['an end before its beginning', { effectiveFrom: '2026-01-02T00:00:00Z', effectiveTo: '2026-01-01T00:00:00Z' }],
      ['a time that is none', { effectiveFrom: 'CANARY' }],
      ['a kind that is none', { kind: 'CANARY' }],
      ['a purpose that is none', { excludedPurposes: ['CANARY'] }],
    ])('with %s are refused', async (_, wrong) => {
      const refused = await sign({ kind: 'DPA', version: '1', ...wrong });
      expect(codeOf(refused)).toBe('BAD_USER_INPUT');
      expect(JSON.stringify(refused)).not.toContain('CANARY');
    });

    test('are signed by nobody else', async () => {
      for (const role of ['CLIENT_AGENT', 'PLATFORM_STAFF', 'AUDITOR'] as const) {
        expect(codeOf(await sign({ kind: 'HEALTH', version: '1' }, { role, client: 'acme' }))).toBe('FORBIDDEN');
      }
    });

    test('keep a principal’s name as long as OpenID Connect lets it be', async () => {
      const long: Asker = { ...admin, subject: 's'.repeat(255) };
      expect((await sign({ kind: 'DPA', version: '1' }, long)).errors).toBeUndefined();
    });
  });
});
