import { randomUUID } from 'node:crypto';
import { inTransaction } from '../../src/storage/transaction';
import { type Installation, openInstallation } from '../erasure/installation';
import { newClient } from '../erasure/people';
import { remit } from '../support/cli';
import { databases, type TestDatabase } from '../support/databases';

describe.each(databases)('remit webhooks, on $name', ({ create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let client: string;
  const references = { dead: randomUUID(), homeless: randomUUID(), gone: randomUUID() };

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database);
    client = await newClient(installation.services, 'acme');
    await newClient(installation.services, 'quiet');
    const { webhooks } = installation.services;
    const source = await installation.stores.regions.of(client);
    const owner = { kind: 'CLIENT', id: client } as const;
    const { id } = await webhooks.register(client, owner, 'https://acme.example/hook', 'test');
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

  const run = async (...words: string[]) => {
    const { code, stdout, stderr } = await remit(['webhooks', ...words], {
      cwd: installation.folder,
      env: installation.env,
    });
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  const listed = async (...words: string[]) => JSON.parse(await run('list', '--json', ...words)).notices;

  test('lists what was given up, sends it again, and says what has no endpoint any more', async () => {
    const dead = await listed();
    expect(dead.map(({ reference }: { reference: string }) => reference).sort()).toEqual(
      [references.dead, references.gone].sort(),
    );
    expect(dead.find(({ reference }: { reference: string }) => reference === references.dead)).toEqual({
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
    expect(await run('list')).toContain('HTTP_503');
    expect(await listed('--client', 'quiet')).toEqual([]);
    expect(await run('list', '--client', 'quiet')).toBe('There are none.\n');
    expect(await listed('--status', 'NO_ENDPOINT')).toMatchObject([{ reference: references.homeless }]);

    expect(JSON.parse(await run('revive', '--reference', references.gone, '--json'))).toEqual({ queued: 0, left: 1 });
    expect(await run('revive', '--client', 'acme')).toBe(
      '2 notices queued again. Still given up: 1, whose recipients have no endpoint any more.\n',
    );
    expect(await listed('--status', 'QUEUED')).toEqual([
      expect.objectContaining({ reference: references.homeless, attempts: 0, fault: null }),
      expect.objectContaining({ reference: references.dead, attempts: 0, fault: null }),
    ]);
    expect(JSON.parse(await run('revive', '--json'))).toEqual({ queued: 0, left: 1 });
  });

  test('is called rightly, or says how', async () => {
    const wrong = (...words: string[]) =>
      remit(['webhooks', ...words], { cwd: installation.folder, env: installation.env });
    expect(await wrong('list', '--status', 'LOST')).toMatchObject({ code: 2, stderr: expect.stringContaining('DEAD') });
    expect(await wrong('revive', '--client', 'nobody')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no client "nobody"'),
    });
    expect((await wrong('revive', '--help')).stdout).toContain('Example:');
  });
});
