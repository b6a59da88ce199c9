"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.cold = cold;
const interleaved_1 = require("../support/interleaved");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const remit_1 = require("../support/remit");
const side_by_side_1 = require("../support/side-by-side");
const work_1 = require("../support/work");
const STARTS = 5;
/** Documents that no server has seen before, and a server that has seen nothing yet. */
async function cold() {
    const side = await (0, side_by_side_1.sideBySide)((0, knobs_1.customers)());
    try {
        const measured = [];
        for (const work of (0, work_1.worksFor)(side.sample).slice(0, 2))
            measured.push(...(await measureNew(side, work)));
        const ratios = {};
        for (const { work, connections, courses } of measured) {
            for (const { name } of courses) {
                if (name === 'remit')
                    continue;
                ratios[`governed Remit / ${name}, ${work}, ${connections} connections`] = (0, interleaved_1.ratio)(courses, 'remit', name);
            }
        }
        (0, interleaved_1.printRatios)(ratios);
        const start = await coldStart(side);
        process.stdout.write(`\nfrom the start of the process to the first right answer: ${start.median.toFixed(0)} ms ` +
            `(${start.min.toFixed(0)}-${start.max.toFixed(0)}), ${STARTS} starts\n`);
        return { measured, start, ratios };
    }
    finally {
        await side.stop();
    }
}
/** Each request's operation has a name of its own, so that no document is one that was sent before. */
async function measureNew(side, work) {
    const expected = await (0, side_by_side_1.sameData)(side.servers, work, side.headers);
    const contestants = side.servers
        .filter(({ name }) => name !== 'floor')
        .map((server) => {
        const request = (0, side_by_side_1.requestOf)(server.name, work, side.headers);
        return { name: server.name, server, asked: [{ request, expected, nextBody: newBodies(work) }] };
    });
    const length = { connections: (0, knobs_1.connectionCounts)(), rounds: (0, knobs_1.rounds)(), seconds: (0, knobs_1.seconds)(1) };
    return (0, interleaved_1.compare)(`new documents, ${work.name}`, contestants, length);
}
function newBodies({ document, variables }) {
    let sent = 0;
    return () => {
        const query = document.replace(/^query (\w+)/, (_, name) => `query ${name}${++sent}`);
        return JSON.stringify({ query, variables });
    };
}
async function coldStart(side) {
    const [, page] = (0, work_1.worksFor)(side.sample);
    if (!page)
        throw new Error('there is no page to ask for');
    const request = (0, remit_1.post)(side.headers, page.document);
    const expected = JSON.stringify((await (0, load_1.ask)(side.remit, request)).data);
    const times = [];
    for (let start = 0; start < STARTS; start++) {
        const startedAt = performance.now();
        const server = await (0, remit_1.startRemit)(side.installation, 'cold start');
        const { data } = await (0, load_1.ask)(server, request);
        times.push(performance.now() - startedAt);
        await server.stop();
        if (JSON.stringify(data) !== expected)
            throw new Error('the first answer after a start is not right');
    }
    return (0, load_1.spread)(times);
}
