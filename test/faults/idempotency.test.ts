import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Installation, openInstallation } from '../erasure/installation';
import { newClient } from '../erasure/people';
import { databases, type TestDatabase } from '../support/databases';
import { root } from '../support/root';
import { type Answer, ask, type Question, tokensOf, until } from './asking';
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

const erase = `mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { request { id } } }`;
const suspend = `mutation ($input: SuspendLegalBasisInput!) {
  suspendLegalBasis(input: $input) { suspension { id } clients { slug } } }`;
/** The program of docs/client-apps.md that sends requests again. */
const sessionOfThePage = (): string =>
  /^```js session\.js\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, 'docs/client-apps.md'), 'utf8'))?.[1] ?? '';
const isUp = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  );
const create = `mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id firstName } } }`;

describe.each(databases)('a process that is killed at COMMIT, on $name', ({ create: makeDatabase }) => {
  let database: TestDatabase;
  let installation: Installation;
  let client: string;
  let token: string;
  let admin: string;
  let officer: string;
  let other: ServedProcess;
  const started: ServedProcess[] = [];

  beforeAll(async () => {
    database = await makeDatabase();
    installation = await openInstallation(database);
    client = await newClient(installation.services, 'acme');
    const { folder, env } = installation;
    mkdirSync(join(folder, 'data'), { recursive: true });
    writeFileSync(join(folder, 'killing.cjs'), killing);
    const sign = tokensOf(join(folder, 'data', 'dev-jwt.key.json'));
    const claims = { subject: 'app', tenant: 'acme', country: 'DE', purposes: ['SUPPORT'], roles: ['CLIENT_APP'] };
    token = await sign(claims as never);
    admin = await sign({ ...claims, purposes: ['LEGAL'], roles: ['CLIENT_ADMIN'] } as never);
    officer = await sign({ ...claims, purposes: ['LEGAL'], roles: ['PLATFORM_PRIVACY_OFFICER'] } as never);
    other = new ServedProcess({ name: 'other', folder, env });
    await other.start();
  });
  afterAll(async () => {
    for (const process of [other, ...started]) await process.kill();
    await installation.close();
    await database.drop();
  });

  const count = async (table: string): Promise<number> => {
    const source = await installation.stores.regions.of(client);
    const [row] = await source.query<[{ n: number }]>(`SELECT COUNT(*) AS n FROM ${table}`);
    return Number(row.n);
  };
  const people = () => count('customer');
  /** Until its lease has lapsed, the killed process may still be alive. */
  const askAgain = async (question: Question): Promise<Answer> => {
    for (;;) {
      const again = await ask(other, question);
      if (again.status !== 409) return again;
      await sleep(Number(again.retryAfter) * 1_000);
    }
  };
  const startDoomed = async (killed: string): Promise<ServedProcess> => {
    const { folder, env } = installation;
    const options = { NODE_OPTIONS: `--require ${join(folder, 'killing.cjs')}`, KILLED: killed };
    const doomed = new ServedProcess({ name: killed, folder, env: { ...env, ...options } });
    started.push(doomed);
    await doomed.start();
    return doomed;
  };

  test.each([
    ['after COMMIT', 1, 'true'],
    ['before COMMIT', 0, null],
  ])('%s', async (killed, there, replayed) => {
    const doomed = await startDoomed(killed);
    const variables = { input: { firstName: 'Ada', externalId: killed.slice(0, 5), residency: 'DE' } };
    const headers = { 'idempotency-key': randomUUID() };
    const question = { token, purpose: 'SUPPORT', document: create, variables, headers };
    const before = await people();
    const first = await ask(doomed, question);
    expect([first.lost, await people()]).toEqual([true, before + there]);
    const again = await askAgain(question);
    expect([again.status, again.data, again.headers?.get('idempotency-replayed')]).toEqual([
      200,
      { createCustomer: { customer: { id: expect.any(String), firstName: 'Ada' } } },
      replayed,
    ]);
    expect(await people()).toBe(before + 1);
  });

  test('the loop of the page on client apps comes through: one person, and one answer', async () => {
    const { folder } = installation;
    const doomed = await startDoomed('after COMMIT');
    const provider = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: token, expires_in: 600 }));
    }).listen(0, '127.0.0.1');
    await once(provider, 'listening');
    const session = sessionOfThePage()
      .replace('https://remit.example/graphql', doomed.url)
      .replace('https://id.example/oauth/token', `http://127.0.0.1:${(provider.address() as AddressInfo).port}/`);
    writeFileSync(join(folder, 'session.mjs'), session);
    const variables = { input: { firstName: 'Cy', residency: 'DE' } };
    const options = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'processing-purpose': 'SUPPORT' },
      body: JSON.stringify({ query: create, variables }),
    };
    const program = `import { api, remitFetch } from './session.mjs';
      const response = await remitFetch(api, ${JSON.stringify(options)});
      console.log(response.status, response.headers.get('idempotency-replayed'), await response.text());`;
    writeFileSync(join(folder, 'program.mjs'), program);
    const before = await people();
    const child = spawn(process.execPath, ['program.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const output = text(child.stdout);
    await until('the server dies', async () => !(await isUp(doomed.url)));
    await doomed.kill();
    await doomed.start();
    expect(await output).toMatch(/^200 true .*"firstName":"Cy"/);
    expect(await people()).toBe(before + 1);
    provider.close();
  });

  test('between the steps of an erasure, and of a suspension: what is told is what is there', async () => {
    const { customers, parties } = installation.services;
    const customerId = await customers.create(client, { firstName: 'Bea', residency: 'DE' }, 'test');
    await parties.registerSubProcessor({
      ...{ slug: 'cloud', name: 'Cloud Inc.', service: 'hosting', country: 'US', purposes: ['SUPPORT'] },
      categories: ['NAME'],
      certifications: [{ framework: 'EU_US_DPF' as never, from: new Date(Date.UTC(2024, 0)) }],
    });
    const later = '2040-01-01T00:00:00Z';
    const cases = [
      { token: admin, document: erase, input: { customerId, grounds: 'OBJECTION', startsAt: later } },
      { token: officer, document: suspend, input: { basis: 'EU-2023/1795', reason: 'judgment', from: later } },
    ];
    const doomed = await startDoomed('after COMMIT');
    const questions = cases.map(({ input, ...asked }) => {
      return { ...asked, purpose: 'LEGAL', variables: { input }, headers: { 'idempotency-key': randomUUID() } };
    });
    for (const question of questions) {
      expect((await ask(doomed, question)).lost).toBe(true);
      await doomed.kill();
      if (question !== questions.at(-1)) await doomed.start();
    }
    const answers = await Promise.all(questions.map(askAgain));
    const found = answers.map(({ codes, write, headers }) => [codes, write, headers?.get('idempotency-replayed')]);
    expect(found).toEqual([
      [['ALREADY_DONE'], 'PARTLY', 'true'],
      [['ALREADY_DONE'], 'PARTLY', 'true'],
    ]);
    expect([
      await count('erasure_request'),
      await count('legal_basis_suspension'),
      await count('client_notice WHERE id IN (SELECT id FROM legal_basis_suspension)'),
    ]).toEqual([1, 1, 0]);
  });
});
