"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.erasure = erasure;
const node_child_process_1 = require("node:child_process");
const node_path_1 = require("node:path");
const node_util_1 = require("node:util");
const installation_1 = require("../support/installation");
const load_1 = require("../support/load");
const PEOPLE = Number(process.env.BENCH_PEOPLE ?? 2_000);
const SIZES = (process.env.BENCH_CLIENTS ?? '10000,100000').split(',').map(Number);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const ROWS = 20;
const script = (0, node_path_1.join)(__dirname, '..', 'servers', 'erase.js');
/** Erasure on MariaDB: people a second with twenty related rows each; ends of clients of two sizes, time and memory. */
async function erasure() {
    const installation = await (0, installation_1.install)();
    try {
        const people = [];
        for (const concurrency of [1, 8]) {
            const slug = `people-${concurrency}`;
            await run(installation, 'fill', slug, PEOPLE, ROWS);
            const erased = await run(installation, 'people', slug, concurrency);
            const perSecond = erased.filed / erased.seconds;
            people.push({ concurrency, perSecond, filedPerSecond: erased.filed / erased.filingSeconds, ...erased });
            process.stdout.write(`${concurrency} at once: ${perSecond.toFixed(0)} people a second with ${ROWS} related rows each, ` +
                `${erased.peakMemory} MiB\n`);
        }
        const clients = [];
        for (let round = 0; round < ROUNDS; round++) {
            for (const customers of SIZES) {
                const slug = `client-${round}-${customers}`;
                await run(installation, 'fill', slug, customers, 4);
                const ended = await run(installation, 'client', slug);
                if (ended.status !== 'COMPLETED' || ended.rows < customers)
                    throw new Error(`${slug} is not erased`);
                clients.push({ customers, ...ended });
                process.stdout.write(`the end of ${customers} customers, ${ended.rows} rows: ${ended.seconds.toFixed(1)} s, ` +
                    `${((ended.seconds / customers) * 1e6).toFixed(0)} µs each, ${ended.peakMemory} MiB\n`);
            }
        }
        const growth = growthOf(clients);
        process.stdout.write(`from ${SIZES[0]} to ${SIZES.at(-1)}: time each ${growth.time.toFixed(2)}x, `);
        process.stdout.write(`memory ${growth.memory.toFixed(2)}x\n`);
        return { people, clients, growth };
    }
    finally {
        await installation.remove();
    }
}
/** How much more a customer of the largest client takes than one of the smallest: medians. */
function growthOf(clients) {
    const of = (size, what) => (0, load_1.median)(clients.filter(({ customers }) => customers === size).map(what));
    const ratio = (what) => of(SIZES.at(-1), what) / of(SIZES[0], what);
    return {
        time: ratio(({ seconds, customers }) => seconds / customers),
        memory: ratio(({ peakMemory }) => peakMemory),
    };
}
async function run({ env, folder }, ...words) {
    const options = { env: { ...process.env, ...env }, cwd: folder };
    const { stdout } = await (0, node_util_1.promisify)(node_child_process_1.execFile)(process.execPath, [script, ...words.map(String)], options);
    return JSON.parse(stdout);
}
