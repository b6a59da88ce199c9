import { type AuditedServer, openAuditedServer } from '../audit/audited-server';
import type { Asker } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };
const input = (externalId: string) => `{ externalId: "${externalId}", firstName: "Ada", residency: "DE" }`;
const creating = (id: string) => `mutation { createCustomer(input: ${input(id)}) { customer { id firstName } } }`;
const granting = `mutation { grantPurpose(input: { purpose: SUPPORT, granteeKind: PRINCIPAL, grantee: "ada",
  reason: "ticket 12" }) { grant { id } } }`;

describe.each(databases)('an answer says what became of the write, on $name', ({ create }) => {
  let database: TestDatabase;
  let server: AuditedServer;

  beforeAll(async () => {
    database = await create();
    server = await openAuditedServer(database);
    await server.app.services.clients.register({ slug: 'acme', name: 'Acme', country: 'DE' }, 'test');
  });
  afterAll(async () => {
    await server.close();
    await database.drop();
  });

  const count = async (table: string): Promise<number> => {
    const [row] = await server.app.stores.regions.home.query<[{ n: number }]>(`SELECT COUNT(*) AS n FROM ${table}`);
    return Number(row.n);
  };
  /** Runs with a ledger that takes no entry. */
  const unrecorded = async <T>(run: () => Promise<T>): Promise<T> => {
    const rename = (from: string, to: string) =>
      server.app.stores.regions.home.query(`ALTER TABLE ${from} RENAME TO ${to}`);
    await rename('audit_entry', 'audit_entry_away');
    try {
      return await run();
    } finally {
      await rename('audit_entry_away', 'audit_entry');
    }
  };

  test('one that is done and cannot be recorded says DONE, and is there', async () => {
    const before = await count('customer');
    const { status, body } = await unrecorded(() => server.post(admin, 'SERVICE_DELIVERY', creating('one')));
    expect([status, body.data]).toEqual([503, null]);
    expect(body.errors).toMatchObject([
      {
        message: expect.stringContaining('The change was made'),
        extensions: { code: 'AUDIT_UNAVAILABLE', write: 'DONE' },
      },
    ]);
    expect(await count('customer')).toBe(before + 1);
  });

  test('one whose entry must come first says NOT_DONE, and is not there', async () => {
    const before = await count('purpose_grant');
    const { body } = await unrecorded(() => server.post(officer, undefined, granting));
    expect(body.errors?.[0]?.extensions).toMatchObject({ code: 'AUDIT_UNAVAILABLE', write: 'NOT_DONE' });
    expect(await count('purpose_grant')).toBe(before);
  });

  test('of several in one operation, done and not done together are PARTLY', async () => {
    const both = `mutation { createCustomer(input: ${input('two')}) { customer { id firstName } }
      ${granting.slice('mutation {'.length)}`;
    const either = { ...admin, also: ['CLIENT_PRIVACY_OFFICER'] as const };
    const before = await count('customer');
    const { body } = await unrecorded(() => server.post(either, 'SERVICE_DELIVERY', both));
    expect(body.errors?.[0]?.extensions).toMatchObject({ code: 'AUDIT_UNAVAILABLE', write: 'PARTLY' });
    expect(await count('customer')).toBe(before + 1);
  });

  test('a refusal says nothing of it', async () => {
    const { body } = await server.post({ ...admin, role: 'CLIENT_AGENT' }, 'SUPPORT', granting);
    expect(body.errors?.[0]?.extensions).not.toHaveProperty('write');
  });
});
