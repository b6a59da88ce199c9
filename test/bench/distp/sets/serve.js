"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.serve = serve;
const interleaved_1 = require("../support/interleaved");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const remit_1 = require("../support/remit");
const side_by_side_1 = require("../support/side-by-side");
const work_1 = require("../support/work");
/** Ratios are stated at this many connections, or at the most that were asked for. */
const STATED = 16;
/** Throughput of every server on every work, and of Remit where a purpose reads half. */
async function serve() {
    const side = await (0, side_by_side_1.sideBySide)((0, knobs_1.customers)());
    try {
        const measured = [...(await measureWorks(side)), ...(await measureVariants(side))];
        const memory = Object.fromEntries(side.servers.map((server) => [server.name, server.peakMemory()]));
        const sizes = Object.entries(memory).map(([name, mib]) => `${name} ${mib}`);
        process.stdout.write(`\npeak memory, MiB: ${sizes.join(', ')}\n`);
        const ratios = ratiosOf(measured);
        (0, interleaved_1.printRatios)(ratios);
        return { measured, memory, ratios };
    }
    finally {
        await side.stop();
    }
}
const length = () => ({ connections: (0, knobs_1.connectionCounts)(), rounds: (0, knobs_1.rounds)(), seconds: (0, knobs_1.seconds)(1) });
async function measureWorks({ servers, sample, headers }) {
    const measured = [];
    for (const work of (0, work_1.worksFor)(sample)) {
        const expected = await (0, side_by_side_1.sameData)(servers, work, headers);
        const contestants = servers.map((server) => ({
            name: server.name,
            server,
            asked: [{ request: (0, side_by_side_1.requestOf)(server.name, work, headers), expected }],
        }));
        measured.push(...(await (0, interleaved_1.compare)(work.name, contestants, length())));
    }
    return measured;
}
/** The same document for the purpose that reads everything, and for one that reads half: less work, never more. */
async function measureVariants(side) {
    const measured = [];
    for (const variant of work_1.variants) {
        const half = await checked(side, variant);
        const whole = await answered(side, variant, 'SERVICE_DELIVERY');
        if (whole.withheld + whole.deidentified > 0)
            throw new Error(`${variant.name}: SERVICE_DELIVERY does not read all`);
        const contestants = [
            { name: variant.name, server: side.remit, asked: [half] },
            { name: 'all in the clear', server: side.remit, asked: [whole.asked] },
        ];
        measured.push(...(await (0, interleaved_1.compare)(`remit, page with ${variant.name}`, contestants, length())));
    }
    return measured;
}
async function checked(side, variant) {
    const { asked, withheld, deidentified } = await answered(side, variant, variant.purpose);
    if (withheld !== variant.withheld || deidentified !== variant.deidentified) {
        throw new Error(`${variant.name}: ${withheld} withheld, ${deidentified} de-identified of ${variant.fields}`);
    }
    return asked;
}
async function answered({ installation, slug, remit }, { document }, purpose) {
    const request = (0, remit_1.post)(await (0, remit_1.appOf)(installation, slug, purpose), document);
    const answer = await (0, load_1.ask)(remit, request);
    const { governance } = answer.extensions;
    const { withheld, deidentified } = governance;
    const asked = { request, expected: (0, load_1.beginningOf)(answer) };
    return { asked, withheld: withheld.length, deidentified: deidentified.length };
}
function ratiosOf(measured) {
    const counts = (0, knobs_1.connectionCounts)();
    const stated = counts.includes(STATED) ? STATED : Math.max(...counts);
    const of = (work) => measured.find((one) => one.work === work && one.connections === stated)?.courses ?? [];
    const page = of(work_1.PAGE_NAME);
    const ratios = {};
    for (const { name } of page) {
        if (name === 'remit')
            continue;
        ratios[`governed Remit / ${name}, ${work_1.PAGE_NAME}, ${stated} connections`] = (0, interleaved_1.ratio)(page, 'remit', name);
    }
    for (const { name } of work_1.variants) {
        const courses = of(`remit, page with ${name}`);
        ratios[`${name} / none, page, ${stated} connections`] = (0, interleaved_1.ratio)(courses, name, 'all in the clear');
    }
    return ratios;
}
