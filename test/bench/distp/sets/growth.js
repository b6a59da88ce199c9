"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.growth = growth;
const node_child_process_1 = require("node:child_process");
const node_path_1 = require("node:path");
const node_util_1 = require("node:util");
const promise_1 = require("mysql2/promise");
const installation_1 = require("../support/installation");
const interleaved_1 = require("../support/interleaved");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const many_policies_1 = require("../support/many-policies");
const remit_1 = require("../support/remit");
const work_1 = require("../support/work");
const CONNECTIONS = 16;
/** People that are looked up, spread over all there are. */
const SAMPLE = 500;
/** Pages that are read begin at this many places among the first customers. */
const PLACES = 20;
const ROWS_BETWEEN_PLACES = 500;
const page = `query Page($after: String) { customers(first: 50, after: $after) { nodes { id firstName lastName email residency orders(first: 5) { nodes { id placedAt total currency status } } } } }`;
const byId = 'query One($id: ID!) { customer(id: $id) { id firstName lastName email residency createdAt } }';
const byEmail = 'query Lookup($by: CustomerLookup!) { customerLookup(by: $by) { id firstName lastName email residency createdAt } }';
const places = `query Places($after: String) { customers(first: ${ROWS_BETWEEN_PLACES}, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }`;
/** What a request takes as customers, policies and clients grow. */
async function growth() {
    const installation = await (0, installation_1.install)();
    try {
        const byCustomers = await growCustomers(installation);
        const byPolicies = await growPolicies(installation);
        const ratios = { ...byCustomers.ratios, ...byPolicies.ratios };
        (0, interleaved_1.printRatios)(ratios);
        return { customers: byCustomers.measured, policies: byPolicies.measured, ratios };
    }
    finally {
        await installation.remove();
    }
}
async function growCustomers(installation) {
    const servers = [];
    const works = new Map();
    try {
        for (const size of (0, knobs_1.growthSizes)()) {
            const own = await installation.sibling(`remit_${size}`);
            const slug = await fill(own, size);
            const server = await (0, remit_1.startRemit)(own, `${size} customers`);
            servers.push(server);
            const headers = await (0, remit_1.appOf)(own, slug, 'SERVICE_DELIVERY');
            for (const [work, asked] of Object.entries(await worksOf(server, headers, size))) {
                const contestants = works.get(work) ?? [];
                works.set(work, [...contestants, { name: server.name, server, asked }]);
            }
        }
        const measured = await measure(works);
        const [smallest, ...larger] = servers.map(({ name }) => name);
        const ratios = {};
        for (const { work, courses } of measured) {
            // Time is what throughput is not: the smaller one's throughput over the larger one's.
            for (const name of larger)
                ratios[`time with ${name} / ${smallest}, ${work}`] = (0, interleaved_1.ratio)(courses, `${smallest}`, name);
        }
        return { measured, ratios };
    }
    finally {
        for (const server of servers)
            await server.stop();
    }
}
/** All of them sealed one by one, under keys of their own. @returns the client's slug */
async function fill(installation, size) {
    const slug = await (0, remit_1.seed)(installation, 1);
    const script = (0, node_path_1.join)(__dirname, '..', 'servers', 'fill-customers.js');
    await flushing(installation, 0);
    const { stdout } = await (0, node_util_1.promisify)(node_child_process_1.execFile)(process.execPath, [script, slug, String(size - 1)], {
        env: { ...process.env, ...installation.env, LOG_LEVEL: 'fatal' },
        cwd: installation.folder,
    });
    await flushing(installation, 1);
    const filled = JSON.parse(stdout);
    const { customers: made, seconds: took } = filled;
    process.stdout.write(`${made} customers with 10 orders each written and sealed in ${took.toFixed(1)} s\n`);
    await (0, remit_1.everyoneIn)('DE', installation.urls.data);
    return slug;
}
/** Whether MariaDB waits for the disk at each commit: not while it is filled. */
async function flushing({ urls }, how) {
    const connection = await (0, promise_1.createConnection)(urls.data);
    await connection.query(`SET GLOBAL innodb_flush_log_at_trx_commit = ${how}`);
    await connection.end();
}
/** Requests about different people and pages; each answer is known before it is measured. */
async function worksOf(server, headers, size) {
    const known = async (query, variables) => {
        const request = (0, remit_1.post)(headers, query, variables);
        const answer = await (0, load_1.ask)(server, request);
        if (answer.errors || !answer.data)
            throw new Error(`${server.name}: ${JSON.stringify(answer).slice(0, 500)}`);
        return { data: answer.data, asked: { request, expected: (0, load_1.beginningOf)(answer) } };
    };
    const lookups = [];
    const ones = [];
    const sample = Math.min(SAMPLE, size - 1);
    for (let place = 0; place < sample; place++) {
        const number = Math.floor((place * (size - 1)) / sample);
        const found = await known(byEmail, { by: { email: `person.${number}@example.org` } });
        const { id } = (found.data.customerLookup ?? {});
        if (id === undefined)
            throw new Error(`${server.name}: person ${number} is not found`);
        lookups.push(found.asked);
        ones.push((await known(byId, { id })).asked);
    }
    const pages = [];
    for (let after = null; pages.length < PLACES;) {
        pages.push((await known(page, { after })).asked);
        const { customers: next } = (await known(places, { after })).data;
        if (!next.pageInfo.hasNextPage)
            break;
        after = next.pageInfo.endCursor;
    }
    return { 'page of 50 x 5': pages, 'look-up by e-mail': lookups, 'one by id': ones };
}
async function measure(works) {
    const length = { connections: [CONNECTIONS], rounds: (0, knobs_1.rounds)(), seconds: (0, knobs_1.seconds)(3) };
    const measured = [];
    for (const [work, contestants] of works) {
        measured.push(...(await (0, interleaved_1.compare)(work, contestants, length)));
    }
    return measured;
}
/** The same customers of one client, where it has a few grants and is alone, and where it has ten times as many. */
async function growPolicies(installation) {
    const servers = [];
    const works = new Map();
    const few = 'one client';
    const many = 'grants x10, clients x1,000';
    try {
        for (const name of [few, many]) {
            const own = await installation.sibling(name === few ? 'remit_few' : 'remit_many');
            const slug = await (0, remit_1.seed)(own, (0, knobs_1.customers)());
            await (0, remit_1.everyoneIn)('DE', own.urls.data);
            if (name === many) {
                const { grants, clients } = await (0, many_policies_1.manyGrantsAndClients)(own.urls.data, slug);
                process.stdout.write(`\n${many}: the client has ${grants} grants, and ${clients} clients are beside it\n`);
            }
            const server = await (0, remit_1.startRemit)(own, name);
            servers.push(server);
            const headers = await (0, remit_1.appOf)(own, slug, 'SERVICE_DELIVERY');
            const { data } = await (0, load_1.ask)(server, (0, remit_1.post)(headers, 'query Sample { customers(first: 20) { nodes { id email } } }'));
            const { nodes } = data.customers;
            const [sample] = nodes.filter(({ email }) => email !== null);
            if (!sample)
                throw new Error('no customer of the sample has an e-mail address');
            for (const { name: work, document, variables } of (0, work_1.worksFor)(sample).slice(0, 2)) {
                const request = (0, remit_1.post)(headers, document, variables);
                const asked = [{ request, expected: (0, load_1.beginningOf)(await (0, load_1.ask)(server, request)) }];
                works.set(work, [...(works.get(work) ?? []), { name, server, asked }]);
            }
        }
        const measured = await measure(works);
        const ratios = Object.fromEntries(measured.map(({ work, courses }) => [`time with ${many} / ${few}, ${work}`, (0, interleaved_1.ratio)(courses, few, many)]));
        return { measured, ratios };
    }
    finally {
        for (const server of servers)
            await server.stop();
    }
}
