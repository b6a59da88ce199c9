import { AgreementReminders } from '../../src/register/agreement-reminders';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const DAY = 86_400_000;

describe.each(databases)('R2: a client without an agreement in force on $name', ({ create }) => {
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

  test('is told of each that is missing, once, and again when one has ended', async () => {
    const { clients, transfers } = app.services;
    const { id } = await clients.register({ slug: 'acme', name: 'Acme' }, 'test');
    let now = Date.now();
    const remind = () => new AgreementReminders(app.stores.regions, transfers.notices, () => now).tellDue();
    const told = async () => {
      const admin = { role: 'CLIENT_ADMIN', client: 'acme' } as const;
      const { data } = await app.ask(admin, undefined, '{ notices { nodes { kind subject message } } }');
      return ((data?.notices ?? { nodes: [] }) as { nodes: Array<Record<string, string>> }).nodes;
    };
    await remind();
    await remind();
    const first = await told();
    expect(first.map(({ kind, subject }) => [kind, subject?.replace(/ since.*/, '')]).sort()).toEqual([
      ['AGREEMENT_MISSING', 'No agreement of the kind DPA is in force'],
      ['AGREEMENT_MISSING', 'No agreement of the kind MASTER is in force'],
    ]);
    expect(first[0]?.message).toContain('signAgreement(input: { kind: ');

    await clients.sign(id, { kind: 'MASTER', version: '1' }, 'test');
    const until = new Date(now + 30 * DAY);
    await clients.sign(id, { kind: 'DPA', version: '1', effectiveTo: until }, 'test');
    now += 10 * DAY;
    await remind();
    expect(await told()).toHaveLength(2);

    now += 30 * DAY;
    await remind();
    await remind();
    const [latest, ...earlier] = await told();
    expect(earlier).toHaveLength(2);
    expect(latest?.subject).toBe(`No agreement of the kind DPA is in force since ${until.toISOString()}`);
  });
});
