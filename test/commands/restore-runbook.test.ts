import { jobWorker } from '../../src/background';
import { type Installation, openInstallation } from '../erasure/installation';
import { countRows, newClient, plantPeople } from '../erasure/people';
import { databases, type TestDatabase } from '../support/databases';
import { commandsOf, Operator } from '../support/runbook';

/** Runs the restore of docs/restore.md (docs/pitfalls.md, 26). */
describe.each(databases)('the runbook of a restore on $name', ({ name, create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let operator: Operator;

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database);
    operator = new Operator(installation, database);
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  test('each command does what the page says, and the ledger is sound again and says what is lost', async () => {
    const commands = commandsOf('docs/restore.md', name === 'SQLite' ? 'sqlite' : 'mysql');
    const put = commands.findIndex(({ text }) => /rm -f|DROP DATABASE/.test(text));
    expect(put).toBeGreaterThan(1);
    const client = await newClient(installation.services, 'acme');
    const [erased, kept] = await plantPeople(installation.stores, client, [1, 2]);
    const before = await countRows(installation.stores, client);
    operator.follow(commands.slice(0, put));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
    await installation.services.erasure.erasures.request(client, erased?.id ?? '', filing);
    await jobWorker(installation.stores, installation.services).drain();
    const after = await countRows(installation.stores, client);
    expect(after).not.toEqual(before);

    await installation.whileClosed(async () => operator.follow(commands.slice(put)));
    expect(await countRows(installation.stores, client)).toEqual(after);
    expect(kept).toBeDefined();
    const said = operator.printed.join('');
    expect(said).toContain('NOT SOUND');
    expect(said).toMatch(/^log \S+: recorded that entries \d+ to \d+ are lost$/m);
    expect(said).toMatch(/^Sound: \d+ entries in \d+ logs?, \d+ signed checkpoints, \d acknowledged gaps?\.$/m);
    expect(said).toMatch(/^As decided: /m);
    const entries = await installation.services.auditReader.entries(
      undefined,
      { kind: 'LOG_GAP_ACKNOWLEDGED' },
      9,
      undefined,
    );
    const [entry] = entries;
    if (!entry) throw new Error('nothing was acknowledged');
    expect(entry.details).toMatchObject({ reason: expect.stringContaining('put back') });
    expect(await installation.services.auditReader.nameOf(entry)).toBe('ann@platform.example');
  }, 300_000);
});
