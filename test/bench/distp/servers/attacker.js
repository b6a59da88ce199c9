"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
const node_http_1 = require("node:http");
const node_net_1 = require("node:net");
const node_os_1 = require("node:os");
const promises_1 = require("node:timers/promises");
const ws_1 = __importDefault(require("ws"));
const anonymous = { 'content-type': 'application/json' };
let numbered = 0;
/** Attacks at the limits of the server: each goes on until its time is over, whatever it is answered. */
const attacks = {
    'a value that looks like a message': (target) => {
        const query = 'mutation M($i: CreateCustomerInput!) { createCustomer(input: $i) { customer { id } } }';
        const email = '"$i" got invalid value '.repeat(1_000) + '; '.repeat(100_000);
        return floodOver(target, anonymous, () => ({ query, variables: { i: { email } } }), 8);
    },
    'new documents, no token': (target) => floodOver(target, anonymous, newDocument, 8),
    'new documents, a token': (target) => floodOver(target, target.headers, newDocument, 8),
    'dear documents, no token': (target) => floodOver(target, anonymous, dearDocument, 8),
    'dear explanations, a token': (target) => {
        const operation = JSON.stringify(dearDocument().query);
        const aliases = Array.from({ length: 50 }, (_, i) => `x${i}: explainAccess(operation: ${operation}) { coordinate }`);
        // As many as a document may hold.
        const query = `{ ${aliases.slice(0, 40).join(' ')} }`;
        return floodOver(target, target.headers, () => ({ query }), 8);
    },
    'sockets that do not read': async (target) => {
        await Promise.all(Array.from({ length: 100 }, () => unreadSocket(target)));
    },
    'answers that are not read': async (target) => {
        await Promise.all(Array.from({ length: 50 }, () => unreadAnswers(target)));
    },
    'pages at once, HTTP and socket': async (target) => {
        const sockets = Array.from({ length: 4 }, () => manyPages(target));
        await Promise.all([floodOver(target, target.headers, () => ({ query: page(100) }), 64), ...sockets]);
    },
};
/** What one client's principals can do to another client's. */
const storms = {
    'pages, one principal': (target) => floodOver(target, target.headers, () => ({ query: page(20) }), 64),
    'pages, many principals': (target) => ofMany(target, () => ({ query: page(20) })),
    'dear queries, many principals': (target) => ofMany(target, () => ({ query: page(500) })),
    'new documents, many principals': (target) => ofMany(target, newDocument),
};
/** 64 connections, of which each principal has its part. */
async function ofMany(target, next) {
    const { many } = target;
    await Promise.all(many.map((headers) => floodOver(target, headers, next, Math.ceil(64 / many.length))));
}
const page = (first) => `{ customers(first: ${first}) { nodes { id firstName lastName email orders(first: 5) { nodes { total } } } } }`;
/** Of nearly as many tokens as a document may have, and never the same. */
function newDocument() {
    const attributes = '{key:"",value:""} '.repeat(480);
    const query = `mutation M${process.pid}x${numbered++}{createCustomer(input:{attributes:[${attributes}]}){customer{id}}}`;
    return { query };
}
/** Of nearly as many comparisons as validation may make. */
function dearDocument() {
    const field = `customers(first: 1, filter: {residency: "${numbered++}"}) { nodes { id } } `;
    return { query: `query Q { ${field.repeat(60)} }` };
}
async function floodOver({ url, lasts }, headers, next, connections) {
    const agent = new node_http_1.Agent({ keepAlive: true, maxSockets: connections });
    const one = async () => {
        while (lasts())
            await send(url, agent, headers, JSON.stringify(next())).catch(() => (0, promises_1.setTimeout)(10));
    };
    await Promise.all(Array.from({ length: connections }, one));
    agent.destroy();
}
function send(url, agent, headers, body) {
    return new Promise((resolve, reject) => {
        const sending = (0, node_http_1.request)(`${url}/graphql`, { method: 'POST', agent, headers: { ...headers } }, (response) => {
            response.resume().once('end', resolve).once('error', reject);
        });
        sending.once('error', reject).setTimeout(15_000, () => sending.destroy(new Error('no answer')));
        sending.end(body);
    });
}
/** Pings as fast as it may and reads nothing; opened anew whenever it is closed. */
async function unreadSocket({ url, lasts }) {
    const data = Buffer.alloc(125);
    while (lasts()) {
        const socket = new ws_1.default(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
        const opened = await new Promise((resolve) => {
            socket.once('open', () => resolve(true)).once('error', () => resolve(false));
        });
        socket.on('error', () => undefined);
        if (opened)
            socket.pause();
        while (opened && lasts() && socket.readyState === ws_1.default.OPEN) {
            for (let count = 0; count < 100 && socket.bufferedAmount < 1 << 20; count++)
                socket.ping(data);
            await (0, promises_1.setTimeout)(5);
        }
        socket.terminate();
        await (0, promises_1.setTimeout)(50);
    }
}
/** Asks for pages one after the other and reads no answer. */
async function unreadAnswers({ url, headers, lasts }) {
    const { hostname, port } = new URL(url);
    const body = JSON.stringify({ query: page(100) });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const asked = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n${lines.join('')}\r\n${body}`;
    while (lasts()) {
        const socket = (0, node_net_1.connect)(Number(port), hostname);
        let isClosed = false;
        socket
            .on('error', () => undefined)
            .once('close', () => {
            isClosed = true;
        });
        socket.pause();
        while (lasts() && !isClosed) {
            if (socket.writableLength < 1 << 16)
                socket.write(asked);
            await (0, promises_1.setTimeout)(20);
        }
        socket.destroy();
        await (0, promises_1.setTimeout)(50);
    }
}
/** As many pages at once as a socket may ask for, under ids that are given up at once. */
async function manyPages({ url, headers, lasts }) {
    while (lasts()) {
        const socket = new ws_1.default(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
        await new Promise((resolve) => socket.once('open', resolve).once('error', resolve));
        socket.on('error', () => undefined);
        const say = (message) => socket.readyState === ws_1.default.OPEN && socket.send(JSON.stringify(message));
        const { authorization, 'processing-purpose': purpose } = headers;
        say({ type: 'connection_init', payload: { authorization, 'processing-purpose': purpose } });
        for (let id = 0; lasts() && socket.readyState === ws_1.default.OPEN; id++) {
            say({ type: 'subscribe', id: String(id), payload: { query: page(100) } });
            say({ type: 'complete', id: String(id) });
            await (0, promises_1.setTimeout)(25);
        }
        socket.terminate();
        await (0, promises_1.setTimeout)(50);
    }
}
/**
 * `attacker.js NAME`, told the rest by its environment; without a name it lists what there is (`storms`: the others).
 */
async function main() {
    const [name] = process.argv.slice(2);
    const { ATTACK_URL: url = '', ATTACK_HEADERS = '{}', ATTACK_MANY = '[]', ATTACK_SECONDS } = process.env;
    const attack = name === undefined ? undefined : (attacks[name] ?? storms[name]);
    if (!attack) {
        process.stdout.write(`${JSON.stringify(Object.keys(name === 'storms' ? storms : attacks))}\n`);
        return;
    }
    // It stands for other machines: what it takes of this one is not what is measured.
    (0, node_os_1.setPriority)(19);
    const end = Date.now() + Number(ATTACK_SECONDS) * 1_000;
    const over = setTimeout(() => process.exit(0), Number(ATTACK_SECONDS) * 1_000 + 2_000);
    await attack({
        url,
        headers: JSON.parse(ATTACK_HEADERS),
        many: JSON.parse(ATTACK_MANY),
        lasts: () => Date.now() < end,
    });
    clearTimeout(over);
    process.exit(0);
}
void main();
