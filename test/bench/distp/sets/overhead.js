"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.overhead = overhead;
const node_child_process_1 = require("node:child_process");
const node_path_1 = require("node:path");
const node_util_1 = require("node:util");
const installation_1 = require("../support/installation");
const interleaved_1 = require("../support/interleaved");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const remit_1 = require("../support/remit");
const work_1 = require("../support/work");
const GOVERNED = 'governed';
const UNAUDITED = 'governed, no ledger';
const LEDGER = 'ungoverned, ledger';
const UNGOVERNED = 'ungoverned';
const FIRST = 'governed, first reads';
/** The cost of governance: Remit with and without it, the ledger's share, and one decision and one plan alone. */
async function overhead() {
    const installation = await (0, installation_1.install)();
    const servers = [];
    try {
        const slug = await (0, remit_1.seed)(installation, (0, knobs_1.customers)());
        await (0, remit_1.everyoneIn)('DE', installation.urls.data);
        servers.push(await (0, remit_1.startRemit)(installation, GOVERNED));
        servers.push(await (0, remit_1.startRemit)(installation, UNGOVERNED, ['ungoverned.js']));
        servers.push(await (0, remit_1.startRemit)(installation, UNAUDITED, ['without.js', 'ledger']));
        servers.push(await (0, remit_1.startRemit)(installation, LEDGER, ['ungoverned.js', 'ledger']));
        servers.push(await (0, remit_1.startRemit)(installation, FIRST, ['without.js', 'memory']));
        const measured = await measureWorks(installation, slug, servers);
        for (const server of servers.splice(0))
            await server.stop();
        const { decisions, plans } = await inProcess(installation);
        const ratios = ratiosOf(measured);
        (0, interleaved_1.printRatios)(ratios);
        return { measured, decisions, plans, ratios };
    }
    finally {
        for (const server of servers)
            await server.stop();
        await installation.remove();
    }
}
async function measureWorks(installation, slug, servers) {
    const headers = await (0, remit_1.appOf)(installation, slug, 'SERVICE_DELIVERY');
    const [governed] = servers;
    if (!governed)
        throw new Error('no server is started');
    const measured = [];
    const length = { connections: (0, knobs_1.connectionCounts)(), rounds: (0, knobs_1.rounds)(), seconds: (0, knobs_1.seconds)(2) };
    for (const { name: work, document, variables } of (0, work_1.worksFor)(await sampleOf(governed, headers))) {
        const request = (0, remit_1.post)(headers, document, variables);
        const answers = await Promise.all(servers.map(async (server) => (0, load_1.beginningOf)(await (0, load_1.ask)(server, request))));
        const [expected = ''] = answers;
        if (!expected.startsWith('{"data":'))
            throw new Error(`${work} is not answered: ${expected.slice(0, 500)}`);
        if (answers.some((answer) => answer !== expected))
            throw new Error(`${work} is not answered alike by all`);
        const contestants = servers.map((server) => ({ name: server.name, server, asked: [{ request, expected }] }));
        measured.push(...(await (0, interleaved_1.compare)(work, contestants, length)));
    }
    return measured;
}
async function sampleOf(server, headers) {
    const { data } = await (0, load_1.ask)(server, (0, remit_1.post)(headers, 'query Sample { customers(first: 20) { nodes { id email } } }'));
    const { nodes } = data.customers;
    const [first] = nodes.flatMap(({ id, email }) => (email === null ? [] : { id, email }));
    if (!first)
        throw new Error('no customer of the sample has an e-mail address');
    return first;
}
/** In a process of its own, with nothing else under way. */
async function inProcess({ env, folder }) {
    const script = (0, node_path_1.join)(__dirname, '..', 'servers', 'decisions.js');
    const { stdout } = await (0, node_util_1.promisify)(node_child_process_1.execFile)(process.execPath, ['--expose-gc', '--max-semi-space-size=64', script], {
        env: { ...process.env, ...env, LOG_LEVEL: 'fatal' },
        cwd: folder,
        maxBuffer: 1 << 26,
    });
    const { decisions, plans } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    const known = (0, load_1.spread)(decisions.known);
    const compared = (0, load_1.spread)(decisions.compared);
    const beyond = (0, load_1.spread)(plans.beyond);
    const validation = (0, load_1.spread)(plans.validation);
    const execution = (0, load_1.spread)(decisions.execution);
    process.stdout.write('\ndocument of one governed field, cached plan, from being asked until it is decided (plan, variables and cost found):\n' +
        `  ${(0, interleaved_1.written)(known)} us for a caller known by its basis, as the server's are; ` +
        `${(0, interleaved_1.written)(compared)} us where its facts are compared\n` +
        `executing it, governed less ungoverned: ${(0, interleaved_1.written)(execution)} us (guard and report)\n` +
        `planning a new document of ${plans.fields} fields, less parsing and validating it: ${(0, interleaved_1.written)(beyond)} ms ` +
        `(these: ${(0, interleaved_1.written)(validation)} ms), ${plans.beyond.length} documents\n`);
    return { decisions: { known, compared, execution }, plans: { beyond, validation, fields: plans.fields } };
}
function ratiosOf(measured) {
    const ratios = {};
    for (const { work, connections, courses } of measured) {
        const where = `${work}, ${connections} connections`;
        ratios[`governed / ungoverned, ${where}`] = (0, interleaved_1.ratio)(courses, GOVERNED, UNGOVERNED);
        ratios[`governed / governed without ledger, ${where}`] = (0, interleaved_1.ratio)(courses, GOVERNED, UNAUDITED);
        ratios[`governed, first reads / governed, ${where}`] = (0, interleaved_1.ratio)(courses, FIRST, GOVERNED);
        ratios[`ungoverned with ledger / ungoverned, ${where}`] = (0, interleaved_1.ratio)(courses, LEDGER, UNGOVERNED);
    }
    return ratios;
}
