import { GranteeKind } from '../../src/identity/purpose-grant';
import { type Asker, claimsOf, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme', subject: 'mara' };
const mailer = { slug: 'mailer', name: 'Mailer', service: 'mail', country: 'IE' };
const HOUR_MS = 3_600_000;

// Whoever is alike may share an answer (docs/pitfalls.md, 18).
describe.each(databases)('who is alike on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    acme = (await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
    await app.services.clients.register({ slug: 'globex', name: 'Globex' }, 'test');
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const alike = async (asker: Asker | undefined, purpose = 'SUPPORT') =>
    (await app.services.accessService.contextFor(claimsOf(asker), purpose)).alike;
  const grant = (granteeKind: GranteeKind, grantee: string, more = {}) =>
    app.services.records.grant(
      { client: acme, principal: 'test' },
      { granteeKind, grantee, purpose: 'SUPPORT', reason: 'a test', ...more },
    );

  test('principals are, whose claims and rights are the same, however long their tokens last', async () => {
    const known = await alike(agent);
    expect(known).toEqual(expect.stringContaining('CLIENT_AGENT'));
    expect(await alike({ ...agent, subject: 'nils' })).toBe(known);
    const later = { ...claimsOf(agent), expiresAt: Date.now() + HOUR_MS };
    expect((await app.services.accessService.contextFor(later, 'SUPPORT')).alike).toBe(known);
    expect(known).not.toContain('mara');
  });

  const others: Array<[what: string, asker: Asker | undefined]> = [
    ['another role', { ...agent, role: 'CLIENT_ADMIN' }],
    ['one role more', { ...agent, also: ['CLIENT_APP'] }],
    ['roles of two sides', { ...agent, also: ['PARTNER'] }],
    ['another client', { ...agent, client: 'globex' }],
    ['a client that there is not', { ...agent, client: 'nobody' }],
    ['no client', { role: 'CLIENT_AGENT', subject: 'mara' }],
    ['another country', { ...agent, country: 'US' }],
    ['no country', { ...agent, country: null }],
    ['another purpose', { ...agent, purposes: ['SUPPORT'] }],
    ['no purpose', { ...agent, purposes: [] }],
    ['a scope', { ...agent, scopes: ['crm:read'] }],
    ['no token', undefined],
  ];
  test.each(others)('%s is not', async (_what, asker) => {
    expect(await alike(asker)).not.toBe(await alike(agent));
  });

  test('a third party is like nobody else, whatever it may do', async () => {
    for (const role of ['PARTNER', 'SUB_PROCESSOR'] as const) {
      const third: Asker = { role, client: 'acme', subject: 'one' };
      expect(await alike({ ...third, subject: 'two' })).not.toBe(await alike(third));
    }
  });

  test('a grant to one makes that one unlike the others, and one to a role changes all who have it', async () => {
    const nils: Asker = { ...agent, subject: 'nils' };
    const before = await alike(nils);
    await grant(GranteeKind.PRINCIPAL, 'mara');
    expect(await alike(agent)).not.toBe(await alike(nils));
    const between = await alike(nils);
    expect(between).not.toBe(before);
    await grant(GranteeKind.ROLE, 'CLIENT_AGENT', { categories: ['NAME'] });
    expect(await alike(nils)).not.toBe(between);
  });

  test('what a client changes counts at once, and so does what the register says', async () => {
    let known = await alike(agent);
    const changes = [
      () => app.services.clients.sign(acme, { kind: 'DPA', version: '1', excludedPurposes: ['IMPROVEMENT'] }, 'test'),
      () => app.services.parties.registerSubProcessor({ ...mailer, purposes: ['SUPPORT'], categories: ['NAME'] }),
    ];
    for (const change of changes) {
      await change();
      const now = await alike(agent);
      expect(now).not.toBe(known);
      known = now;
    }
  });
});
