"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.hostile = hostile;
const node_child_process_1 = require("node:child_process");
const node_path_1 = require("node:path");
const promises_1 = require("node:timers/promises");
const node_util_1 = require("node:util");
const installation_1 = require("../support/installation");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const remit_1 = require("../support/remit");
const attacker = (0, node_path_1.join)(__dirname, '..', 'servers', 'attacker.js');
const PAUSE_MS = 20;
/** What is aimed at: times of quiet, and milliseconds. */
const aims = { p99: 3, memory: 1.5, health: 1_000 };
/** Attacks at our limits, each on a server of its own, beside a normal caller; on loopback, and each ends by itself. */
async function hostile() {
    const length = (0, knobs_1.seconds)(60);
    const names = JSON.parse((0, node_child_process_1.execFileSync)(process.execPath, [attacker], { encoding: 'utf8' }));
    const installation = await (0, installation_1.install)();
    try {
        const slug = await (0, remit_1.seed)(installation, (0, knobs_1.customers)());
        await (0, remit_1.everyoneIn)('DE', installation.urls.data);
        const normal = await (0, remit_1.appOf)(installation, slug, 'SERVICE_DELIVERY');
        const other = await agentOf(installation, slug);
        const results = {};
        process.stdout.write(`${row(['attack', 'p99 ÷ quiet', 'RSS ÷ quiet', '/healthz', 'refused', ''])}\n`);
        for (const name of names)
            results[name] = await under(installation, name, normal, other, length);
        return { seconds: length, aims, results };
    }
    finally {
        await installation.remove();
    }
}
async function under(installation, name, normal, other, length) {
    const server = await (0, remit_1.startRemit)(installation);
    try {
        const request = (0, remit_1.post)(normal, '{ customers(first: 20) { nodes { id firstName email } } }');
        const expected = (0, load_1.beginningOf)(await (0, load_1.ask)(server, request));
        await serve(server, request, expected, Math.min(3, length));
        const quiet = await serve(server, request, expected, Math.max(3, length / 4));
        const env = { ATTACK_URL: server.url, ATTACK_HEADERS: JSON.stringify(other), ATTACK_SECONDS: String(length) };
        const attacking = (0, node_util_1.promisify)(node_child_process_1.execFile)(process.execPath, [attacker, name], { env: { ...process.env, ...env } });
        const beside = await serve(server, request, expected, length);
        await attacking;
        const p99 = beside.p99 / quiet.p99;
        const memory = beside.memory / quiet.memory;
        const holds = p99 <= aims.p99 && memory <= aims.memory && beside.slowestHealth < aims.health && beside.refused === 0;
        const health = `${Math.round(beside.slowestHealth)} ms`;
        const figures = [p99.toFixed(2), memory.toFixed(2), health, String(beside.refused), holds ? '' : 'missed'];
        process.stdout.write(`${row([name, ...figures])}\n`);
        return { p99, memory, slowestHealth: beside.slowestHealth, refused: beside.refused, quiet, beside };
    }
    finally {
        await server.stop();
    }
}
/** Asks as one caller does, now and then, and looks at the server meanwhile. */
async function serve(server, request, expected, length) {
    const end = performance.now() + length * 1_000;
    const times = [];
    let refused = 0;
    let slowestHealth = 0;
    let memory = 0;
    const watching = (async () => {
        while (performance.now() < end) {
            const before = performance.now();
            await fetch(`${server.url}/healthz`).then((answer) => answer.text());
            slowestHealth = Math.max(slowestHealth, performance.now() - before);
            memory = Math.max(memory, server.memory());
            await (0, promises_1.setTimeout)(250);
        }
    })();
    while (performance.now() < end) {
        const before = performance.now();
        const answer = await (0, load_1.ask)(server, request).catch(() => ({}));
        times.push(performance.now() - before);
        if ((0, load_1.beginningOf)(answer) !== expected)
            refused++;
        await (0, promises_1.setTimeout)(PAUSE_MS);
    }
    await watching;
    times.sort((a, b) => a - b);
    return { p99: times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN, slowestHealth, memory, refused };
}
/** Another principal of the same client. */
async function agentOf(installation, slug) {
    const who = ['--role', 'CLIENT_AGENT', '--client', slug, '--purpose', 'SUPPORT', '--country', 'DE'];
    const token = (await installation.remit('token', ...who)).trim();
    return { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'processing-purpose': 'SUPPORT' };
}
const widths = [36, 12, 12, 10, 8, 8];
const row = (cells) => cells.map((cell, index) => cell.padEnd(widths[index] ?? 8)).join(' ');
