import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { type Installation, install, root } from '../support/installation';
import { subscriptionCounts } from '../support/knobs';
import { ask } from '../support/load';
import { appOf, type Headers, portOfRemit, post, seed } from '../support/remit';
import { type ServerProcess, startServer } from '../support/server-process';
import { type Subscribed, type Subscribers, subscribeMany } from '../support/subscribers';

const APPROVALS = 200;
const PRINCIPALS = 10;
const PER_SOCKET = 25;
const PAGES = 40;
const WINDOW_MS = 5_000;
const SETTLE_MS = 3_000;
const OPENING_MS = 60_000;
const EVENT_MS = 20_000;

interface Kind {
  readonly name: string;
  readonly sockets: (count: number) => number;
  readonly subscribed: Subscribed | undefined;
  /** Makes one change that every subscriber is told. */
  readonly change?: (server: ServerProcess) => Promise<void>;
}

interface Row {
  readonly kind: string;
  readonly count: number;
  readonly build: string;
  /** KiB for each that is open, after garbage was collected. */
  readonly memory: number;
  readonly statements: number;
  /** Percent of one core. */
  readonly cpu: number;
  readonly p50: number;
  readonly p95: number;
  /** Seconds until the last has its event, undefined where some never got it; and the processor's for each. */
  readonly reached: number | undefined;
  readonly cpuEach: number | undefined;
  /** Statements until then. */
  readonly telling: number | undefined;
  readonly statementsAfter: number;
  readonly lost: number;
}

/**
 * Idle sockets and subscriptions of each kind: memory, statements, a bystander's pages, and how long an event takes to
 * reach all. One server process for each line. Where BENCH_OTHER names the built checkout of another version, each is
 * measured beside it.
 */
export async function subscriptions(): Promise<unknown> {
  const installation = await install();
  const connection = await createConnection(installation.urls.data);
  const rows: Row[] = [];
  try {
    const slug = await seed(installation, 50);
    const bystander = await appOf(installation, slug, 'SERVICE_DELIVERY');
    const officers = await Promise.all(
      Array.from({ length: PRINCIPALS }, (_, n) =>
        tokenOf(installation, slug, `officer.${n}`, 'CLIENT_PRIVACY_OFFICER'),
      ),
    );
    const admin = headersOf(await tokenOf(installation, slug, 'admin', 'CLIENT_ADMIN'));
    const requests = await plantRequests(connection, slug, Math.max(...subscriptionCounts()));
    await plantApprovals(installation, admin);
    const other = process.env.BENCH_OTHER;
    const builds = [
      { name: 'this', checkout: root },
      ...(other === undefined ? [] : [{ name: 'other', checkout: other }]),
    ];
    process.stdout.write(`${line(titles)}\n`);
    for (const kind of kindsOf(requests, connection, admin)) {
      for (const count of subscriptionCounts()) {
        for (const build of builds) {
          const row = await measure(installation, connection, build, kind, count, bystander, officers);
          rows.push(row);
          process.stdout.write(`${line(cellsOf(row))}\n`);
        }
      }
    }
    return { approvals: APPROVALS, perSocket: PER_SOCKET, principals: PRINCIPALS, rows };
  } finally {
    await connection.end();
    await installation.remove();
  }
}

function kindsOf(requests: readonly string[], connection: Connection, admin: Headers): readonly Kind[] {
  const followed = 'subscription ($id: ID!) { erasureRequestChanged(id: $id) { id status } }';
  let pass = 0;
  const one: Kind = {
    name: 'erasureRequestChanged, one request',
    sockets: (count) => Math.ceil(count / PER_SOCKET),
    subscribed: { query: followed, variables: () => ({ id: requests[0] }) },
    change: async () => {
      await connection.query('UPDATE erasure_request SET due_at = due_at + ? WHERE id = ?', [++pass, requests[0]]);
    },
  };
  return [
    { name: 'sockets alone', sockets: (count) => count, subscribed: undefined },
    one,
    {
      name: 'erasureRequestChanged, a request each',
      sockets: one.sockets,
      subscribed: { query: followed, variables: (n) => ({ id: requests[n] }) },
    },
    {
      name: 'transferChanged',
      sockets: one.sockets,
      subscribed: { query: 'subscription { transferChanged { id state mechanism } }' },
      change: async (server) => requestApproval(server, admin),
    },
  ];
}

async function measure(
  installation: Installation,
  connection: Connection,
  build: { readonly name: string; readonly checkout: string },
  kind: Kind,
  count: number,
  bystander: Headers,
  tokens: readonly string[],
): Promise<Row> {
  const server = await startMeasured(installation, build, count);
  let subscribers: Subscribers | undefined;
  try {
    await pages(server, bystander, 100);
    const before = await kept(server);
    const sockets = kind.sockets(count);
    const { subscribed } = kind;
    const asked = subscribed ?? { query: '' };
    subscribers = await subscribeMany(server.url, tokens, sockets, subscribed ? count : 0, asked, OPENING_MS);
    if (subscribed) await allOpen(server, count - subscribers.lost);
    await sleep(SETTLE_MS);
    const memory = ((await kept(server)) - before) / count;
    const busy = server.cpuSeconds();
    const statements = await statementsIn(connection, WINDOW_MS);
    const cpu = ((server.cpuSeconds() - busy) / (WINDOW_MS / 1_000)) * 100;
    const seen = await pages(server, bystander, PAGES);
    const told = kind.change && (await timeToReach(connection, server, kind.change, subscribers, count));
    const { lost } = subscribers;
    await subscribers.close();
    subscribers = undefined;
    await sleep(SETTLE_MS);
    const statementsAfter = await statementsIn(connection, WINDOW_MS);
    const { reached, cpuEach, telling } = told ?? { reached: undefined, cpuEach: undefined, telling: undefined };
    const about = { kind: kind.name, count, build: build.name };
    return { ...about, memory, statements, cpu, ...seen, reached, cpuEach, telling, statementsAfter, lost };
  } finally {
    await server.stop();
    await subscribers?.close();
  }
}

/** Waits until the server holds as many, where it tells how many it holds. */
async function allOpen(server: ServerProcess, count: number): Promise<void> {
  const end = performance.now() + OPENING_MS;
  while (performance.now() < end) {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const open = /^remit_subscriptions (\d+)$/m.exec(text)?.[1];
    if (Number(open) >= count) return;
    await sleep(open === undefined ? OPENING_MS / 4 : 500);
  }
}

async function timeToReach(
  connection: Connection,
  server: ServerProcess,
  change: (server: ServerProcess) => Promise<void>,
  subscribers: Subscribers,
  count: number,
): Promise<Pick<Row, 'reached' | 'cpuEach' | 'telling'>> {
  const before = subscribers.events;
  const busy = server.cpuSeconds();
  const questions = await questionsOf(connection);
  await change(server);
  const began = performance.now();
  const all = await subscribers.reached(before + count, EVENT_MS);
  const reached = all ? (performance.now() - began) / 1_000 : undefined;
  const cpuEach = ((server.cpuSeconds() - busy) / count) * 1e6;
  return { reached, cpuEach, telling: (await questionsOf(connection)) - questions - 1 };
}

/** A server whose limits let all in; a build from before a limit does not know it. */
function startMeasured(
  { env, folder }: Installation,
  { name, checkout }: { readonly name: string; readonly checkout: string },
  count: number,
): Promise<ServerProcess> {
  const open = count + 100;
  const limits = {
    connections: open,
    sockets: open,
    socketsPerAddress: open,
    anonymousSockets: open,
    socketOpenings: open,
    operationsUnderWay: open,
    operationsPerAddress: open,
    operationsPerCaller: open,
    ...(name === 'this' ? { subscriptions: open, subscriptionsPerCaller: open } : {}),
  };
  const LIMITS = Object.entries(limits)
    .map(([limit, value]) => `${limit}=${value}`)
    .join(',');
  const collect = join(__dirname, '..', 'servers', 'collect.js');
  const command = ['--expose-gc', '--require', collect, join(checkout, 'dist', 'src', 'main.js'), 'serve'];
  return startServer(name, command, { ...env, LIMITS }, folder, portOfRemit);
}

/** KiB that the server holds after garbage is collected. */
async function kept(server: ServerProcess): Promise<number> {
  for (let time = 0; time < 3; time++) {
    server.signal('SIGUSR2');
    await sleep(500);
  }
  return server.memory() * 1_024;
}

async function pages(server: ServerProcess, headers: Headers, count: number): Promise<{ p50: number; p95: number }> {
  const request = post(headers, '{ customers(first: 20) { nodes { id firstName email } } }');
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const began = performance.now();
    await ask(server, request);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.min(count - 1, Math.floor(count * part))] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95) };
}

async function questionsOf(connection: Connection): Promise<number> {
  const [rows] = await connection.query("SHOW GLOBAL STATUS LIKE 'Questions'");
  return Number((rows as Array<{ Value: string }>)[0]?.Value);
}

/** Statements a second that the database is sent, without those that count them. */
async function statementsIn(connection: Connection, ms: number): Promise<number> {
  const before = await questionsOf(connection);
  await sleep(ms);
  return ((await questionsOf(connection)) - before - 1) / (ms / 1_000);
}

async function tokenOf(installation: Installation, slug: string, subject: string, role: string): Promise<string> {
  const who = ['--role', role, '--client', slug, '--sub', subject, '--purpose', 'LEGAL', '--country', 'DE'];
  return (await installation.remit('token', ...who)).trim();
}

const headersOf = (token: string): Headers => ({
  'content-type': 'application/json',
  authorization: `Bearer ${token}`,
});

/** Requests that a hold keeps: nothing works on them. @returns their ids */
async function plantRequests(connection: Connection, slug: string, count: number): Promise<readonly string[]> {
  const [found] = await connection.query('SELECT client_id FROM client WHERE slug = ?', [slug]);
  const client = (found as Array<{ client_id: string }>)[0]?.client_id;
  const ids = Array.from({ length: count }, (_, n) => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`);
  const now = Date.now();
  for (let start = 0; start < count; start += 1_000) {
    const rows = ids
      .slice(start, start + 1_000)
      .map((id) => [client, id, 'CUSTOMER', 'OBJECTION', 'ON_HOLD', 'admin', 'CLIENT_ADMIN', now, now + 1e9, 0]);
    await connection.query(
      `INSERT INTO erasure_request
       (client_id, id, kind, grounds, status, requested_by, requested_role, requested_at, due_at, pass) VALUES ?`,
      [rows],
    );
  }
  return ids;
}

async function plantApprovals(installation: Installation, admin: Headers): Promise<void> {
  const server = await startMeasured(installation, { name: 'this', checkout: root }, 100);
  try {
    for (let n = 0; n < APPROVALS; n++) await requestApproval(server, admin);
  } finally {
    await server.stop();
  }
}

async function requestApproval(server: ServerProcess, admin: Headers): Promise<void> {
  const input = {
    recipient: { kind: 'CLIENT' },
    destinationCountry: 'US',
    categories: ['CONTACT'],
    purposes: ['SUPPORT'],
    mechanism: 'SCC',
    sccModule: 4,
    assessment: 'TIA',
  };
  const document =
    'mutation ($input: RequestTransferApprovalInput!) { requestTransferApproval(input: $input) { approval { id } } }';
  const { errors } = await ask(server, post(admin, document, { input }));
  if (errors) throw new Error(JSON.stringify(errors));
}

const titles = [
  'open',
  'build',
  'KiB each',
  'statements/s',
  'CPU %',
  'page p50',
  'p95 ms',
  'all reached',
  'us each',
  'after',
  '',
];

const cellsOf = (row: Row): string[] => [
  `${row.count} ${row.kind}`,
  row.build,
  row.memory.toFixed(1),
  row.statements.toFixed(1),
  row.cpu.toFixed(0),
  row.p50.toFixed(0),
  row.p95.toFixed(0),
  row.reached === undefined ? '-' : `${row.reached.toFixed(1)} s`,
  row.cpuEach === undefined ? '-' : row.cpuEach.toFixed(0),
  row.telling === undefined ? '-' : String(row.telling),
  row.statementsAfter.toFixed(1),
  row.lost > 0 ? `${row.lost} lost` : '',
];

const line = ([name = '', ...cells]: readonly string[]): string =>
  [name.padEnd(44), ...cells.map((cell) => cell.padStart(11))].join(' ').trimEnd();
