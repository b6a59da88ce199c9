import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { type Connection, createConnection } from 'mysql2/promise';
import { alertRules, findPromtool, metricsIn } from '../deploy/alert-rules';
import { dashboardExpressions } from '../deploy/dashboard';
import { firing, type Phase } from '../deploy/timeline';
import { type Scrape, type WatchedProduct, watchProduct } from '../deploy/watched-product';
import { startMariaDb, type TestServer } from '../support/mariadb';
import { root as checkout } from '../support/root';
import { TcpProxy } from '../support/tcp-proxy';

jest.setTimeout(120_000);

const promtool = findPromtool() ?? '';
const folder = mkdtempSync(join(tmpdir(), 'remit-rehearsal-'));
const anchorFile = join(folder, 'anchors');
const desk = '{ customers { nodes { id email } } }';
let database: TestServer;
let wire: TcpProxy;
let root: Connection;
let product: WatchedProduct;
/** The server as it is while nothing is wrong. */
let sound: Phase;
/** A server on SQLite, whose log is emptied once a minute: that is waited for meanwhile. */
let logGrew: Promise<readonly Phase[]>;

beforeAll(async () => {
  logGrew = letLogGrow();
  logGrew.catch(() => undefined);
  const started = await startMariaDb();
  if (!started) throw new Error('alerts are rehearsed on MariaDB: install mariadb-server');
  database = started;
  const { port } = new URL(database.url);
  wire = await TcpProxy.to(database.url);
  root = await createConnection({ uri: database.url, multipleStatements: true });
  // Not root, which read_only does not bind.
  await root.query(`CREATE DATABASE data; CREATE DATABASE secrets; CREATE USER remit IDENTIFIED BY 'rehearsed';
    GRANT ALL ON data.* TO remit; GRANT ALL ON secrets.* TO remit`);
  product = await watchProduct({
    DATABASE_URL: `mysql://remit:rehearsed@127.0.0.1:${wire.port}/data`,
    KEYS_DATABASE_URL: `mysql://remit:rehearsed@127.0.0.1:${port}/secrets`,
    AUDIT_ANCHOR_FILE: anchorFile,
    LIMITS: 'operationMs=2000,executionsPerCaller=64',
  });
  // Before the first entry, which is anchored a minute later.
  await until(async () => {
    sound = await observed();
    // Starting up, a server may have more to ask than it has connections, for a moment, and tasks that have not run.
    return sound.every((scrape) =>
      [...scrape].every(([series, value]) => {
        if (series.startsWith('remit_database_waiting')) return value === 0;
        return !series.startsWith(TASKS) || value > 0;
      }),
    );
  });
});

afterAll(async () => {
  await logGrew.catch(() => undefined);
  await product?.close();
  await wire?.stop();
  await root?.end();
  await database?.stop();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(() => root.query('UNLOCK TABLES; SET GLOBAL read_only = 0'));

/** Two scrapes with something between them. */
async function observed(between: () => Promise<unknown> = async () => undefined, of = product): Promise<Phase> {
  const before = await of.scrape();
  await between();
  return [before, await of.scrape()];
}

/** Scrapes until something holds, and fails where it never does. */
async function until(holds: () => Promise<boolean>, most = 200): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries > most) throw new Error(`it did not come to that: ${product.log().slice(-4_000)}`);
    await sleep(100);
  }
}

const logged = (message: string) => until(async () => product.log().includes(message));

const isReady = async () => (await product.scrape()).get('remit_ready') === 1;

/** The alert fires during the fault, and neither before it nor after it. */
function expectAlerts(alerts: readonly string[], fault: Phase, mended: Phase, before = sound): void {
  const expected = Object.fromEntries(alerts.map((alert) => [alert, [false, true, false]]));
  expect(firing(promtool, alerts, [before, fault, mended])).toEqual(expected);
}

const TASKS = 'remit_background_task_last_success_timestamp_seconds';

/** A reader of another process keeps a snapshot of the file, 80 MiB are written meanwhile, and then it goes. */
async function letLogGrow(): Promise<readonly Phase[]> {
  const file = join(folder, 'small.db');
  const stores = { DATABASE_URL: `sqlite:${file}`, KEYS_DATABASE_URL: `sqlite:${join(folder, 'small-keys.db')}` };
  const small = await watchProduct(stores);
  const [reader, writer] = [new Database(file, { readonly: true }), new Database(file)];
  try {
    const before = await observed(undefined, small);
    reader.exec('BEGIN; SELECT COUNT(*) FROM client');
    writer.exec(`CREATE TABLE rehearsal (page BLOB); INSERT INTO rehearsal VALUES (zeroblob(${80 * 2 ** 20}))`);
    const fault = await observed(undefined, small);
    reader.exec('COMMIT');
    await until(
      async () => Number((await small.scrape()).get('remit_write_ahead_log_bytes{store="data"}')) < 2 ** 20,
      900,
    );
    return [before, fault, await observed(undefined, small)];
  } finally {
    reader.close();
    writer.close();
    await small.close();
  }
}

/** An erasure is open only in a rehearsal below, and MariaDB has no such log. */
const elsewhere = ['remit_erasures_open', 'remit_write_ahead_log_bytes'];

test('every metric of the alerts and of the dashboard is in a scrape, with its labels', async () => {
  expect(await product.ask(desk)).toEqual([]);
  const scrape = await product.scrape();
  const missing = [...alertRules.map(({ expr }) => expr), ...dashboardExpressions].flatMap((expression) =>
    [...metricsIn(expression)].flatMap(([metric, selectors]) => {
      const labels = [...scrape.keys()].filter((series) => series.replace(/\{.*/, '') === metric);
      if (elsewhere.includes(metric)) return [];
      if (labels.length === 0) return [metric];
      return [...selectors].filter(
        (label) => !['job', 'instance'].includes(label) && !labels.some((series) => series.includes(`${label}="`)),
      );
    }),
  );
  expect(missing).toEqual([]);
});

test('every metric of the server is explained', async () => {
  const page = readFileSync(join(checkout, 'docs/operations.md'), 'utf8');
  const names = [...(await product.scrape()).keys()].map((series) =>
    series.replace(/\{.*|_(bucket|sum|count)\b.*/, ''),
  );
  expect([...new Set(names)].filter((name) => name.startsWith('remit_') && !page.includes(`\`${name}\``))).toEqual([]);
});

test('nothing fires while nothing is wrong', () => {
  const alerts = alertRules.map(({ alert }) => alert);
  const quiet = Object.fromEntries(alerts.map((alert) => [alert, [false]]));
  expect(firing(promtool, alerts, [sound])).toEqual(quiet);
});

test('the data database goes away, and comes back', async () => {
  await wire.refuse();
  await until(async () => Number((await product.scrape()).get('remit_erasure_worker_failed_rounds')) > 4);
  const fault = await observed(async () => expect(await product.ask(desk)).toEqual(['SERVICE_UNAVAILABLE']));
  expect((await product.readyz()).body).toMatchObject({
    faults: expect.arrayContaining(['the data database does not answer']),
  });
  await wire.heal();
  await until(isReady);
  expect(await product.ask(desk)).toEqual([]);
  const mended = await observed();
  expectAlerts(['RemitNotReady', 'RemitUnavailable', 'RemitErasureWorkerFailing'], fault, mended);
});

test('the database takes no writes', async () => {
  await root.query('SET GLOBAL read_only = 1');
  const fault = await observed(async () => expect(await product.ask(desk)).toContain('AUDIT_UNAVAILABLE'));
  await logged('the audit ledger failed');
  await root.query('SET GLOBAL read_only = 0');
  await until(async () => (await product.ask(desk)).length === 0);
  expectAlerts(['RemitLedgerFailing'], fault, await observed());
});

test('a lock holds all connections', async () => {
  await root.query('LOCK TABLES data.customer WRITE');
  const before = await product.scrape();
  const asked = Array.from({ length: 30 }, () => product.ask(desk));
  await until(async () => Number((await product.scrape()).get('remit_database_waiting{store="data"}')) > 0);
  const fault = await observed();
  expect((await Promise.all(asked)).flat()).toContain('TIMEOUT');
  const late: Phase = [before, await product.scrape()];
  await root.query('UNLOCK TABLES');
  await until(async () => (await product.ask(desk)).length === 0);
  const mended = await observed();
  expectAlerts(['RemitDatabaseWaiting'], fault, mended);
  expectAlerts(['RemitTimeouts', 'RemitSlow'], late, mended);
});

test('the database stands still for a backup', async () => {
  await root.query('FLUSH TABLES WITH READ LOCK');
  const asked = product.ask(desk);
  await until(async () => Number((await product.scrape()).get('remit_audit_lag_seconds')) > 1);
  const fault = await observed();
  await root.query('UNLOCK TABLES');
  await asked;
  await until(async () => (await product.ask(desk)).length === 0);
  expectAlerts(['RemitLedgerLate'], fault, await observed());
});

test('a table is renamed by hand', async () => {
  await root.query('RENAME TABLE data.customer TO data.customer_away');
  const fault = await observed(async () => expect(await product.ask(desk)).toContain('INTERNAL_SERVER_ERROR'));
  await logged('a resolver failed');
  await root.query('RENAME TABLE data.customer_away TO data.customer');
  expect(await product.ask(desk)).toEqual([]);
  expectAlerts(['RemitInternalErrors'], fault, await observed());
});

test('erasures are stuck, close to their term and past it', async () => {
  const [rows] = await root.query('SELECT client_id AS id FROM data.client LIMIT 1');
  const [client] = rows as { id: unknown }[];
  const request = 'INSERT INTO data.erasure_request (client_id, id, kind, status, requested_at, due_at) VALUES (?)';
  const day = 86_400_000;
  const late = [client?.id, client?.id, 'CUSTOMER', 'ATTENTION_REQUIRED', Date.now() - 40 * day, Date.now() - day];
  await root.query(request, [late]);
  const fault = await observed();
  expect((await product.readyz()).body).toMatchObject({ concerns: ['stuck', 'overdue'].map(containing) });
  await root.query("UPDATE data.erasure_request SET status = 'COMPLETED'");
  const mended = await observed();
  expectAlerts(['RemitErasuresStuck', 'RemitErasuresOverdue', 'RemitErasuresDueSoon'], fault, mended);
});

test('an epoch of keys does not end', async () => {
  const [rows] = await root.query('SELECT client_id AS id FROM data.client LIMIT 1');
  const [client] = rows as { id: unknown }[];
  const columns = 'client_id, id, kind, status, requested_at, due_at, key_epoch, key_deleted_at';
  const day = 86_400_000;
  const [asked, due] = [Date.now() - 4 * day, Date.now() + 80 * day];
  await root.query('DELETE FROM data.erasure_request');
  await root.query(`INSERT INTO data.erasure_request (${columns}) VALUES (?)`, [
    [client?.id, client?.id, 'CUSTOMER', 'AWAITING_EPOCH', asked, due, 1, Date.now() - 3 * day],
  ]);
  await root.query('INSERT INTO data.job (client_id, id, queue, run_at, attempts) VALUES (?)', [
    [client?.id, client?.id, 'erasure', due, 0],
  ]);
  const fault = await observed();
  expect((await product.readyz()).body).toMatchObject({ concerns: [containing('remit keys turn')] });
  await root.query("UPDATE data.erasure_request SET status = 'COMPLETED'");
  await root.query('DELETE FROM data.job');
  expectAlerts(['RemitEpochLate'], fault, await observed());
});

test('notices were given up', async () => {
  const [rows] = await root.query('SELECT client_id AS id FROM data.client LIMIT 1');
  const [client] = rows as { id: unknown }[];
  const notice = 'INSERT INTO data.webhook_delivery (client_id, id, status, reference, recipient_id) VALUES (?)';
  await root.query(notice, [[client?.id, client?.id, 'DEAD', client?.id, client?.id]]);
  const fault = await observed();
  await root.query('DELETE FROM data.webhook_delivery');
  expectAlerts(['RemitNoticesDead'], fault, await observed());
});

const containing = (word: string) => expect.stringContaining(word);

test('somebody tries doors', async () => {
  const fault = await observed(async () => {
    for (let tries = 0; tries < 25; tries++) await product.ask(desk, 'CN');
  });
  expectAlerts(['RemitAccessStandsOut'], fault, await observed());
});

test('the anchor cannot be written', async () => {
  rmSync(anchorFile, { force: true });
  mkdirSync(anchorFile);
  await product.restart();
  await product.ask(desk);
  const fault = await observed(() => product.ask(desk));
  await product.restart();
  await logged('the audit ledger could not be anchored');
  rmdirSync(anchorFile);
  await product.restart();
  expectAlerts(['RemitLedgerUnanchored'], fault, await observed());
});

test('a process hangs', async () => {
  product.signal('SIGSTOP');
  const fault = await observed();
  product.signal('SIGCONT');
  await until(isReady);
  expectAlerts(['RemitDown'], fault, await observed());
});

test('a process stands still for seconds at a time', async () => {
  const fault = await observed(async () => {
    product.signal('SIGSTOP');
    await sleep(1_500);
    product.signal('SIGCONT');
  });
  expectAlerts(['RemitEventLoopLate'], fault, await observed());
});

test('Prometheus is told of no process', async () => {
  expectAlerts(['RemitAbsent'], [new Map(), new Map()], await observed());
});

test('a background task has failed for hours', async () => {
  const task = `${TASKS}{task="idempotency keys"}`;
  const isRecent = async () => Number((await product.scrape()).get(task)) > Date.now() / 1_000 - 600;
  const due = (done: string) =>
    root.query(`UPDATE data.background_task SET due_at = 0, done_at = ${done} WHERE name = 'idempotency keys'`);
  await root.query('RENAME TABLE data.idempotency_key TO data.idempotency_key_away');
  await due('done_at - 3 * 3600000');
  await product.restart();
  await logged('background work failed; it will be retried');
  const fault = await observed();
  await root.query('RENAME TABLE data.idempotency_key_away TO data.idempotency_key');
  await due('done_at');
  await product.restart();
  await until(isRecent);
  expectAlerts(['RemitTaskFailing'], ofTask(task, fault), ofTask(task, await observed()), ofTask(task, sound));
});

/** Scrapes with one task alone: the others have not run yet in a process that has just started. */
function ofTask(task: string, [from, to]: Phase): Phase {
  const alone = (scrape: Scrape) =>
    new Map([...scrape].filter(([series]) => series === task || !series.startsWith(TASKS)));
  return [alone(from), alone(to)];
}

test("a reader of SQLite's file keeps the log from being emptied", async () => {
  const [before, fault, mended] = await logGrew;
  expect(Number(fault?.[1].get('remit_write_ahead_log_bytes{store="data"}'))).toBeGreaterThan(80 * 2 ** 20);
  if (fault && mended) expectAlerts(['RemitWriteAheadLogGrows'], fault, mended, before);
}, 240_000);

test('every alert is rehearsed', () => {
  const page = readFileSync(__filename, 'utf8');
  expect(alertRules.map(({ alert }) => alert).filter((alert) => !page.includes(`'${alert}'`))).toEqual([]);
});

test('through all of this, Node had nothing to warn of', () => {
  expect(product.log()).not.toMatch(/^\(node:\d+\)/m);
});
