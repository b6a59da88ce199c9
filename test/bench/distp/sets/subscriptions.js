"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.subscriptions = subscriptions;
const node_path_1 = require("node:path");
const promises_1 = require("node:timers/promises");
const promise_1 = require("mysql2/promise");
const installation_1 = require("../support/installation");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const remit_1 = require("../support/remit");
const server_process_1 = require("../support/server-process");
const subscribers_1 = require("../support/subscribers");
const APPROVALS = 200;
const PRINCIPALS = 10;
const PER_SOCKET = 25;
const PAGES = 40;
const WINDOW_MS = 5_000;
const SETTLE_MS = 3_000;
const OPENING_MS = 60_000;
const EVENT_MS = 20_000;
/**
 * Idle sockets and subscriptions of each kind: memory, statements, a bystander's pages, and how long an event takes to
 * reach all. One server process for each line. Where BENCH_OTHER names the built checkout of another version, each is
 * measured beside it.
 */
async function subscriptions() {
    const installation = await (0, installation_1.install)();
    const connection = await (0, promise_1.createConnection)(installation.urls.data);
    const rows = [];
    try {
        const slug = await (0, remit_1.seed)(installation, 50);
        const bystander = await (0, remit_1.appOf)(installation, slug, 'SERVICE_DELIVERY');
        const officers = await Promise.all(Array.from({ length: PRINCIPALS }, (_, n) => tokenOf(installation, slug, `officer.${n}`, 'CLIENT_PRIVACY_OFFICER')));
        const admin = headersOf(await tokenOf(installation, slug, 'admin', 'CLIENT_ADMIN'));
        const requests = await plantRequests(connection, slug, Math.max(...(0, knobs_1.subscriptionCounts)()));
        await plantApprovals(installation, admin);
        const other = process.env.BENCH_OTHER;
        const builds = [
            { name: 'this', checkout: installation_1.root },
            ...(other === undefined ? [] : [{ name: 'other', checkout: other }]),
        ];
        process.stdout.write(`${line(titles)}\n`);
        for (const kind of kindsOf(requests, connection, admin).filter(k=>!process.env.KIND||k.name.includes(process.env.KIND))) {
            for (const count of (0, knobs_1.subscriptionCounts)()) {
                for (const build of builds) {
                    const row = await measure(installation, connection, build, kind, count, bystander, officers);
                    rows.push(row);
                    process.stdout.write(`${line(cellsOf(row))}\n`);
                }
            }
        }
        return { approvals: APPROVALS, perSocket: PER_SOCKET, principals: PRINCIPALS, rows };
    }
    finally {
        await connection.end();
        await installation.remove();
    }
}
function kindsOf(requests, connection, admin) {
    const followed = 'subscription ($id: ID!) { erasureRequestChanged(id: $id) { id status } }';
    let pass = 0;
    const one = {
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
async function measure(installation, connection, build, kind, count, bystander, tokens) {
    const server = await startMeasured(installation, build, count);
    let subscribers;
    try {
        await pages(server, bystander, 100);
        const before = await kept(server);
        const sockets = kind.sockets(count);
        const { subscribed } = kind;
        const asked = subscribed ?? { query: '' };
        subscribers = await (0, subscribers_1.subscribeMany)(server.url, tokens, sockets, subscribed ? count : 0, asked, OPENING_MS);
        if (subscribed)
            await allOpen(server, count - subscribers.lost);
        await (0, promises_1.setTimeout)(SETTLE_MS);
        const memory = ((await kept(server)) - before) / count;
        const busy = server.cpuSeconds();
        const statements = await statementsIn(connection, WINDOW_MS);
        const cpu = ((server.cpuSeconds() - busy) / (WINDOW_MS / 1_000)) * 100;
        const seen = await pages(server, bystander, PAGES);
        const told = kind.change && (await timeToReach(connection, server, kind.change, subscribers, count));
        const { lost } = subscribers;
        await subscribers.close();
        subscribers = undefined;
        await (0, promises_1.setTimeout)(SETTLE_MS);
        const statementsAfter = await statementsIn(connection, WINDOW_MS);
        const { reached, cpuEach, telling } = told ?? { reached: undefined, cpuEach: undefined, telling: undefined };
        const about = { kind: kind.name, count, build: build.name };
        return { ...about, memory, statements, cpu, ...seen, reached, cpuEach, telling, statementsAfter, lost };
    }
    finally {
        await server.stop();
        await subscribers?.close();
    }
}
/** Waits until the server holds as many, where it tells how many it holds. */
async function allOpen(server, count) {
    const end = performance.now() + OPENING_MS;
    while (performance.now() < end) {
        const text = await (await fetch(`${server.url}/metrics`)).text();
        const open = /^remit_subscriptions (\d+)$/m.exec(text)?.[1];
        if (Number(open) >= count)
            return;
        await (0, promises_1.setTimeout)(open === undefined ? OPENING_MS / 4 : 500);
    }
}
async function timeToReach(connection, server, change, subscribers, count) {
    const before = subscribers.events;
    const busy = server.cpuSeconds();
    const questions = await questionsOf(connection);
    require("fs").writeFileSync("/tmp/fprof/on",""); await new Promise(r=>setTimeout(r,300)); await change(server);
    const began = performance.now();
    const all = await subscribers.reached(before + count, EVENT_MS);
    require("fs").rmSync("/tmp/fprof/on",{force:true}); await new Promise(r=>setTimeout(r,1500)); const reached = all ? (performance.now() - began) / 1_000 : undefined;
    const cpuEach = ((server.cpuSeconds() - busy) / count) * 1e6;
    return { reached, cpuEach, telling: (await questionsOf(connection)) - questions - 1 };
}
/** A server whose limits let all in; a build from before a limit does not know it. */
function startMeasured({ env, folder }, { name, checkout }, count) {
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
    const collect = (0, node_path_1.join)(__dirname, '..', 'servers', 'collect.js');
    const command = ['--expose-gc', '--require', collect, (0, node_path_1.join)(checkout, 'dist', 'src', 'main.js'), 'serve'];
    return (0, server_process_1.startServer)(name, command, { ...env, LIMITS }, folder, remit_1.portOfRemit);
}
/** KiB that the server holds after garbage is collected. */
async function kept(server) {
    for (let time = 0; time < 3; time++) {
        server.signal('SIGUSR2');
        await (0, promises_1.setTimeout)(500);
    }
    return server.memory() * 1_024;
}
async function pages(server, headers, count) {
    const request = (0, remit_1.post)(headers, '{ customers(first: 20) { nodes { id firstName email } } }');
    const times = [];
    for (let n = 0; n < count; n++) {
        const began = performance.now();
        await (0, load_1.ask)(server, request);
        times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    const at = (part) => times[Math.min(count - 1, Math.floor(count * part))] ?? Number.NaN;
    return { p50: at(0.5), p95: at(0.95) };
}
async function questionsOf(connection) {
    const [rows] = await connection.query("SHOW GLOBAL STATUS LIKE 'Questions'");
    return Number(rows[0]?.Value);
}
/** Statements a second that the database is sent, without those that count them. */
async function statementsIn(connection, ms) {
    const before = await questionsOf(connection);
    await (0, promises_1.setTimeout)(ms);
    return ((await questionsOf(connection)) - before - 1) / (ms / 1_000);
}
async function tokenOf(installation, slug, subject, role) {
    const who = ['--role', role, '--client', slug, '--sub', subject, '--purpose', 'LEGAL', '--country', 'DE'];
    return (await installation.remit('token', ...who)).trim();
}
const headersOf = (token) => ({
    'content-type': 'application/json',
    authorization: `Bearer ${token}`,
});
/** Requests that a hold keeps: nothing works on them. @returns their ids */
async function plantRequests(connection, slug, count) {
    const [found] = await connection.query('SELECT client_id FROM client WHERE slug = ?', [slug]);
    const client = found[0]?.client_id;
    const ids = Array.from({ length: count }, (_, n) => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`);
    const now = Date.now();
    for (let start = 0; start < count; start += 1_000) {
        const rows = ids
            .slice(start, start + 1_000)
            .map((id) => [client, id, 'CUSTOMER', 'OBJECTION', 'ON_HOLD', 'admin', 'CLIENT_ADMIN', now, now + 1e9, 0]);
        await connection.query(`INSERT INTO erasure_request
       (client_id, id, kind, grounds, status, requested_by, requested_role, requested_at, due_at, pass) VALUES ?`, [rows]);
    }
    return ids;
}
async function plantApprovals(installation, admin) {
    const server = await startMeasured(installation, { name: 'this', checkout: installation_1.root }, 100);
    try {
        for (let n = 0; n < APPROVALS; n++)
            await requestApproval(server, admin);
    }
    finally {
        await server.stop();
    }
}
async function requestApproval(server, admin) {
    const input = {
        recipient: { kind: 'CLIENT' },
        destinationCountry: 'US',
        categories: ['CONTACT'],
        purposes: ['SUPPORT'],
        mechanism: 'SCC',
        sccModule: 4,
        assessment: 'TIA',
    };
    const document = 'mutation ($input: RequestTransferApprovalInput!) { requestTransferApproval(input: $input) { approval { id } } }';
    const { errors } = await (0, load_1.ask)(server, (0, remit_1.post)(admin, document, { input }));
    if (errors)
        throw new Error(JSON.stringify(errors));
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
const cellsOf = (row) => [
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
const line = ([name = '', ...cells]) => [name.padEnd(44), ...cells.map((cell) => cell.padStart(11))].join(' ').trimEnd();
