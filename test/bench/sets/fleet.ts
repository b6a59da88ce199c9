import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { type Installation, install, root } from '../support/installation';
import { seconds } from '../support/knobs';
import { ask, median, type Request } from '../support/load';
import { everyoneIn, portOfRemit, post } from '../support/remit';
import { type ServerProcess, startServer } from '../support/server-process';

const run = promisify(execFile);

/** The fleet that is reckoned from what one process does. */
const PROCESSES = 64;
const SHARDS = 16;
const PEOPLE = 10_000_000;
/** Requests a second of one process, and what they are. */
const REQUESTS = 100;
const mix = { page: 0.5, 'look-up': 0.2, 'by id': 0.2, write: 0.09, grant: 0.01 } as const;
/** How often every process is probed and scraped, in seconds. */
const PROBE_EVERY = 10;
const SCRAPE_EVERY = 15;
/** Databases of the process that is measured: home and one for each region. */
const MEASURED = 3;
const SETTLE_SECONDS = 20;
const REPEATED = 10;

/** What is long done in the home database: a year of {@link PEOPLE}, one in a hundred of whom were erased. */
const DONE = { erasures: PEOPLE / 100, notices: 20_000, disclosures: 5_000, grants: 5_000, logs: 1_000 } as const;

interface Cost {
  readonly statements: number;
  readonly rows: number;
}

interface Measured {
  readonly idle: Cost;
  readonly probe: Cost;
  readonly scrape: Cost;
  readonly kinds: Readonly<Record<keyof typeof mix | 'after a grant' | 'first, opening a log', Cost>>;
  /** Bytes of the entry that opens a log. */
  readonly opening: number;
}

/**
 * What a fleet asks of its databases, reckoned from the statements and rows that one process of each build causes. Rows
 * are those that MariaDB reads (Handler_read_*).
 */
export async function fleet(): Promise<unknown> {
  const installation = await install();
  try {
    const other = process.env.BENCH_OTHER;
    const measured: Record<string, Measured> = { this: await measureBuild(installation, 'this', root) };
    if (other !== undefined) measured.other = await measureBuild(installation, 'other', other);
    print(measured);
    return { model: { PROCESSES, SHARDS, PEOPLE, REQUESTS, mix, DONE }, measured };
  } finally {
    await installation.remove();
  }
}

async function measureBuild(installation: Installation, name: string, checkout: string): Promise<Measured> {
  const server = installation.urls.data.replace(/\/[^/]*$/, '');
  const folder = join(installation.folder, `fleet-${name}`);
  mkdirSync(folder);
  const names = ['home', 'eu', 'us', 'keys'].map((database) => `fleet_${name}_${database}`);
  const counting = await createConnection(server);
  for (const database of names) await counting.query(`CREATE DATABASE ${database}`);
  const [home, eu, us, keys] = names.map((database) => `${server}/${database}`);
  const env = {
    ...process.env,
    ...{ DATABASE_URL: home, DATABASE_URL_EU: eu, DATABASE_URL_US: us, KEYS_DATABASE_URL: keys },
    ...{ LOG_LEVEL: 'info', NODE_ENV: 'development', PORT: '0' },
  };
  const main = join(checkout, 'dist', 'src', 'main.js');
  const remit = async (...words: string[]) =>
    (await run(process.execPath, [main, ...words], { env, cwd: folder })).stdout;
  await remit('migrate');
  const seeded = JSON.parse(await remit('seed', '--customers', '500', '--clients', '1', '--json'));
  const [{ slug }] = (seeded as { clients: [{ slug: string }] }).clients;
  const data = await createConnection(`${home}`);
  await everyoneIn('DE', `${home}`);
  await plantHistory(data, slug);
  const token = async (role: string, purpose: string) =>
    (await remit('token', '--role', role, '--client', slug, '--purpose', purpose, '--country', 'DE')).trim();
  const headersOf = async (role: string, purpose: string) => ({
    'content-type': 'application/json',
    authorization: `Bearer ${await token(role, purpose)}`,
    'processing-purpose': purpose,
  });
  const app = await headersOf('CLIENT_APP', 'SERVICE_DELIVERY');
  const admin = await headersOf('CLIENT_ADMIN', 'SERVICE_DELIVERY');
  const count = await counter(counting);
  const process_ = await startServer(name, [main, 'serve'], env, folder, portOfRemit);
  try {
    const requests = requestsOf(app, admin);
    const right = async (request: Request) => {
      const { errors } = await ask(process_, request);
      if (errors) throw new Error(`${name}: ${JSON.stringify(errors)}`);
    };
    // What a process does at its start is no part of opening a log.
    await sleep(SETTLE_SECONDS * 1_000);
    const first = await count(() => right(requests.page()));
    const length = seconds(30);
    const idle = await count(() => sleep(length * 1_000));
    // The median: background work falls into a few of them.
    const each = async (work: () => Promise<unknown>): Promise<Cost> => {
      await work();
      const all: Cost[] = [];
      for (let at = 0; at < REPEATED; at++) all.push(await count(work));
      return medianOf(all);
    };
    const page = await each(() => right(requests.page()));
    const afterGrant = async () => {
      await right(requests.grant());
      return count(() => right(requests.page()));
    };
    const kinds = {
      page,
      'look-up': await each(() => right(requests.lookUp())),
      'by id': await each(async () => right(await requests.byId(process_))),
      write: await each(() => right(requests.write())),
      grant: await each(() => right(requests.grant())),
      'after a grant': await afterGrant(),
      'first, opening a log': first,
    };
    const visit = (path: string) => async () => {
      const { status } = await fetch(process_.url + path);
      if (status !== 200) throw new Error(`${name}: ${path} answers ${status}`);
    };
    const [opened] = (
      await data.query<RowDataPacket[]>(
        `SELECT MAX(LENGTH(body)) AS bytes FROM audit_entry WHERE sequence = 0 AND body LIKE '%LOG_OPENED%'`,
      )
    )[0];
    return {
      idle: { statements: idle.statements / length / MEASURED, rows: idle.rows / length / MEASURED },
      probe: await each(visit('/readyz')),
      scrape: await each(visit('/metrics')),
      kinds,
      opening: Number(opened?.bytes),
    };
  } finally {
    await process_.stop();
    await data.end();
    await counting.end();
  }
}

/** Counts what the whole server does meanwhile; nothing else uses it. */
async function counter(connection: Connection) {
  const status = async () => {
    const [rows] = await connection.query<RowDataPacket[]>(
      "SHOW GLOBAL STATUS WHERE Variable_name = 'Questions' OR Variable_name LIKE 'Handler_read%'",
    );
    const values = rows.map(({ Variable_name: name, Value: value }) => [String(name), Number(value)] as const);
    const statements = values.find(([name]) => name === 'Questions')?.[1] ?? 0;
    return { statements, rows: values.reduce((sum, [name, value]) => sum + (name === 'Questions' ? 0 : value), 0) };
  };
  const difference = async (work: () => Promise<unknown>): Promise<Cost> => {
    const before = await status();
    await work();
    const after = await status();
    return { statements: after.statements - before.statements, rows: after.rows - before.rows };
  };
  // Looking reads and counts too.
  const looks: Cost[] = [];
  for (let at = 0; at < REPEATED; at++) looks.push(await difference(async () => undefined));
  const own = medianOf(looks);
  return async (work: () => Promise<unknown>): Promise<Cost> => {
    const all = await difference(work);
    return { statements: all.statements - own.statements, rows: all.rows - own.rows };
  };
}

const medianOf = (costs: readonly Cost[]): Cost => ({
  statements: median(costs.map(({ statements }) => statements)),
  rows: median(costs.map(({ rows }) => rows)),
});

function requestsOf(app: Record<string, string>, admin: Record<string, string>) {
  const fields = 'id firstName lastName email residency';
  const page = () => post(app, `{ customers(first: 50) { nodes { ${fields} } } }`);
  let [made, granted] = [0, 0];
  let known: string | undefined;
  return {
    page,
    lookUp: () => post(app, '{ customerLookup(by: { email: "nobody@example.com" }) { id firstName } }'),
    byId: async (server: ServerProcess) => {
      if (known === undefined) {
        const { data } = (await ask(server, page())) as { data: { customers: { nodes: [{ id: string }] } } };
        known = data.customers.nodes[0].id;
      }
      return post(app, `query ($id: ID!) { customer(id: $id) { ${fields} } }`, { id: known });
    },
    write: () =>
      post(admin, `mutation { createCustomer(input: { firstName: "Person ${made++}" }) { customer { id } } }`),
    grant: () =>
      post(
        admin,
        `mutation { grantPurpose(input: { granteeKind: PRINCIPAL, grantee: "user-${granted++}", purpose: SUPPORT,
          reason: "bench" }) { grant { id } } }`,
      ),
  };
}

async function plantHistory(data: Connection, slug: string): Promise<void> {
  const [[client]] = await data.query<RowDataPacket[]>('SELECT client_id AS id FROM client WHERE slug = ?', [slug]);
  const owner = String(client?.id);
  const then = Date.now() - 30 * 86_400_000;
  const plant = async (table: string, columns: string, rows: number, row: (at: number) => unknown[]) => {
    for (let from = 0; from < rows; from += 2_000) {
      const values = Array.from({ length: Math.min(2_000, rows - from) }, (_, at) => row(from + at));
      await data.query(`INSERT INTO ${table} (${columns}) VALUES ?`, [values]);
    }
  };
  await plant('erasure_request', 'client_id, id, kind, status, requested_at, due_at', DONE.erasures, (at) => [
    ...[owner, randomUUID(), 'CUSTOMER', 'COMPLETED', then, then + at],
  ]);
  await plant(
    'webhook_delivery',
    'client_id, id, event, reference, recipient_id, endpoint_id, status, next_at',
    DONE.notices,
    () => [owner, randomUUID(), 'erasure.requested', randomUUID(), randomUUID(), randomUUID(), 'NOTIFIED', then],
  );
  await plant('disclosure', 'client_id, id, status, requested_at, told_at', DONE.disclosures, () => [
    ...[owner, randomUUID(), 'MADE', then, then],
  ]);
  await plant(
    'purpose_grant',
    'client_id, id, grantee_kind, grantee, purpose, reason, valid_from, withdrawn_at, given_by',
    DONE.grants,
    (at) => [owner, randomUUID(), 'PRINCIPAL', `gone-${at}`, 'SUPPORT', 'bench', then, then, 'bench'],
  );
  // Logs of processes that died an hour ago, without an end: every opening looks at them.
  await plant('audit_log', 'log_id, opened_at, settled, pruned', DONE.logs, () => [
    ...[randomUUID(), Date.now() - 3_600_000, 0, 0],
  ]);
}

/** The fleet's figures, a second. */
function reckon({ idle, probe, scrape, kinds, opening }: Measured): Record<string, number> {
  const perShard = (cost: Cost, figure: keyof Cost) => (cost[figure] / MEASURED) * SHARDS;
  const watched = (figure: keyof Cost) =>
    PROCESSES * (perShard(probe, figure) / PROBE_EVERY + perShard(scrape, figure) / SCRAPE_EVERY);
  const asked = (figure: keyof Cost) =>
    PROCESSES *
    REQUESTS *
    Object.entries(mix).reduce((sum, [kind, share]) => sum + share * kinds[kind as keyof typeof mix][figure], 0);
  const extra = (figure: keyof Cost) => kinds['first, opening a log'][figure] - kinds.page[figure];
  return {
    'idle: statements a second': PROCESSES * SHARDS * idle.statements,
    'idle: rows read a second': PROCESSES * SHARDS * idle.rows,
    'probes and scrapes: statements a second': watched('statements'),
    'probes and scrapes: rows read a second': watched('rows'),
    'requests: statements a second': asked('statements'),
    'requests: rows read a second': asked('rows'),
    'opening a log: statements': extra('statements'),
    'opening a log: rows read': extra('rows'),
    'opening a log: bytes of its entry': opening,
    'policy read again after a change: rows': kinds['after a grant'].rows - kinds.page.rows,
  };
}

function print(measured: Readonly<Record<string, Measured>>): void {
  const builds = Object.keys(measured);
  const line = (what: string, values: readonly string[]) =>
    process.stdout.write(`  ${what.padEnd(42)}${values.map((value) => value.padStart(22)).join('')}\n`);
  const written = ({ statements, rows }: Cost) => `${statements.toFixed(1)} / ${rows.toFixed(0)}`;
  const of = (build: string) => measured[build] as Measured;
  process.stdout.write('\none process, statements / rows read\n');
  line('', builds);
  line(
    'idle, a second and database',
    builds.map((build) => `${of(build).idle.statements.toFixed(3)} / ${of(build).idle.rows.toFixed(0)}`),
  );
  line(
    '/readyz',
    builds.map((build) => written(of(build).probe)),
  );
  line(
    '/metrics',
    builds.map((build) => written(of(build).scrape)),
  );
  for (const kind of Object.keys(of('this').kinds) as Array<keyof Measured['kinds']>)
    line(
      kind,
      builds.map((build) => written(of(build).kinds[kind])),
    );
  process.stdout.write(
    `\n${PROCESSES} processes, ${SHARDS} databases, ${PEOPLE.toLocaleString('en')} people; ${REQUESTS} requests a ` +
      `second and process (${Object.entries(mix)
        .map(([kind, share]) => `${share * 100} % ${kind}`)
        .join(', ')})\n`,
  );
  line('', builds);
  const reckoned = builds.map((build) => reckon(of(build)));
  for (const figure of Object.keys(reckoned[0] ?? {}))
    line(
      figure,
      reckoned.map((values) => Math.round(values[figure] ?? Number.NaN).toLocaleString('en')),
    );
  process.stdout.write(
    '\nReckoned: what one process with three databases asks is spread over them evenly, and every process and database\n' +
      'of the fleet asks as much; what only one process does for all counts for each. Rows of a page, a look-up and a\n' +
      `write do not depend on the number of people (set growth). Long done in each home: ${JSON.stringify(DONE)}.\n`,
  );
}
