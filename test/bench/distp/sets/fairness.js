"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.fairness = fairness;
const node_child_process_1 = require("node:child_process");
const node_path_1 = require("node:path");
const node_util_1 = require("node:util");
const installation_1 = require("../support/installation");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const remit_1 = require("../support/remit");
const server_process_1 = require("../support/server-process");
const attacker = (0, node_path_1.join)(__dirname, '..', 'servers', 'attacker.js');
const PRINCIPALS = 16;
/** Times of quiet. */
const AIM = 2;
/**
 * Two clients: one storms with 64 connections, the other asks for pages over two. How much longer the other waits than
 * in quiet. Where BENCH_OTHER names the built checkout of another version, it is measured beside.
 */
async function fairness() {
    const length = (0, knobs_1.seconds)(20);
    const names = JSON.parse((0, node_child_process_1.execFileSync)(process.execPath, [attacker, 'storms'], { encoding: 'utf8' }));
    const installation = await (0, installation_1.install)();
    try {
        const seeded = await installation.remit('seed', '--customers', String((0, knobs_1.customers)()), '--clients', '2', '--json');
        const { clients } = JSON.parse(seeded);
        const [stormy = '', quiet = ''] = clients.map(({ slug }) => slug);
        await (0, remit_1.everyoneIn)('DE', installation.urls.data);
        const modest = await agentOf(installation, quiet, 'modest');
        const many = await Promise.all(Array.from({ length: PRINCIPALS }, (_, n) => agentOf(installation, stormy, `p${n}`)));
        const other = process.env.BENCH_OTHER;
        const results = [];
        for (const storm of names) {
            for (const [build, checkout] of [['this', installation_1.root], ...(other === undefined ? [] : [['other', other]])]) {
                const measured = await under(installation, checkout ?? installation_1.root, storm, modest, many, length);
                const ratio = measured.beside.p99 / measured.quiet.p99;
                results.push({ build: build ?? '', storm, ratio, ...measured });
                const { quiet: calm, beside } = measured;
                const figures = `p99 ${calm.p99.toFixed(1)} -> ${beside.p99.toFixed(1)} ms, p50 ${calm.p50.toFixed(1)} -> `;
                process.stdout.write(`${build} | ${storm} | x${ratio.toFixed(2)} | ${figures}${beside.p50.toFixed(1)} ms, refused ${beside.refused}` +
                    `${ratio <= AIM ? '' : ' | missed'}\n`);
            }
        }
        return { seconds: length, aim: AIM, principals: PRINCIPALS, results };
    }
    finally {
        await installation.remove();
    }
}
async function under({ env, folder }, checkout, storm, modest, many, length) {
    const command = [(0, node_path_1.join)(checkout, 'dist', 'src', 'main.js'), 'serve'];
    const server = await (0, server_process_1.startServer)('remit', command, env, folder, remit_1.portOfRemit);
    try {
        const request = (0, remit_1.post)(modest, '{ customers(first: 20) { nodes { id firstName email } } }');
        const expected = (0, load_1.beginningOf)(await (0, load_1.ask)(server, request));
        await serve(server, request, expected, Math.min(3, length));
        const quiet = await serve(server, request, expected, length / 2);
        const told = { ATTACK_URL: server.url, ATTACK_HEADERS: JSON.stringify(many[0]), ATTACK_MANY: JSON.stringify(many) };
        const attacking = (0, node_util_1.promisify)(node_child_process_1.execFile)(process.execPath, [attacker, storm], {
            env: { ...process.env, ...told, ATTACK_SECONDS: String(length) },
        });
        const beside = await serve(server, request, expected, length);
        await attacking;
        return { quiet, beside };
    }
    finally {
        await server.stop();
    }
}
/** Asks over two connections, one request after the other. */
async function serve(server, request, expected, length) {
    const end = performance.now() + length * 1_000;
    const times = [];
    let refused = 0;
    const one = async () => {
        while (performance.now() < end) {
            const before = performance.now();
            const answer = await (0, load_1.ask)(server, request).catch(() => ({}));
            times.push(performance.now() - before);
            if ((0, load_1.beginningOf)(answer) !== expected)
                refused++;
        }
    };
    await Promise.all([one(), one()]);
    times.sort((a, b) => a - b);
    const at = (part) => times[Math.ceil(times.length * part) - 1] ?? Number.NaN;
    return { answered: times.length, refused, p50: at(0.5), p99: at(0.99) };
}
async function agentOf(installation, slug, subject) {
    const who = ['--role', 'CLIENT_AGENT', '--client', slug, '--purpose', 'SUPPORT', '--country', 'DE', '--sub', subject];
    const token = (await installation.remit('token', ...who)).trim();
    return { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'processing-purpose': 'SUPPORT' };
}
