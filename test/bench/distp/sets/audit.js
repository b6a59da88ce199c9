"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.audit = audit;
const node_child_process_1 = require("node:child_process");
const node_fs_1 = require("node:fs");
const node_path_1 = require("node:path");
const node_util_1 = require("node:util");
const installation_1 = require("../support/installation");
const load_1 = require("../support/load");
const remit_1 = require("../support/remit");
const server_process_1 = require("../support/server-process");
const CUSTOMERS = Number(process.env.BENCH_CUSTOMERS ?? 2_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const CONNECTIONS = (process.env.BENCH_CONNECTIONS ?? '1,16,64').split(',').map(Number);
const ENTRIES = Number(process.env.BENCH_ENTRIES ?? 1_000_000);
const MIB = 1024;
const works = {
    'one customer': 'query One { customers(first: 1) { nodes { id firstName lastName email residency } } }',
    '20 customers x 12 fields': 'query Page { customers(first: 20) { nodes { id firstName lastName email phone socialHandle ipAddress gender residency source externalId createdAt } } }',
};
/** What the ledger costs: throughput with it and without it, entries a second, and verifying many. On MariaDB. */
async function audit() {
    const installation = await (0, installation_1.install)();
    try {
        const throughput = await measureThroughput(installation);
        const fill = JSON.parse((await (0, node_util_1.promisify)(node_child_process_1.execFile)(process.execPath, [server('fill-ledger.js'), String(ENTRIES)], at(installation)))
            .stdout);
        process.stdout.write(`\nentries written, 256 at once: ${fill.entriesPerSecond} a second\n`);
        const verification = await measureVerification(installation);
        const { entries, seconds, peakMemory } = verification;
        process.stdout.write(`verified ${entries} entries in ${seconds.toFixed(1)} s, at most ${peakMemory} MiB\n`);
        return { throughput, ...fill, verification };
    }
    finally {
        await installation.remove();
    }
}
const server = (file) => (0, node_path_1.join)(__dirname, '..', 'servers', file);
const at = ({ env, folder }) => ({ env: { ...process.env, ...env }, cwd: folder });
async function measureThroughput(installation) {
    const seeded = await installation.remit('seed', '--customers', String(CUSTOMERS), '--clients', '1', '--json');
    const { slug } = JSON.parse(seeded).clients[0];
    const who = ['--role', 'CLIENT_APP', '--client', slug, '--purpose', 'SERVICE_DELIVERY', '--country', 'DE'];
    const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${(await installation.remit('token', ...who)).trim()}`,
        'processing-purpose': 'SERVICE_DELIVERY',
    };
    const { env, folder } = installation;
    const serve = [(0, node_path_1.join)(installation_1.root, 'dist', 'src', 'main.js'), 'serve'];
    const on = await (0, server_process_1.startServer)('ledger on', serve, env, folder, remit_1.portOfRemit);
    const off = await (0, server_process_1.startServer)('ledger off', [server('without.js'), 'ledger'], env, folder, remit_1.portOfRemit);
    try {
        const results = [];
        for (const [work, query] of Object.entries(works)) {
            const request = { method: 'POST', path: '/graphql', headers, body: JSON.stringify({ query }) };
            // What follows the data and the errors tells one answer from another.
            const { extensions: _own, ...answer } = (await (0, load_1.ask)(off, request));
            const expected = JSON.stringify(answer).slice(0, -1);
            for (const connections of CONNECTIONS) {
                const rounds = await measureBoth(on, off, request, expected, connections);
                results.push({ work, connections, rounds });
                print(work, connections, rounds);
            }
        }
        return results;
    }
    finally {
        await on.stop();
        await off.stop();
    }
}
/** In turn, round after round: what else the machine does falls on both. */
async function measureBoth(on, off, request, expected, connections) {
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) {
        const first = round % 2 === 0 ? on : off;
        const one = await (0, load_1.load)(first, request, expected, connections, SECONDS);
        const two = await (0, load_1.load)(first === on ? off : on, request, expected, connections, SECONDS);
        rounds.push(first === on ? { on: one, off: two } : { on: two, off: one });
    }
    return rounds;
}
function print(work, connections, rounds) {
    const ratio = (0, load_1.spread)(rounds.map(({ on, off }) => on.throughput / off.throughput));
    const of = (which) => {
        const [throughput, p99, cpu] = ['throughput', 'p99', 'cpuPerRequest'].map((figure) => Math.round((0, load_1.median)(rounds.map((round) => round[which][figure]))));
        return `${throughput} req/s, p99 ${p99} ms, cpu ${cpu} us`;
    };
    process.stdout.write(`${work}, ${connections} connections: on ${of('on')}; off ${of('off')}; ` +
        `on/off ${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)})\n`);
}
async function measureVerification(installation) {
    const startedAt = performance.now();
    const child = (0, node_child_process_1.spawn)(process.execPath, [(0, node_path_1.join)(installation_1.root, 'dist', 'src', 'main.js'), 'audit', 'verify', '--json'], {
        ...at(installation),
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    let peakMemory = 0;
    const watch = setInterval(() => {
        peakMemory = Math.max(peakMemory, peakOf(child.pid));
    }, 100);
    let output = '';
    child.stdout.on('data', (chunk) => {
        output += chunk;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    clearInterval(watch);
    const { sound, entries } = JSON.parse(output);
    if (code !== 0 || !sound)
        throw new Error(`the ledger does not verify: ${output.slice(0, 2_000)}`);
    return { entries, seconds: (performance.now() - startedAt) / 1000, peakMemory };
}
function peakOf(pid) {
    try {
        return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec((0, node_fs_1.readFileSync)(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / MIB);
    }
    catch {
        return 0;
    }
}
