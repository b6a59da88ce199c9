import { randomUUID } from 'node:crypto';
import { countDeadNotices, undeliveredNotices } from '../../src/register/webhooks/undelivered';
import { inTransaction } from '../../src/storage/transaction';
import { type Installation, openInstallation } from '../erasure/installation';
import { newClient } from '../erasure/people';
import { remit } from '../support/cli';
import { databases, type TestDatabase } from '../support/databases';

jest.setTimeout(120_000);

describe.each(databases)('remit webhooks, on $name', ({ create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let client: string;
  const references = { dead: randomUUID(), homeless: randomUUID(), gone: randomUUID() };

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database);
    client = await newClient(installation.services, 'acme');
    const { webhooks } = installation.services;
    const source = await installation.stores.regions.of(client);
    const owner = { kind: 'CLIENT', id: client } as const;
    const { id } = await webhooks.register(client, owner, { url: 'https://acme.example/hook' }, 'test');
    const recipient = { kind: 'CLIENT' as const, id: client, name: 'Acme' };
    const gone = { kind: 'APPLICATION' as const, id: randomUUID(), name: 'Gone' };
    await inTransaction(source, async (manager) => {
      const event = 'client.notice';
      await webhooks.queue(manager, client, event, references.dead, [{ ...recipient, endpoint: { client, id } }]);
      await webhooks.queue(manager, client, event, references.homeless, [{ ...recipient, endpoint: undefined }]);
      await webhooks.queue(manager, client, event, references.gone, [{ ...gone, endpoint: { client, id: gone.id } }]);
      const died = "UPDATE webhook_delivery SET status = 'DEAD', attempts = 11, fault = 'HTTP_503' WHERE reference = ?";
      for (const reference of [references.dead, references.gone]) await manager.query(died, [reference]);
    });
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  const run = (...words: string[]) =>
    remit(['webhooks', ...words], { cwd: installation.folder, env: installation.env });
  const undelivered = async (status: 'DEAD' | 'NO_ENDPOINT' | 'QUEUED') =>
    undeliveredNotices(await installation.stores.regions.of(client), client, status, 10);

  test('lists what was given up', async () => {
    const { notices } = JSON.parse((await run('list', '--client', 'acme', '--json')).stdout);
    expect(notices).toHaveLength(2);
    expect(notices[1]).toEqual({
      client: 'acme',
      id: expect.any(String),
      event: 'client.notice',
      reference: references.dead,
      recipientKind: 'CLIENT',
      recipient: 'Acme',
      status: 'DEAD',
      attempts: 11,
      fault: 'HTTP_503',
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    expect((await run('list')).stdout).toContain('HTTP_503');
    expect(await undelivered('NO_ENDPOINT')).toMatchObject([{ reference: references.homeless }]);
    expect(await countDeadNotices(installation.stores.regions)).toBe(2);
  });

  test('sends again what has an endpoint, and says what has none any more', async () => {
    const { webhooks } = installation.services;
    expect(await webhooks.revive(client, references.gone)).toBe(0);
    expect((await run('revive')).stdout).toBe(
      '2 notices queued again. Still given up: 1, whose recipients have no endpoint any more.\n',
    );
    expect(await undelivered('QUEUED')).toMatchObject([
      { reference: references.homeless, attempts: 0, fault: null },
      { reference: references.dead, attempts: 0, fault: null },
    ]);
    expect(JSON.parse((await run('revive', '--client', 'acme', '--json')).stdout)).toEqual({ queued: 0, left: 1 });
  });

  test('is called rightly, or says how', async () => {
    expect(await run('list', '--status', 'LOST')).toMatchObject({ code: 2, stderr: expect.stringContaining('DEAD') });
    expect(await run('revive', '--client', 'nobody')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no client "nobody"'),
    });
  });
});
