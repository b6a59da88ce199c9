import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyCertificate } from '../../src/erasure/records/certificate';
import { remit, startRemit } from '../support/cli';
import { databases, type TestDatabase } from '../support/databases';
import { type Installation, openInstallation } from './installation';
import { CANARY, countRows, dump, newClient, plantedRows, plantPeople } from './people';

const PEOPLE = 200;
const ROUNDS = 10;

type Reached = 'AWAITING_EPOCH' | 'COMPLETED';

/**
 * A file's bytes, read by another process. Closing a file releases all locks of the process on it, SQLite's among them.
 * Another process could then take the database for its own.
 */
const bytesOf = (file: string): Buffer => execFileSync('cat', [file], { maxBuffer: 1 << 30 });

/**
 * Workers are killed at any moment, twenty times, and still each person is erased and counted once
 * (docs/statement.md, D2; docs/pitfalls.md, 25 and 28).
 */
describe.each(databases)('erasures whose workers are killed, on $name', ({ create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let client: string;
  let log = '';

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database, 'daily');
    client = await newClient(installation.services, 'acme');
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  const worker = (): ChildProcess => {
    const words = ['erasures', 'run', '--watch', '--lease', '1', '--concurrency', '2'];
    const child = startRemit(words, { cwd: installation.folder, env: installation.env });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes) => {
        log += String(bytes);
      });
    }
    return child;
  };
  const kill = async (child: ChildProcess, signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  const reached = async (status: Reached) => {
    const [row] = await installation.stores.regions.home.query<Array<{ n: number }>>(
      'SELECT COUNT(*) AS n FROM erasure_request WHERE client_id = ? AND status = ?',
      [client, status],
    );
    return Number(row?.n);
  };
  const until = async (status: Reached, count: number) => {
    // A busy machine is slow, but something ends within a minute.
    for (let [known, deadline] = [-1, 0]; ; await sleep(10)) {
      const now = await reached(status);
      if (now >= count) return;
      if (now !== known) [known, deadline] = [now, Date.now() + 60_000];
      if (Date.now() > deadline) throw new Error(`${now} of ${count} are ${status}; ${log}`);
    }
  };
  /** Two workers, killed again and again somewhere within the work on the next few, at a moment of chance. */
  const killWhile = async (status: Reached, rounds: number) => {
    for (let round = 1; round <= rounds; round++) {
      const before = await reached(status);
      const workers = [worker(), worker()];
      await until(status, Math.min(before + 1 + Math.floor(Math.random() * 8), PEOPLE));
      await sleep(Math.random() * 30);
      for (const each of workers) {
        // Whoever ends by itself was not killed: the log says why.
        expect([each.exitCode, log]).toEqual([null, '']);
        await kill(each, 'SIGKILL');
      }
    }
    expect(await reached(status)).toBeLessThan(PEOPLE);
    const last = [worker(), worker()];
    await until(status, PEOPLE);
    for (const each of last) await kill(each, 'SIGTERM');
    log = '';
  };

  test(`${PEOPLE} erasures, ${2 * ROUNDS} times SIGKILL`, async () => {
    const { stores, services, folder } = installation;
    const people = await plantPeople(
      stores,
      client,
      Array.from({ length: PEOPLE }, (_, number) => number),
    );
    const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'CLIENT_INSTRUCTION', note: CANARY } as const;
    const ids = people.map(({ id }) => id);
    expect(await services.erasure.erasures.requestMany(client, ids, filing)).toMatchObject({ requested: PEOPLE });
    await killWhile('AWAITING_EPOCH', ROUNDS - 3);
    const turned = await remit(['keys', 'turn', '--json'], { cwd: installation.folder, env: installation.env });
    expect(JSON.parse(turned.stdout)).toMatchObject({ turned: [{ destroyed: PEOPLE }], woken: PEOPLE });
    await killWhile('COMPLETED', 3);

    expect(Object.values(await countRows(stores, client))).toEqual(Object.values(plantedRows).map(() => 0));
    const states = await services.erasure.erasures.list(client, {}, PEOPLE, undefined);
    expect(states).toHaveLength(PEOPLE);
    const keys = await services.erasure.signingKeys.publicKeys();
    for (const { id } of states) {
      const steps = await services.erasure.erasures.steps(client, id);
      const rows = Object.fromEntries(steps.map((step) => [step.store.replace(/^(data|keys):/, ''), step.rows]));
      expect(rows).toMatchObject({ ...plantedRows, subject_key: 1 });
      expect(steps.every(({ status }) => status === 'DONE')).toBe(true);
      const entry = await services.erasure.records.require(client, id);
      const counted = steps.map(({ store, action, rows: n }) => ({ store, action, rows: n }));
      expect(entry.outcome?.erased.map(({ store, action, rows: n }) => ({ store, action, rows: n }))).toEqual(counted);
      const statement = await verifyCertificate(entry.certificate ?? '', keys);
      expect(statement.erased).toEqual(entry.outcome?.erased);
      expect(statement).toMatchObject({ version: 2, keyDestroyed: true, epoch: { number: 1 } });
    }
    expect(await stores.keysSource.query('SELECT subject_id FROM subject_key WHERE client_id = ?', [client])).toEqual(
      [],
    );
    expect(await stores.regions.home.query("SELECT id FROM job WHERE queue = 'erasure'")).toEqual([]);

    for (const source of [stores.regions.home, stores.keysSource]) {
      const texts = await dump(source);
      expect(texts).not.toContain(CANARY);
      for (const { id } of people.slice(0, 20)) expect(texts).not.toContain(id);
    }
    expect(log).not.toContain(CANARY);
    const folders = database.databaseUrl.startsWith('sqlite:')
      ? [folder, dirname(database.databaseUrl.slice('sqlite:'.length))]
      : [folder];
    for (const each of folders) {
      for (const entry of readdirSync(each, { recursive: true, withFileTypes: true })) {
        if (entry.isFile()) expect(bytesOf(join(entry.parentPath, entry.name)).includes(CANARY)).toBe(false);
      }
    }
  }, 400_000);

  test('imports killed beside their workers leave nothing of whom they wrote about', async () => {
    const { stores, services, folder, env } = installation;
    const globex = await newClient(services, 'globex');
    const numbers = Array.from({ length: 15 }, (_, number) => number);
    const people = await plantPeople(stores, globex, numbers);
    const orders = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap((round) =>
      people.map(({ externalId }, number) => `O${number}-${round},${externalId},5`),
    );
    const [file, map] = [join(folder, 'orders.csv'), join(folder, 'orders.json')];
    writeFileSync(file, ['no,who,sum', ...orders, ''].join('\n'));
    writeFileSync(map, JSON.stringify({ externalId: 'no', customerExternalId: 'who', total: 'sum' }));
    const words = ['import', file, '--client', 'globex', '--as', 'orders', '--map', map, '--json'];
    const importer = (): ChildProcess => startRemit(words, { cwd: folder, env });
    const imported = async () => (await countRows(stores, globex)).purchase_order > 2 * people.length;
    let child = importer();
    while (child.exitCode === null && !(await imported())) await sleep(5);
    const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
    const ids = people.map(({ id }) => id);
    expect(await services.erasure.erasures.requestMany(globex, ids, filing)).toMatchObject({ requested: ids.length });
    for (let round = 0; round < 3; round++) {
      const erasing = worker();
      await sleep(500 + Math.random() * 1_500);
      await kill(erasing, 'SIGKILL');
      await kill(child, 'SIGKILL');
      child = importer();
    }
    const last = worker();
    if (child.exitCode === null) await once(child, 'exit');
    for (const deadline = Date.now() + 150_000; ; await sleep(50)) {
      const open = { status: ['RECEIVED', 'IN_PROGRESS', 'ATTENTION_REQUIRED'] as const };
      if ((await services.erasure.erasures.list(globex, open, 1, undefined)).length === 0) break;
      if (Date.now() > deadline) throw new Error(`some are not done; ${log}`);
    }
    await kill(last, 'SIGTERM');
    expect(Object.values(await countRows(stores, globex))).toEqual(Object.values(plantedRows).map(() => 0));
    const [keys] = await stores.keysSource.query<Array<{ n: number }>>(
      'SELECT COUNT(*) AS n FROM subject_key WHERE client_id = ?',
      [globex],
    );
    expect(Number(keys?.n)).toBe(0);
  }, 300_000);
});
