"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.soak = soak;
const installation_1 = require("../support/installation");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const remit_1 = require("../support/remit");
const slope_1 = require("../support/slope");
const work_1 = require("../support/work");
const CONNECTIONS = 16;
const MINUTE = 60;
/** Memory of one server under one load: after each minute, and how it rises once the server is warm. */
async function soak() {
    const installation = await (0, installation_1.install)();
    let server;
    try {
        const slug = await (0, remit_1.seed)(installation, (0, knobs_1.customers)());
        await (0, remit_1.everyoneIn)('DE', installation.urls.data);
        server = await (0, remit_1.startRemit)(installation);
        const asked = await works(server, await (0, remit_1.appOf)(installation, slug, 'SERVICE_DELIVERY'));
        const readings = [];
        const total = (0, knobs_1.soakSeconds)();
        for (let elapsed = 0; elapsed < total;) {
            const length = Math.min(MINUTE, total - elapsed);
            const { throughput } = await (0, load_1.loadWith)(server, asked, CONNECTIONS, length);
            elapsed += length;
            const memory = server.memory();
            readings.push({ seconds: elapsed, throughput, memory });
            process.stdout.write(`after ${elapsed} s: ${memory} MiB, ${Math.round(throughput)} req/s\n`);
        }
        // What comes before is warming up: code is compiled, and caches fill to their bounds.
        const warm = readings.slice(Math.min(3, Math.floor(readings.length / 3)));
        const slope = (0, slope_1.slopeOf)(warm.map(({ seconds, memory }) => [seconds / MINUTE, memory]));
        process.stdout.write(`memory once warm: ${slope.toFixed(2)} MiB a minute over the last ${warm.length} readings; ` +
            `at most ${server.peakMemory()} MiB\n`);
        return { readings, slope, peak: server.peakMemory() };
    }
    finally {
        await server?.stop();
        await installation.remove();
    }
}
/** All standard works in turn. */
async function works(server, headers) {
    const { data } = await (0, load_1.ask)(server, (0, remit_1.post)(headers, 'query Sample { customers(first: 20) { nodes { id email } } }'));
    const { nodes } = data.customers;
    const [sample] = nodes.filter(({ email }) => email !== null);
    if (!sample)
        throw new Error('no customer of the sample has an e-mail address');
    const asked = (0, work_1.worksFor)(sample).map(async ({ document, variables }) => {
        const request = (0, remit_1.post)(headers, document, variables);
        return { request, expected: (0, load_1.beginningOf)(await (0, load_1.ask)(server, request)) };
    });
    return Promise.all(asked);
}
