"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.sideBySide = sideBySide;
exports.requestOf = requestOf;
exports.sameData = sameData;
const node_path_1 = require("node:path");
const installation_1 = require("./installation");
const load_1 = require("./load");
const plain_copy_1 = require("./plain-copy");
const remit_1 = require("./remit");
const server_process_1 = require("./server-process");
const peers = ['floor', 'apollo', 'yoga', 'mercurius-jit', 'mercurius-auth-jit', 'graphql-shield', 'type-graphql'];
/** Those that Apollo's standalone server serves, at the root. */
const atRoot = new Set(['apollo', 'graphql-shield', 'type-graphql']);
async function sideBySide(customers) {
    const installation = await (0, installation_1.install)();
    const servers = [];
    const stop = async () => {
        for (const server of servers)
            await server.stop();
        await installation.remove();
    };
    try {
        const slug = await (0, remit_1.seed)(installation, customers);
        await (0, remit_1.everyoneIn)('DE', installation.urls.data);
        const remit = await (0, remit_1.startRemit)(installation);
        servers.push(remit);
        const headers = await (0, remit_1.appOf)(installation, slug, 'SERVICE_DELIVERY');
        const sample = await (0, plain_copy_1.copyToPlain)(installation, remit, headers);
        const script = (0, node_path_1.join)(__dirname, '..', 'servers', 'peer.js');
        for (const peer of peers) {
            const command = [script, peer, installation.urls.plain];
            servers.push(await (0, server_process_1.startServer)(peer, command, { NODE_ENV: 'production' }, installation.folder, Number));
        }
        return { installation, remit, servers, slug, headers, sample, stop };
    }
    catch (error) {
        await stop();
        throw error;
    }
}
/** A work as one of the servers is asked for it. */
function requestOf(server, { document, variables, floorPath }, headers) {
    if (server === 'floor')
        return { method: 'GET', path: floorPath, headers: {} };
    if (server === 'remit')
        return (0, remit_1.post)(headers, document, variables);
    const request = (0, remit_1.post)({ 'content-type': 'application/json' }, document, variables);
    return atRoot.has(server) ? { ...request, path: '/' } : request;
}
/** Every server's data, compared to the floor's byte by byte; what comes after `data` may differ. */
async function sameData(servers, work, headers) {
    const answers = await Promise.all(servers.map((server) => (0, load_1.ask)(server, requestOf(server.name, work, headers))));
    const texts = answers.map(({ data, errors }) => JSON.stringify({ data, errors }));
    const reference = texts[servers.findIndex(({ name }) => name === 'floor')] ?? '';
    for (const [index, text] of texts.entries()) {
        if (text === reference)
            continue;
        const begins = `${text.slice(0, 400)} / ${reference.slice(0, 400)}`;
        throw new Error(`${servers[index]?.name} answers otherwise than the floor: ${begins}`);
    }
    return reference.slice(0, -1);
}
