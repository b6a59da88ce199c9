import { type AuditedServer, fill, openAuditedServer } from '../audit/audited-server';
import type { Asker } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const staff: Asker = { role: 'PLATFORM_STAFF', client: 'acme', subject: 'staff-1' };
const second: Asker = { role: 'PLATFORM_PRIVACY_OFFICER', client: 'acme', subject: 'officer-1' };
const client: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };
const HOUR = 3_600_000;

const recording = (name: string) =>
  `mutation ${name}($input: RecordDisclosureInput!) { recordDisclosure(input: $input) { disclosure { id } } }`;
const secret = ['TriedInVain', 'RecordSecret', 'ApproveSecret', 'ListSecret'];

interface Entries {
  readonly auditEntries: {
    readonly nodes: ReadonlyArray<{ readonly id: string }>;
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

describe.each(databases)('the ledger under a gag on $name (statement S4)', ({ create }) => {
  let database: TestDatabase;
  let server: AuditedServer;
  /** What has passed besides the clock's own time, in milliseconds. */
  let passed = 0;
  /** Entries by their operations' names. */
  const ids = new Map<string, string>();

  async function ask(asker: Asker, name: string, query: string, variables: object = {}, purpose?: 'SUPPORT') {
    const { body } = await server.post(asker, purpose, query, variables);
    ids.set(name, String(body.extensions?.governance.auditId));
    return body;
  }

  const nameOf = (entry: string) => [...ids].find(([, id]) => id === entry)?.[0];

  /** Those of the operations above that a reader is shown, in pages of so many. */
  async function shown(asker: Asker, first = 100, filter: object = {}): Promise<string[]> {
    const names: string[] = [];
    let after: string | null = null;
    for (;;) {
      const query = `query Look($first: Int, $after: String, $filter: AuditEntryFilter) {
        auditEntries(first: $first, after: $after, filter: $filter) { nodes { id } pageInfo { hasNextPage endCursor } }
      }`;
      const { body } = await server.post(asker, undefined, query, { first, after, filter });
      expect(body.errors).toBeUndefined();
      const { nodes, pageInfo } = (body.data as unknown as Entries).auditEntries;
      names.push(...nodes.flatMap(({ id }) => nameOf(id) ?? []));
      if (!pageInfo.hasNextPage) return names;
      expect(nodes).toHaveLength(first);
      after = pageInfo.endCursor;
    }
  }

  async function proof(asker: Asker, name: string): Promise<unknown> {
    const { body } = await server.post(asker, undefined, `{ auditProof(entryId: "${ids.get(name)}") { index } }`);
    return (body.data as { auditProof?: unknown } | null)?.auditProof;
  }

  beforeAll(async () => {
    const now = Date.now;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + passed);
    database = await create();
    server = await openAuditedServer(database);
    const acme = await fill(server, 'acme', 1);
    await fill(server, 'other', 1);
    await server.app.services.records.instruct(
      { client: acme.id, principal: 'test' },
      { purpose: 'LEGAL', reason: 'orders of courts and authorities' },
    );
    const input = {
      recipient: 'Police of Hesse',
      authority: 'Amtsgericht Frankfurt',
      authorityCountry: 'DE',
      legalBasis: '§ 95 StPO',
      reference: '931 Gs 17/26',
      scope: 'name',
      categories: ['NAME'],
      customerIds: acme.ids,
      gagUntil: new Date(Date.now() + HOUR).toISOString(),
    };
    const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
    await ask(agent, 'Before', 'query Before { customers { nodes { firstName } } }', {}, 'SUPPORT');
    const barred = await ask(staff, 'TriedInVain', recording('TriedInVain'), {
      input: { ...input, authorityCountry: 'US' },
    });
    expect(barred.errors?.[0]?.extensions.code).toBe('DISCLOSURE_BARRED');
    const recorded = await ask(staff, 'RecordSecret', recording('RecordSecret'), { input });
    const { id } = (recorded.data as unknown as { recordDisclosure: { disclosure: { id: string } } }).recordDisclosure
      .disclosure;
    const approving = `mutation ApproveSecret { approveDisclosure(input: {id: "${id}"}) { disclosure { status } } }`;
    expect((await ask(second, 'ApproveSecret', approving)).errors).toBeUndefined();
    await ask(second, 'ListSecret', 'query ListSecret { disclosures { nodes { id recipient } } }');
    await ask(agent, 'After', 'query After { customers { nodes { firstName } } }', {}, 'SUPPORT');
    await ask({ ...second, client: 'other' }, 'Elsewhere', 'query Elsewhere { disclosures { nodes { id } } }');
  });

  afterAll(async () => {
    jest.restoreAllMocks();
    await server.close();
    await database.drop();
  });

  test('the client is shown none of the operations that it must not know of, however it looks', async () => {
    expect(await shown(client)).toEqual(['After', 'Before']);
    expect(await shown(client, 1)).toEqual(['After', 'Before']);
    expect(await shown(client, 100, { principal: 'staff-1' })).toEqual([]);
    for (const name of secret) expect(await proof(client, name)).toBeNull();
    expect(await proof(client, 'Before')).toEqual({ index: expect.any(Number) });
  });

  test('the platform and auditors are shown all of it; another client its own as ever', async () => {
    const all = ['After', ...secret.toReversed(), 'Before'];
    expect(await shown(second)).toEqual(all);
    expect(await shown({ role: 'AUDITOR', client: 'acme' })).toEqual(all);
    expect(await proof(second, 'RecordSecret')).toEqual({ index: expect.any(Number) });
    expect(await shown({ ...client, client: 'other' })).toEqual(['Elsewhere']);
  });

  test('when the gag ends the client is shown them', async () => {
    passed = HOUR + 1;
    expect(await shown(client)).toEqual(expect.arrayContaining(secret));
    expect(await proof(client, 'RecordSecret')).toEqual({ index: expect.any(Number) });
  });
});
