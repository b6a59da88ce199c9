"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.fleet = fleet;
const node_child_process_1 = require("node:child_process");
const node_crypto_1 = require("node:crypto");
const node_fs_1 = require("node:fs");
const node_path_1 = require("node:path");
const promises_1 = require("node:timers/promises");
const node_util_1 = require("node:util");
const promise_1 = require("mysql2/promise");
const installation_1 = require("../support/installation");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const remit_1 = require("../support/remit");
const server_process_1 = require("../support/server-process");
const run = (0, node_util_1.promisify)(node_child_process_1.execFile);
/** The fleet that is reckoned from what one process does. */
const PROCESSES = 64;
const SHARDS = 16;
const PEOPLE = 10_000_000;
/** Requests a second of one process, and what they are. */
const REQUESTS = 100;
const mix = { page: 0.5, 'look-up': 0.2, 'by id': 0.2, write: 0.09, grant: 0.01 };
/** How often every process is probed and scraped, in seconds. */
const PROBE_EVERY = 10;
const SCRAPE_EVERY = 15;
/** Databases of the process that is measured: home and one for each region. */
const MEASURED = 3;
const SETTLE_SECONDS = 20;
const REPEATED = 10;
/** What is long done in the home database: a year of {@link PEOPLE}, one in a hundred of whom were erased. */
const DONE = { erasures: PEOPLE / 100, notices: 20_000, disclosures: 5_000, grants: 5_000, logs: 1_000 };
/**
 * What a fleet asks of its databases, reckoned from the statements and rows that one process of each build causes. Rows
 * are those that MariaDB reads (Handler_read_*).
 */
async function fleet() {
    const installation = await (0, installation_1.install)();
    try {
        const other = process.env.BENCH_OTHER;
        const measured = { this: await measureBuild(installation, 'this', installation_1.root) };
        if (other !== undefined)
            measured.other = await measureBuild(installation, 'other', other);
        print(measured);
        return { model: { PROCESSES, SHARDS, PEOPLE, REQUESTS, mix, DONE }, measured };
    }
    finally {
        await installation.remove();
    }
}
async function measureBuild(installation, name, checkout) {
    const server = installation.urls.data.replace(/\/[^/]*$/, '');
    const folder = (0, node_path_1.join)(installation.folder, `fleet-${name}`);
    (0, node_fs_1.mkdirSync)(folder);
    const names = ['home', 'eu', 'us', 'keys'].map((database) => `fleet_${name}_${database}`);
    const counting = await (0, promise_1.createConnection)(server);
    for (const database of names)
        await counting.query(`CREATE DATABASE ${database}`);
    const [home, eu, us, keys] = names.map((database) => `${server}/${database}`);
    const env = {
        ...process.env,
        ...{ DATABASE_URL: home, DATABASE_URL_EU: eu, DATABASE_URL_US: us, KEYS_DATABASE_URL: keys },
        ...{ LOG_LEVEL: 'info', NODE_ENV: 'development', PORT: '0' },
    };
    const main = (0, node_path_1.join)(checkout, 'dist', 'src', 'main.js');
    const remit = async (...words) => (await run(process.execPath, [main, ...words], { env, cwd: folder })).stdout;
    await remit('migrate');
    const seeded = JSON.parse(await remit('seed', '--customers', '500', '--clients', '1', '--json'));
    const [{ slug }] = seeded.clients;
    const data = await (0, promise_1.createConnection)(`${home}`);
    await (0, remit_1.everyoneIn)('DE', `${home}`);
    await plantHistory(data, slug);
    const token = async (role, purpose) => (await remit('token', '--role', role, '--client', slug, '--purpose', purpose, '--country', 'DE')).trim();
    const headersOf = async (role, purpose) => ({
        'content-type': 'application/json',
        authorization: `Bearer ${await token(role, purpose)}`,
        'processing-purpose': purpose,
    });
    const app = await headersOf('CLIENT_APP', 'SERVICE_DELIVERY');
    const admin = await headersOf('CLIENT_ADMIN', 'SERVICE_DELIVERY');
    const count = await counter(counting);
    const process_ = await (0, server_process_1.startServer)(name, [main, 'serve'], env, folder, remit_1.portOfRemit);
    try {
        const requests = requestsOf(app, admin);
        const right = async (request) => {
            const { errors } = await (0, load_1.ask)(process_, request);
            if (errors)
                throw new Error(`${name}: ${JSON.stringify(errors)}`);
        };
        // What a process does at its start is no part of opening a log.
        await (0, promises_1.setTimeout)(SETTLE_SECONDS * 1_000);
        const first = await count(() => right(requests.page()));
        const length = (0, knobs_1.seconds)(30);
        const idle = await count(() => (0, promises_1.setTimeout)(length * 1_000));
        // The median: background work falls into a few of them.
        const each = async (work) => {
            await work();
            const all = [];
            for (let at = 0; at < REPEATED; at++)
                all.push(await count(work));
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
        const visit = (path) => async () => {
            const { status } = await fetch(process_.url + path);
            if (status !== 200)
                throw new Error(`${name}: ${path} answers ${status}`);
        };
        const [opened] = (await data.query(`SELECT MAX(LENGTH(body)) AS bytes FROM audit_entry WHERE sequence = 0 AND body LIKE '%LOG_OPENED%'`))[0];
        return {
            idle: { statements: idle.statements / length / MEASURED, rows: idle.rows / length / MEASURED },
            probe: await each(visit('/readyz')),
            scrape: await each(visit('/metrics')),
            kinds,
            opening: Number(opened?.bytes),
        };
    }
    finally {
        await process_.stop();
        await data.end();
        await counting.end();
    }
}
/** Counts what the whole server does meanwhile; nothing else uses it. */
async function counter(connection) {
    const status = async () => {
        const [rows] = await connection.query("SHOW GLOBAL STATUS WHERE Variable_name = 'Questions' OR Variable_name LIKE 'Handler_read%'");
        const values = rows.map(({ Variable_name: name, Value: value }) => [String(name), Number(value)]);
        const statements = values.find(([name]) => name === 'Questions')?.[1] ?? 0;
        return { statements, rows: values.reduce((sum, [name, value]) => sum + (name === 'Questions' ? 0 : value), 0) };
    };
    const difference = async (work) => {
        const before = await status();
        await work();
        const after = await status();
        return { statements: after.statements - before.statements, rows: after.rows - before.rows };
    };
    // Looking reads and counts too.
    const looks = [];
    for (let at = 0; at < REPEATED; at++)
        looks.push(await difference(async () => undefined));
    const own = medianOf(looks);
    return async (work) => {
        const all = await difference(work);
        return { statements: all.statements - own.statements, rows: all.rows - own.rows };
    };
}
const medianOf = (costs) => ({
    statements: (0, load_1.median)(costs.map(({ statements }) => statements)),
    rows: (0, load_1.median)(costs.map(({ rows }) => rows)),
});
function requestsOf(app, admin) {
    const fields = 'id firstName lastName email residency';
    const page = () => (0, remit_1.post)(app, `{ customers(first: 50) { nodes { ${fields} } } }`);
    let [made, granted] = [0, 0];
    let known;
    return {
        page,
        lookUp: () => (0, remit_1.post)(app, '{ customerLookup(by: { email: "nobody@example.com" }) { id firstName } }'),
        byId: async (server) => {
            if (known === undefined) {
                const { data } = (await (0, load_1.ask)(server, page()));
                known = data.customers.nodes[0].id;
            }
            return (0, remit_1.post)(app, `query ($id: ID!) { customer(id: $id) { ${fields} } }`, { id: known });
        },
        write: () => (0, remit_1.post)(admin, `mutation { createCustomer(input: { firstName: "Person ${made++}" }) { customer { id } } }`),
        grant: () => (0, remit_1.post)(admin, `mutation { grantPurpose(input: { granteeKind: PRINCIPAL, grantee: "user-${granted++}", purpose: SUPPORT,
          reason: "bench" }) { grant { id } } }`),
    };
}
async function plantHistory(data, slug) {
    const [[client]] = await data.query('SELECT client_id AS id FROM client WHERE slug = ?', [slug]);
    const owner = String(client?.id);
    const then = Date.now() - 30 * 86_400_000;
    const plant = async (table, columns, rows, row) => {
        for (let from = 0; from < rows; from += 2_000) {
            const values = Array.from({ length: Math.min(2_000, rows - from) }, (_, at) => row(from + at));
            await data.query(`INSERT INTO ${table} (${columns}) VALUES ?`, [values]);
        }
    };
    await plant('erasure_request', 'client_id, id, kind, status, requested_at, due_at', DONE.erasures, (at) => [
        ...[owner, (0, node_crypto_1.randomUUID)(), 'CUSTOMER', 'COMPLETED', then, then + at],
    ]);
    await plant('webhook_delivery', 'client_id, id, event, reference, recipient_id, endpoint_id, status, next_at', DONE.notices, () => [owner, (0, node_crypto_1.randomUUID)(), 'erasure.requested', (0, node_crypto_1.randomUUID)(), (0, node_crypto_1.randomUUID)(), (0, node_crypto_1.randomUUID)(), 'NOTIFIED', then]);
    await plant('disclosure', 'client_id, id, status, requested_at, told_at', DONE.disclosures, () => [
        ...[owner, (0, node_crypto_1.randomUUID)(), 'MADE', then, then],
    ]);
    await plant('purpose_grant', 'client_id, id, grantee_kind, grantee, purpose, reason, valid_from, withdrawn_at, given_by', DONE.grants, (at) => [owner, (0, node_crypto_1.randomUUID)(), 'PRINCIPAL', `gone-${at}`, 'SUPPORT', 'bench', then, then, 'bench']);
    // Logs of processes that died an hour ago, without an end: every opening looks at them.
    await plant('audit_log', 'log_id, opened_at, settled, pruned', DONE.logs, () => [
        ...[(0, node_crypto_1.randomUUID)(), Date.now() - 3_600_000, 0, 0],
    ]);
}
/** The fleet's figures, a second. */
function reckon({ idle, probe, scrape, kinds, opening }) {
    const perShard = (cost, figure) => (cost[figure] / MEASURED) * SHARDS;
    const watched = (figure) => PROCESSES * (perShard(probe, figure) / PROBE_EVERY + perShard(scrape, figure) / SCRAPE_EVERY);
    const asked = (figure) => PROCESSES *
        REQUESTS *
        Object.entries(mix).reduce((sum, [kind, share]) => sum + share * kinds[kind][figure], 0);
    const extra = (figure) => kinds['first, opening a log'][figure] - kinds.page[figure];
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
function print(measured) {
    const builds = Object.keys(measured);
    const line = (what, values) => process.stdout.write(`  ${what.padEnd(42)}${values.map((value) => value.padStart(22)).join('')}\n`);
    const written = ({ statements, rows }) => `${statements.toFixed(1)} / ${rows.toFixed(0)}`;
    const of = (build) => measured[build];
    process.stdout.write('\none process, statements / rows read\n');
    line('', builds);
    line('idle, a second and database', builds.map((build) => `${of(build).idle.statements.toFixed(3)} / ${of(build).idle.rows.toFixed(0)}`));
    line('/readyz', builds.map((build) => written(of(build).probe)));
    line('/metrics', builds.map((build) => written(of(build).scrape)));
    for (const kind of Object.keys(of('this').kinds))
        line(kind, builds.map((build) => written(of(build).kinds[kind])));
    process.stdout.write(`\n${PROCESSES} processes, ${SHARDS} databases, ${PEOPLE.toLocaleString('en')} people; ${REQUESTS} requests a ` +
        `second and process (${Object.entries(mix)
            .map(([kind, share]) => `${share * 100} % ${kind}`)
            .join(', ')})\n`);
    line('', builds);
    const reckoned = builds.map((build) => reckon(of(build)));
    for (const figure of Object.keys(reckoned[0] ?? {}))
        line(figure, reckoned.map((values) => Math.round(values[figure] ?? Number.NaN).toLocaleString('en')));
    process.stdout.write('\nReckoned: what one process with three databases asks is spread over them evenly, and every process and database\n' +
        'of the fleet asks as much; what only one process does for all counts for each. Rows of a page, a look-up and a\n' +
        `write do not depend on the number of people (set growth). Long done in each home: ${JSON.stringify(DONE)}.\n`);
}
