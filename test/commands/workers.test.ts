import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { AggregatorRegistry, Registry } from 'prom-client';
import { measureErasures } from '../../src/gateway/erasure-metrics';
import { signDevelopmentToken } from '../../src/identity/development-keys';
import { type Installation, openInstallation } from '../erasure/installation';
import { remit, startRemit } from '../support/cli';
import { databases, type TestDatabase } from '../support/databases';

// Many processes are started here, on machines that may be busy.
jest.setTimeout(120_000);

interface Line extends Record<string, unknown> {
  readonly pid: number;
  readonly msg: string;
  readonly worker?: number;
}

/** `remit serve` as a user starts it, and what it wrote so far. */
class Serving {
  readonly #child: ReturnType<typeof startRemit>;
  readonly #exited: Promise<unknown[]>;
  #output = '';
  stderr = '';

  constructor(installation: Installation, words: readonly string[]) {
    const { folder, env } = installation;
    this.#child = startRemit(['serve', ...words], { cwd: folder, env: { ...env, PORT: '0' } });
    this.#exited = once(this.#child, 'exit');
    started.push(this);
    this.#child.stdout.on('data', (chunk) => {
      this.#output += chunk;
    });
    this.#child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Every line is a whole one, whoever wrote it. */
  lines(message?: string): Line[] {
    const lines = this.#output.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Line).filter(({ msg }) => message === undefined || msg === message);
  }

  /** The process ids of workers that listen, by their numbers. */
  workers(): Map<number, number> {
    const listening = this.lines().filter(({ msg }) => msg.startsWith('Server listening'));
    return new Map(listening.map(({ worker = 0, pid }) => [worker, pid]));
  }

  async eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 60_000; !(await holds()); await sleep(20)) {
      if (Date.now() < deadline) continue;
      throw new Error(`it did not come to that: ${this.#output.slice(-2_000)} ${this.stderr}`);
    }
  }

  async url(): Promise<string> {
    const said = () => this.lines().find(({ msg }) => msg.startsWith('listening on '));
    await this.eventually(() => said() !== undefined);
    return said()?.msg.slice('listening on '.length) ?? '';
  }

  async exit(): Promise<number | null> {
    const [code] = await this.#exited;
    return code as number | null;
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.exit();
  }
}

/** All that were started: a test that fails leaves none behind. */
const started: Serving[] = [];
afterAll(() => Promise.all(started.map((serving) => serving.end('SIGKILL'))));

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly last: boolean;
}

function post(url: string, headers: Record<string, string>, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json', ...headers } });
    sent.on('response', async (response) => {
      const body = await text(response).catch(reject);
      const last = response.headers.connection === 'close';
      resolve({ status: response.statusCode ?? 0, body: body ?? '', last });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ query: '{ customers(first: 2) { nodes { firstName } } }' }));
  });
}

describe.each(databases)('several workers on $name', ({ create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let serving: Serving;
  let url: string;
  let headers: Record<string, string>;
  let sent = 0;

  /** One request on a connection of its own. */
  const read = async (): Promise<Answer> => {
    const agent = new Agent();
    try {
      sent++;
      return await post(url, headers, agent);
    } finally {
      agent.destroy();
    }
  };
  const counted = async () => {
    const metrics = await fetch(url.replace('/graphql', '/metrics'));
    expect([metrics.status, metrics.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
    const counter =
      /^remit_http_request_duration_seconds_count\{method="POST",route="\/graphql",status="200"\} (\d+)$/m;
    return Number(counter.exec(await metrics.text())?.[1] ?? 0);
  };

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database);
    const { clients, customers } = installation.services;
    const { id } = await clients.register({ slug: 'acme', name: 'Acme' }, 'test');
    await customers.create(id, { firstName: 'Ada', residency: 'DE' }, 'test');
    const token = await signDevelopmentToken(
      { subject: 'agent', tenant: 'acme', roles: ['CLIENT_AGENT'], purposes: ['SUPPORT'], country: 'DE' },
      join(installation.folder, 'data', 'dev-jwt.key.json'),
    );
    headers = { authorization: `Bearer ${token}`, 'processing-purpose': 'SUPPORT' };
    serving = new Serving(installation, ['--workers', '2']);
    url = await serving.url();
  });
  afterAll(async () => {
    await serving.end('SIGKILL');
    await installation.close();
    await database.drop();
  });

  test('answer on one port, and each says in the log which it is', async () => {
    for (let n = 0; n < 10; n++) {
      const answer = await read();
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toMatchObject({ data: { customers: { nodes: [{ firstName: 'Ada' }] } } });
    }
    await serving.eventually(() => serving.lines('request').length === sent);
    const answered = serving.lines('request').map(({ worker, pid }) => `${worker} ${pid}`);
    const workers = [...serving.workers()].map(([worker, pid]) => `${worker} ${pid}`);
    expect(workers).toHaveLength(2);
    expect([...new Set(answered)].sort()).toEqual(workers.sort());
    expect(new Set([...serving.workers().values(), serving.pid]).size).toBe(3);
    const listening = serving.lines().filter(({ msg }) => msg.startsWith('listening on '));
    expect(listening).toEqual([expect.objectContaining({ pid: serving.pid, host: '127.0.0.1' })]);
    expect(listening[0]).not.toHaveProperty('worker');
  });

  test('/metrics counts the requests of both, whichever is asked', async () => {
    await serving.eventually(async () => (await counted()) === sent);
    for (let n = 0; n < 4; n++) expect(await counted()).toBe(sent);
  });

  test('one that is killed is told of and replaced, and requests are answered meanwhile', async () => {
    const before = serving.workers();
    const [[, victim = 0] = []] = before;
    process.kill(victim, 'SIGKILL');
    await serving.eventually(() => serving.lines('a worker ended unexpectedly').length === 1);
    for (let n = 0; n < 4; n++) expect((await read()).status).toBe(200);
    await serving.eventually(() => serving.workers().size === 3);
    expect(serving.lines('a worker ended unexpectedly')).toEqual([
      expect.objectContaining({ level: 50, pid: serving.pid, ended: { pid: victim, code: null, signal: 'SIGKILL' } }),
    ]);
    const [newcomer] = [...serving.workers().keys()].filter((worker) => !before.has(worker));
    await serving.eventually(async () => {
      expect((await read()).status).toBe(200);
      return serving.lines('request').some(({ worker }) => worker === newcomer);
    });
    expect((await fetch(url.replace('/graphql', '/metrics'))).status).toBe(200);
  });

  test('SIGTERM, twice, loses no request on an open connection, and exits with 0', async () => {
    let answered = 0;
    let ending = false;
    const visitors = Array.from({ length: 8 }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let last = false; !last; ) {
        const answer = await post(url, headers, agent);
        expect(answer.status).toBe(200);
        answered++;
        last = answer.last;
        if (last) expect(ending).toBe(true);
      }
      agent.destroy();
    });
    await serving.eventually(() => answered > 50);
    ending = true;
    process.kill(serving.pid, 'SIGTERM');
    await serving.eventually(() => serving.lines('shutting down').length > 0);
    expect(await serving.end()).toBe(0);
    await Promise.all(visitors);
    expect(serving.stderr).toBe('');
    expect(serving.lines('shut down').map(({ pid }) => pid)).toHaveLength(3);
  });
});

describe('workers', () => {
  let database: TestDatabase;
  let installation: Installation;

  beforeAll(async () => {
    const [embedded] = databases;
    if (!embedded) throw new Error('there is no test database');
    database = await embedded.create();
    installation = await openInstallation(database);
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  test('close once each where the whole group is told, as a terminal does', async () => {
    const serving = new Serving(installation, ['--workers', '2']);
    await serving.url();
    // Each process writes its lines by itself: the first one's may come before a worker's.
    await serving.eventually(() => serving.workers().size === 2);
    const everyone = [...serving.workers().values(), serving.pid];
    for (let times = 0; times < 2; times++) for (const pid of everyone) process.kill(pid, 'SIGINT');
    expect(await serving.exit()).toBe(0);
    for (const message of ['shutting down', 'shut down']) {
      expect(
        serving
          .lines(message)
          .map(({ pid }) => pid)
          .sort(),
      ).toEqual([...everyone].sort());
    }
    expect(serving.lines('a worker ended unexpectedly')).toEqual([]);
  });

  test('a worker that is replaced and cannot start is tried again, later each time', async () => {
    const serving = new Serving(installation, ['--workers', '2']);
    const url = await serving.url();
    const key = installation.env.REMIT_MASTER_KEY_FILE ?? '';
    await serving.eventually(() => serving.workers().size === 2);
    const [[, victim = 0] = []] = serving.workers();
    renameSync(key, `${key}.away`);
    try {
      process.kill(victim, 'SIGKILL');
      await serving.eventually(() => serving.lines('a worker could not start').length === 2);
    } finally {
      renameSync(`${key}.away`, key);
    }
    const fault = expect.stringMatching(/^REMIT_MASTER_KEY_FILE: /);
    for (const line of serving.lines('a worker could not start')) expect(line.faults).toEqual([fault]);
    expect((await fetch(url.replace('/graphql', '/healthz'))).status).toBe(200);
    await serving.eventually(() => serving.workers().size === 3);
    expect(serving.stderr).toBe('');
    expect(await serving.end()).toBe(0);
  });

  test('requests that arrive while a worker that closes is held up are answered', async () => {
    const serving = new Serving(installation, ['--workers', '2']);
    const url = await serving.url();
    const agents = Array.from({ length: 6 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    // Whatever is answered, a refusal too, says that it was not lost.
    const visit = () => Promise.all(agents.map((agent) => post(url, {}, agent)));
    const [{ status } = { status: 0 }] = await visit();
    await serving.eventually(() => serving.workers().size === 2);
    const workers = [...serving.workers().values()];
    process.kill(serving.pid, 'SIGTERM');
    await serving.eventually(() => serving.lines('shutting down').length === 3);
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    const answers = visit();
    await sleep(800);
    for (const pid of workers) process.kill(pid, 'SIGCONT');
    expect(await answers).toEqual(agents.map(() => expect.objectContaining({ status, last: true })));
    expect(await serving.exit()).toBe(0);
  });

  test('one that does not close in order makes the exit code 1', async () => {
    const serving = new Serving(installation, ['--workers', '2']);
    await serving.url();
    await serving.eventually(() => serving.workers().size === 2);
    const [[, victim = 0] = []] = serving.workers();
    process.kill(victim, 'SIGSTOP');
    process.kill(serving.pid, 'SIGTERM');
    await serving.eventually(() => serving.lines('shut down').length === 1);
    process.kill(victim, 'SIGKILL');
    expect(await serving.exit()).toBe(1);
    expect(serving.lines('the shutdown failed').map(({ pid }) => pid)).toEqual([serving.pid]);
  });

  test('what keeps every worker from starting is said once, with exit code 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const port = String((other.address() as AddressInfo).port);
    const { folder, env } = installation;
    const words = ['serve', '--workers', '3'];
    const run = (more: Record<string, string>) => remit(words, { cwd: folder, env: { ...env, PORT: '0', ...more } });
    const taken = await run({ PORT: port });
    other.close();
    expect(taken).toMatchObject({
      code: 1,
      stderr: 'error: PORT: another process listens on this port; choose another\n',
    });
    for (const [variable, value] of [
      ['REMIT_MASTER_KEY_FILE', join(folder, 'none.key')],
      ['DATABASE_URL', 'sqlite::memory:'],
      ['KEYS_DATABASE_URL', 'sqlite::memory:'],
      ['PORT', 'none'],
    ] as const) {
      const { code, stdout, stderr } = await run({ [variable]: value });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(new RegExp(`^error: ${variable}: .*\\n$`));
    }
  });

  test('are 1 to 64 or auto; anything else is a wrong call', async () => {
    for (const count of ['0', '65', '-1', '1.5', 'many', '']) {
      const { code, stdout, stderr } = await remit(['serve', '--workers', count], { cwd: installation.folder });
      expect({ count, code, stdout }).toEqual({ count, code: 2, stdout: '' });
      expect(stderr).toContain('Write a number from 1 to 64, or auto.');
    }
  });
});

test.each(databases.filter(({ name }) => name === 'MariaDB'))(
  'pending migrations on $name are said once, with exit code 1',
  async ({ create }) => {
    const database = await create();
    const [embedded] = databases;
    if (!embedded) throw new Error('there is no test database');
    const own = await embedded.create();
    const installation = await openInstallation(own);
    const { databaseUrl: DATABASE_URL, keysDatabaseUrl: KEYS_DATABASE_URL } = database;
    const { code, stdout, stderr } = await remit(['serve', '--workers', '2'], {
      cwd: installation.folder,
      env: { ...installation.env, PORT: '0', DATABASE_URL, KEYS_DATABASE_URL },
    });
    await installation.close();
    await own.drop();
    await database.drop();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: KEYS_DATABASE_URL: \d+ migrations are pending; run: remit migrate\n$/);
  },
);

test('what every worker reads from the database is not added up', async () => {
  const late = { stuck: 4, awaitingSince: undefined, nextDueAt: 1_000_000 };
  const open = { byStatus: new Map([['RECEIVED', 3]]), dueSoon: 2, overdue: 1, ...late };
  const measured = await Promise.all(
    [1, 2, 3].map(async (number) => {
      const registry = new Registry();
      measureErasures(
        registry,
        async () => open,
        () => ({ lastSuccessAt: number * 1_000, failedRuns: number }),
        86_400_000,
      );
      await registry.getMetricsAsJSON();
      return registry.getMetricsAsJSON();
    }),
  );
  const all = await AggregatorRegistry.aggregate(measured).metrics();
  expect(all.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
    'remit_erasures_due_soon 2',
    'remit_erasures_overdue 1',
    'remit_erasures_next_due_timestamp_seconds 1000',
    'remit_erasures_stuck 4',
    'remit_key_epoch_awaited_seconds 0',
    'remit_key_epoch_seconds 86400',
    // The worst of them says how the work goes.
    'remit_erasure_worker_last_success_timestamp_seconds 1',
    'remit_erasure_worker_failed_rounds 3',
    'remit_erasures_open{status="RECEIVED"} 3',
  ]);
});
