import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Installation, openInstallation } from '../erasure/installation';
import { startRemit } from '../support/cli';
import { databases, type TestDatabase } from '../support/databases';
import { TcpProxy } from '../support/tcp-proxy';

// Processes are started here, on machines that may be busy.
jest.setTimeout(120_000);

const children: ReturnType<typeof startRemit>[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

interface Line extends Record<string, unknown> {
  readonly pid: number;
  readonly msg: string;
}

/** A server that listens, and what it has logged. */
async function serve({ folder, env }: Installation, words: readonly string[], settings: Record<string, string>) {
  const child = startRemit(['serve', ...words], { cwd: folder, env: { ...env, PORT: '0', ...settings } });
  children.push(child);
  const exited = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const lines = () =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  const said = async (what: RegExp) => {
    for (;;) {
      const line = lines().find(({ msg }) => what.test(msg));
      if (line) return line;
      if (child.exitCode !== null) throw new Error(`it ended before it said ${what}: ${output}`);
      await sleep(20);
    }
  };
  const url = (await said(/^listening on/)).msg.replace('listening on ', '');
  return { child, exited, lines, said, url };
}

describe.each(databases.slice(0, 1))('SIGTERM', ({ create }) => {
  let database: TestDatabase;
  let installation: Installation;
  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database);
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  test('a second one ends the process at once', async () => {
    const { child, exited, said } = await serve(installation, [], { SHUTDOWN_DELAY: '300', SHUTDOWN_GRACE: '600' });
    child.kill('SIGTERM');
    await said(/^shutting down/);
    // A parent may pass a signal on that the process has already: that is the same one.
    child.kill('SIGINT');
    await sleep(1_500);
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect(await exited).toEqual([1, null]);
    await said(/^told to end again/).catch(() => undefined);
  });

  test('a worker that says nothing is killed and replaced', async () => {
    const { child, exited, lines, said } = await serve(installation, ['--workers', '2'], {
      LIMITS: 'operationMs=1000',
    });
    const listening = () => lines().filter(({ msg }) => msg.startsWith('Server listening'));
    const hung = listening()[0]?.pid ?? 0;
    process.kill(hung, 'SIGSTOP');
    expect(await said(/^a worker is wedged/)).toMatchObject({ hung, faults: ['it keeps its event loop'] });
    while (listening().length < 3) await sleep(20);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  test('workers that hang are killed when their grace is over', async () => {
    const { child, exited, lines } = await serve(installation, ['--workers', '2'], { SHUTDOWN_GRACE: '2' });
    const worker = lines().find(({ msg }) => msg.startsWith('Server listening'));
    process.kill(worker?.pid ?? 0, 'SIGSTOP');
    child.kill('SIGTERM');
    expect(await exited).toEqual([1, null]);
    expect(lines()).toContainEqual(
      expect.objectContaining({ workers: [worker?.pid], msg: expect.stringContaining('outlived their grace') }),
    );
  });
});

const onServer = databases.filter(({ name }) => name === 'MariaDB');
describe.each(onServer)('a silent $name', ({ create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let proxy: TcpProxy;
  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database);
    proxy = await TcpProxy.to(database.databaseUrl);
  });
  afterAll(async () => {
    await proxy.stop();
    await installation.close();
    await database.drop();
  });

  test('does not keep workers from ending within the grace', async () => {
    const settings = { DATABASE_URL: proxy.through(database.databaseUrl), SHUTDOWN_GRACE: '4' };
    const server = await serve(installation, ['--workers', '2'], settings);
    const ask = () =>
      fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ customers(first: 1) { nodes { email } } }' }),
      }).catch(() => undefined);
    expect((await ask())?.status).toBeDefined();
    proxy.silence({ newOnes: true });
    const asked = ask();
    server.child.kill('SIGTERM');
    const [code, signal] = await server.exited;
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    await asked;
    expect(server.lines()).toContainEqual(expect.objectContaining({ hung: expect.any(String) }));
    expect(server.lines()).toContainEqual(expect.objectContaining({ msg: 'the shutdown failed' }));
  });
});
