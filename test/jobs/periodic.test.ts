import { randomUUID } from 'node:crypto';
import type { DataSource, QueryRunner } from 'typeorm';
import { Anchoring } from '../../src/audit/witness/anchors';
import { backgroundTasks } from '../../src/background';
import { openErasures } from '../../src/erasure/requests/open-erasures';
import type { Task } from '../../src/jobs/scheduler';
import { createServices } from '../../src/services';
import { dialectOf } from '../../src/storage/dialect';
import { insertStatement } from '../../src/storage/sql';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';

/** Rows of each kind that are long done. */
const HISTORY = 1_500;
/** No periodic statement may touch more rows: it would read history. */
const MOST_ROWS = 150;

/** Tables that a periodic statement may read as a whole, and why. */
const small: ReadonlyMap<string, string> = new Map([
  ['background_task', 'has a row for each task'],
  ['retention_rule', 'has a row for each rule of a client; read once a day'],
  ['migrations', 'has a row for each migration'],
]);

interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

describe.each(databases)('what a server does by itself on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: string;

  beforeEach(async () => {
    database = await create();
    app = await openTestApp(database);
    const { clients, customers } = app.services;
    client = (await clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
    await customers.create(client, { firstName: 'Ada' }, 'test');
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await app.services.ledger.close();
    await app.close();
    await database.drop();
  });

  const tasksOf = ({ stores, services }: TestApp): Task[] =>
    backgroundTasks(
      stores,
      services,
      new Anchoring(services.ledger, [], fail),
      { sweep: async () => 0 },
      {
        keyRotation: 'off',
        clientSecretRotation: 'off',
        onJobFailure: fail,
        onDead: fail,
        onFailure: fail,
        onNear: () => undefined,
      },
    );

  async function plantHistory(): Promise<void> {
    const { home } = app.stores.regions;
    const then = Date.now() - 86_400_000;
    const log = randomUUID();
    await plant(home, 'erasure_request', (at) => ({
      client_id: client,
      id: randomUUID(),
      kind: 'CUSTOMER',
      status: at % 9 === 0 ? 'CANCELLED' : 'COMPLETED',
      requested_at: then,
      due_at: then + at,
    }));
    await plant(home, 'webhook_delivery', (at) => ({
      client_id: client,
      id: randomUUID(),
      event: 'erasure.requested',
      reference: randomUUID(),
      recipient_id: randomUUID(),
      endpoint_id: log,
      status: at % 9 === 0 ? 'DEAD' : 'NOTIFIED',
      next_at: then,
    }));
    await plant(home, 'disclosure', () => ({
      client_id: client,
      id: randomUUID(),
      status: 'MADE',
      requested_at: then,
      told_at: then,
    }));
    await plant(home, 'announcement', () => ({
      id: randomUUID(),
      kind: 'K',
      subject: 's',
      message: 'm',
      told_at: then,
    }));
    await plant(home, 'client_export', () => ({
      client_id: client,
      id: randomUUID(),
      status: 'EXPIRED',
      collect_by: then,
      removed_at: then,
    }));
    await plant(home, 'job', () => ({
      client_id: client,
      id: randomUUID(),
      queue: 'erasure',
      run_at: Number.MAX_SAFE_INTEGER,
      attempts: 0,
    }));
    await plant(home, 'audit_log', () => ({ log_id: randomUUID(), opened_at: then, settled: 1, pruned: 0 }));
    await plant(home, 'audit_entry', (at) => ({
      log_id: log,
      sequence: at,
      entry_id: randomUUID(),
      body: Buffer.from('{}'),
      leaf_hash: 'x',
    }));
    await plant(app.stores.keysSource, 'audit_head', () => ({
      log_id: randomUUID(),
      tree_size: 1,
      checkpoint: 'x',
      settled: 1,
    }));
  }

  test('reads nothing of what is long done: no statement scans a table that grows', async () => {
    await plantHistory();
    const { regions, keysSource } = app.stores;
    for (const source of [regions.home, keysSource]) await analyze(source);
    const logs = [regions.home, keysSource].map((source) => ({ source, log: recordSql(source) }));
    for (const task of tasksOf(app)) expect(await task.run(new AbortController().signal)).toBe(false);
    // What /metrics and /readyz ask, and how another process opens its log.
    await openErasures(regions);
    const other = createServices(app.stores);
    await other.recorder.record('GRANT_GIVEN', { principal: 'test' });
    await other.ledger.close();
    const sent = logs.flatMap(({ source, log }) => log.take().map((statement) => ({ ...statement, source })));
    const all = sent.map(({ sql }) => sql).join('\n');
    for (const table of ['webhook_delivery', 'client_export', 'audit_log', 'audit_head', 'disclosure', 'announcement'])
      expect(all).toContain(table);

    const faults: string[] = [];
    for (const { source, ...statement } of sent) {
      const runner = source.createQueryRunner();
      const scanned = (await tablesScanned(runner, statement)).filter((table) => !small.has(table));
      const read = await rowsRead(runner, statement);
      if (scanned.length > 0 || read > MOST_ROWS) faults.push(`${statement.sql}: scans ${scanned}, reads ${read} rows`);
      await runner.release();
    }
    expect(faults).toEqual([]);
    // Broken on purpose: the test would notice.
    const runner = regions.home.createQueryRunner();
    const bad = { sql: `SELECT client_id FROM disclosure d WHERE d.recipient = ?`, parameters: ['x'] };
    expect(await tablesScanned(runner, bad)).toEqual(['disclosure']);
    if (name === 'MariaDB') expect(await rowsRead(runner, bad)).toBeGreaterThan(HISTORY);
    await runner.release();
  }, 60_000);

  test('hardly asks its databases while nothing is due', async () => {
    const { home } = app.stores.regions;
    const idle = simulation(tasksOf(app));
    const log = recordSql(home);
    await idle.advance(60_000);
    log.take();
    await idle.advance(60_000);
    const sent = log.take().map(({ sql }) => sql);
    const looks = sent.filter((sql) => sql.includes('MIN(run_at)'));
    // docs/performance.md: one look at each database in ten seconds, or one a second in the embedded one.
    const { most, least } = name === 'MariaDB' ? { most: 7, least: 5 } : { most: 67, least: 54 };
    expect(looks.length).toBeLessThanOrEqual(most);
    expect(looks.length).toBeGreaterThanOrEqual(least);
    // And at most one look at the shared tasks in ten seconds, whichever process runs them.
    const board = sent.filter((sql) => sql.includes('background_task'));
    expect(board.length).toBeLessThanOrEqual(6);
    const others = sent.filter((sql) => !looks.includes(sql) && !board.includes(sql));
    expect(others).toEqual([]);
  }, 60_000);

  test('looks at once for work that this process has scheduled', async () => {
    const tasks = tasksOf(app);
    const jobs = tasks.find((task) => task.name === 'jobs') as Task;
    const idle = simulation(tasks);
    await idle.advance(30_000);
    const sooner = jest.fn();
    jobs.onSooner?.(sooner);
    // Just after a look, so that the next one is far enough away.
    while ((jobs.pauseMs?.() ?? 0) <= 50) await idle.advance(50);
    const [person] = await app.stores.regions.home.query<Array<{ id: string }>>('SELECT id FROM customer');
    const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
    await app.services.erasure.erasures.request(client, person?.id ?? '', filing);
    expect(sooner).toHaveBeenCalled();
    expect(jobs.pauseMs?.()).toBeLessThanOrEqual(50);
    const { home } = app.stores.regions;
    const log = recordSql(home);
    await idle.advance(1_000);
    expect(log.take().some(({ sql }) => sql.includes('UPDATE `job` SET lease_holder'))).toBe(true);
  }, 60_000);

  test('destroys the keys that a fault has left without a person', async () => {
    const { home } = app.stores.regions;
    const { keysSource } = app.stores;
    const keys = async () => Number((await keysSource.query('SELECT COUNT(*) AS n FROM subject_key'))[0].n);
    const before = await keys();
    await home.query('ALTER TABLE customer RENAME TO customer_away');
    await expect(app.services.customers.create(client, { firstName: 'Bob' }, 'test')).rejects.toThrow();
    await home.query('ALTER TABLE customer_away RENAME TO customer');
    expect(await keys()).toBe(before + 1);
    const sweep = tasksOf(app).find((task) => task.name === 'orphan keys') as Task;
    await keysSource.query('UPDATE subject_key SET created_at = created_at - ?', [7_200_000]);
    await sweep.run(new AbortController().signal);
    expect(await keys()).toBe(before);
    expect((await app.stores.keys.subjectKeys(client, await people())).size).toBe(1);
  }, 60_000);

  const people = async () =>
    (await app.stores.regions.home.query<Array<{ id: string }>>('SELECT id FROM customer')).map(({ id }) => id);

  test('runs each shared task in one of several processes', async () => {
    const { disclosures } = app.services;
    const others = await Promise.all([app.replica(), app.replica()]);
    try {
      const told = [app, ...others].map(({ services }) => jest.spyOn(services.disclosures, 'tellDue'));
      const runs = [app, ...others].flatMap((each) =>
        tasksOf(each)
          .filter((task) => task.name === 'notices of disclosures')
          .map((task) => task.run(new AbortController().signal)),
      );
      await Promise.all(runs);
      expect(told.reduce((sum, { mock }) => sum + mock.calls.length, 0)).toBe(1);
      // The next minute another one may run it; where it fails, it is tried again.
      const { home } = app.stores.regions;
      await home.query('UPDATE background_task SET due_at = 0');
      const [other] = others;
      if (!other) throw new Error('no replica');
      jest.spyOn(other.services.disclosures, 'tellDue').mockRejectedValueOnce(new Error('away'));
      const task = tasksOf(other).find((each) => each.name === 'notices of disclosures') as Task;
      await expect(task.run(new AbortController().signal)).rejects.toThrow('away');
      const [row] = await home.query<Array<{ held_until: number | null; due_at: number; done_at: number }>>(
        "SELECT held_until, due_at, done_at FROM background_task WHERE name = 'notices of disclosures'",
      );
      expect(row).toMatchObject({ held_until: null });
      expect(Number(row?.due_at)).toBeGreaterThan(Number(row?.done_at));
      expect(disclosures).toBeDefined();
    } finally {
      for (const other of others) await other.stores.close();
    }
  }, 60_000);
});

const fail = (error: unknown) => {
  throw error;
};

/** Lets tasks run as the scheduler does, on a clock that is put forward. */
function simulation(tasks: readonly Task[]): { advance(ms: number): Promise<void> } {
  const next = new Map(tasks.map((task) => [task, 0]));
  const began = performance.now();
  const since = Date.now();
  let passed = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => began + passed);
  jest.spyOn(Date, 'now').mockImplementation(() => Math.trunc(since + passed));
  return {
    advance: async (ms) => {
      const end = passed + ms;
      for (;;) {
        // The pause of a task may have become shorter meanwhile.
        const times = tasks.map((task) => [
          task,
          Math.min(next.get(task) ?? 0, passed + (task.pauseMs?.() ?? Infinity)),
        ]);
        const [task, at] = (times as Array<[Task, number]>).reduce((one, other) => (other[1] < one[1] ? other : one));
        if (at > end) break;
        passed = Math.max(passed, at);
        const more = await task.run(new AbortController().signal);
        next.set(task, more ? passed : passed + Math.max(1, task.pauseMs?.() ?? task.everyMs));
      }
      passed = end;
    },
  };
}

async function plant(source: DataSource, table: string, row: (at: number) => Record<string, unknown>): Promise<void> {
  const rows = Array.from({ length: HISTORY }, (_, at) => row(at));
  const columns = Object.keys(rows[0] ?? {});
  for (let from = 0; from < rows.length; from += 250) {
    const part = rows.slice(from, from + 250);
    await source.query(
      insertStatement(table, columns, part.length),
      part.flatMap((each) => columns.map((column) => each[column])),
    );
  }
}

async function analyze(source: DataSource): Promise<void> {
  if (dialectOf(source).embedded) {
    await source.query('ANALYZE');
    return;
  }
  const tables = await source.query<Array<{ name: string }>>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
  );
  for (const { name } of tables) await source.query(`ANALYZE TABLE \`${name}\``);
}

/** The tables that an engine would read as a whole, or of which it would read a whole index. */
async function tablesScanned(runner: QueryRunner, { sql, parameters }: Statement): Promise<string[]> {
  if (!/^\s*(SELECT|UPDATE|DELETE)/i.test(sql)) return [];
  const aliases = new Map(
    [...sql.matchAll(/(?:FROM|JOIN)\s+`?(\w+)`?\s+(?:AS\s+)?(\w+)/gi)].map(([, table = '', alias = '']) => [
      alias,
      table,
    ]),
  );
  if (dialectOf(runner).embedded) {
    const plan: Array<{ detail: string }> = await runner.query(`EXPLAIN QUERY PLAN ${sql}`, [...parameters]);
    return plan.flatMap(({ detail }) => {
      const [, table] = /^SCAN (\w+)/.exec(detail) ?? [];
      return table === undefined || table === 'CONSTANT' ? [] : (aliases.get(table) ?? table);
    });
  }
  const plan: Array<{ table: string | null; type: string | null }> = await runner.query(`EXPLAIN ${sql}`, [
    ...parameters,
  ]);
  return plan.flatMap(({ table, type }) =>
    table && !table.startsWith('<') && (type === 'ALL' || type === 'index') ? (aliases.get(table) ?? table) : [],
  );
}

/** How many rows a server reads for a SELECT. */
async function rowsRead(runner: QueryRunner, { sql, parameters }: Statement): Promise<number> {
  if (dialectOf(runner).embedded || !/^\s*SELECT/i.test(sql)) return 0;
  const read = async () => {
    const rows: Array<{ Value: string }> = await runner.query("SHOW SESSION STATUS LIKE 'Handler_read%'");
    return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
  };
  const before = await read();
  await runner.query(sql, [...parameters]);
  return (await read()) - before;
}
