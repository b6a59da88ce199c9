import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Installation, openInstallation } from '../erasure/installation';
import { newClient } from '../erasure/people';
import { databases, type TestDatabase } from '../support/databases';
import { root } from '../support/root';
import { type Answer, ask, tokensOf } from './asking';
import { ServedProcess } from './served-process';

jest.setTimeout(120_000);

/** Kills the process, for good, before or after the COMMIT of a transaction that stamps an idempotency key. */
const killing = `
  const companions = require(${JSON.stringify(join(root, 'dist/src/storage/companions.js'))});
  const { joined } = companions;
  const kill = () => process.kill(process.pid, 'SIGKILL');
  companions.joined = (source, work) => {
    const together = joined(source, work);
    if (together.work === work) return together;
    let hasWritten = () => false;
    return {
      work: async (manager, has) => {
        hasWritten = has;
        const result = await together.work(manager, has);
        if (process.env.KILLED === 'before COMMIT' && has()) await new Promise(kill);
        return result;
      },
      settle: () => {
        if (process.env.KILLED === 'after COMMIT' && hasWritten()) kill();
        together.settle();
      },
    };
  };`;

const create = `mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id firstName } } }`;

describe.each(databases)('a process that is killed at COMMIT, on $name', ({ create: makeDatabase }) => {
  let database: TestDatabase;
  let installation: Installation;
  let client: string;
  let token: string;
  let other: ServedProcess;

  beforeAll(async () => {
    database = await makeDatabase();
    installation = await openInstallation(database);
    client = await newClient(installation.services, 'acme');
    const { folder, env } = installation;
    mkdirSync(join(folder, 'data'), { recursive: true });
    writeFileSync(join(folder, 'killing.cjs'), killing);
    const claims = { subject: 'app', tenant: 'acme', country: 'DE', purposes: ['SUPPORT'], roles: ['CLIENT_APP'] };
    token = await tokensOf(join(folder, 'data', 'dev-jwt.key.json'))(claims as never);
    other = new ServedProcess({ name: 'other', folder, env });
    await other.start();
  });
  afterAll(async () => {
    await other.kill();
    await installation.close();
    await database.drop();
  });

  const people = async (): Promise<number> => {
    const source = await installation.stores.regions.of(client);
    const [row] = await source.query<[{ n: number }]>('SELECT COUNT(*) AS n FROM customer');
    return Number(row.n);
  };

  test.each([
    ['after COMMIT', 1, 'true'],
    ['before COMMIT', 0, null],
  ])('%s', async (killed, there, replayed) => {
    const { folder, env } = installation;
    const options = { NODE_OPTIONS: `--require ${join(folder, 'killing.cjs')}`, KILLED: killed };
    const doomed = new ServedProcess({ name: killed, folder, env: { ...env, ...options } });
    await doomed.start();
    const variables = { input: { firstName: 'Ada', externalId: killed.slice(0, 5), residency: 'DE' } };
    const headers = { 'idempotency-key': randomUUID() };
    const question = { token, purpose: 'SUPPORT', document: create, variables, headers };
    const before = await people();
    const first = await ask(doomed, question);
    expect([first.lost, await people()]).toEqual([true, before + there]);
    let again: Answer;
    // Until its lease has lapsed, the killed process may still be alive.
    for (;;) {
      again = await ask(other, question);
      if (again.status !== 409) break;
      await sleep(Number(again.retryAfter) * 1_000);
    }
    expect([again.status, again.data, again.headers?.get('idempotency-replayed')]).toEqual([
      200,
      { createCustomer: { customer: { id: expect.any(String), firstName: 'Ada' } } },
      replayed,
    ]);
    expect(await people()).toBe(before + 1);
    await doomed.kill();
  });
});
