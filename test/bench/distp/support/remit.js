"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.serveCommand = void 0;
exports.portOfRemit = portOfRemit;
exports.startRemit = startRemit;
exports.seed = seed;
exports.everyoneIn = everyoneIn;
exports.appOf = appOf;
exports.post = post;
const node_path_1 = require("node:path");
const promise_1 = require("mysql2/promise");
const installation_1 = require("./installation");
const server_process_1 = require("./server-process");
/** What starts the product's own server. */
exports.serveCommand = [(0, node_path_1.join)(installation_1.root, 'dist', 'src', 'main.js'), 'serve'];
/** The port in the line that `remit serve` logs when it listens. */
function portOfRemit(line) {
    const found = /127\.0\.0\.1:(\d+)|localhost:(\d+)|0\.0\.0\.0:(\d+)|"port":(\d+)/.exec(line);
    return found ? Number(found.slice(1).find(Boolean)) : undefined;
}
/** Starts Remit, or a variant of it: a script of `servers/` with its arguments. */
function startRemit({ env, folder }, name = 'remit', variant) {
    const [script, ...args] = variant ?? [];
    const command = script === undefined ? exports.serveCommand : [(0, node_path_1.join)(__dirname, '..', 'servers', script), ...args];
    return (0, server_process_1.startServer)(name, command, env, folder, portOfRemit);
}
/** Sample customers of one client. @returns its slug */
async function seed(installation, customers) {
    const seeded = await installation.remit('seed', '--customers', String(customers), '--clients', '1', '--json');
    const { clients } = JSON.parse(seeded);
    const [client] = clients;
    if (!client)
        throw new Error('the seed made no client');
    return client.slug;
}
/** All live where the caller reads: what transfers cost is another set's to measure. */
async function everyoneIn(country, url) {
    const connection = await (0, promise_1.createConnection)(url);
    await connection.query('UPDATE customer SET residency = ?', [country]);
    await connection.end();
}
/** Headers of the client's own app in Germany. */
async function appOf(installation, slug, purpose, subject) {
    const named = subject === undefined ? [] : ['--sub', subject];
    const who = ['--role', 'CLIENT_APP', '--client', slug, '--purpose', purpose, '--country', 'DE', ...named];
    const token = (await installation.remit('token', ...who)).trim();
    return { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'processing-purpose': purpose };
}
function post(headers, query, variables) {
    return { method: 'POST', path: '/graphql', headers, body: JSON.stringify({ query, variables }) };
}
