"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const node_fs_1 = require("node:fs");
const node_path_1 = require("node:path");
const audit_1 = require("./sets/audit");
const cold_1 = require("./sets/cold");
const erasure_1 = require("./sets/erasure");
const fairness_1 = require("./sets/fairness");
const fleet_1 = require("./sets/fleet");
const growth_1 = require("./sets/growth");
const hostile_1 = require("./sets/hostile");
const import_1 = require("./sets/import");
const mixed_1 = require("./sets/mixed");
const overhead_1 = require("./sets/overhead");
const serve_1 = require("./sets/serve");
const soak_1 = require("./sets/soak");
const subscriptions_1 = require("./sets/subscriptions");
const transfers_1 = require("./sets/transfers");
const installation_1 = require("./support/installation");
/** In the order in which they run. */
const sets = {
    serve: { run: serve_1.serve, about: 'Remit beside other GraphQL servers and a hand-written handler; half withheld' },
    overhead: { run: overhead_1.overhead, about: 'governance on and off, the ledger on and off; a decision, a plan' },
    cold: { run: cold_1.cold, about: 'documents that are new each time; from start to first answer' },
    growth: { run: growth_1.growth, about: '10,000 to 1,000,000 customers; ten times the policies, a thousand times the clients' },
    soak: { run: soak_1.soak, about: 'memory under constant load' },
    mixed: { run: mixed_1.mixed, about: 'half an hour of reads, writes and erasures at 64 connections: errors and memory' },
    erasure: { run: erasure_1.erasure, about: 'people and clients erased in a second' },
    transfers: { run: transfers_1.transfers, about: 'what deciding row by row costs' },
    hostile: { run: hostile_1.hostile, about: 'attacks at the limits, each beside a normal caller' },
    fairness: { run: fairness_1.fairness, about: "one client's storm beside another client; beside another build" },
    import: { run: import_1.imports, about: "rows of a client's export taken in a second, and memory; beside another build" },
    subscriptions: { run: subscriptions_1.subscriptions, about: 'idle subscriptions, and an event to all; beside another build' },
    fleet: { run: fleet_1.fleet, about: 'statements and rows of 64 processes on 16 databases, reckoned; beside another build' },
    audit: { run: audit_1.audit, about: 'the ledger: writing it and verifying it' },
};
const usage = `npm run bench -- [SET…]   all sets unless some are named

Sets:
${Object.entries(sets)
    .map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`)
    .join('\n')}

Environment (each set has its own defaults):
  BENCH_CUSTOMERS     customers of the data set
  BENCH_ROUNDS        interleaved rounds
  BENCH_SECONDS       length of one server's turn in a round
  BENCH_WARM_UP       seconds of each server and work that do not count
  BENCH_CONNECTIONS   numbers of connections, such as 1,16,64
  BENCH_GROWTH        numbers of customers that growth compares, such as 10000,100000,1000000
  BENCH_SOAK_SECONDS  length of the soak, and of mixed
  BENCH_PEOPLE, BENCH_CLIENTS   people erased one by one, and sizes of clients that end
  BENCH_ROWS          rows that are imported
  BENCH_SUBSCRIPTIONS numbers of open subscriptions, such as 300,1000,5000
  BENCH_OTHER         the built checkout that import, subscriptions and fleet are compared with
  BENCH_ENTRIES       entries of the ledger that are verified
  BENCH_JSON          where results go; test/bench/bench.json unless told

Results of sets that do not run stay in the file as they are.
`;
async function main() {
    const asked = process.argv.slice(2);
    if (asked.includes('--help') || asked.includes('-h')) {
        process.stdout.write(usage);
        return;
    }
    const unknown = asked.filter((name) => !Object.hasOwn(sets, name));
    if (unknown.length > 0) {
        process.stderr.write(`no such set: ${unknown.join(', ')}\n\n${usage}`);
        process.exitCode = 2;
        return;
    }
    process.stdout.write(`${(0, installation_1.machine)()}\n`);
    for (const [name, { run }] of Object.entries(sets)) {
        if (asked.length === 0 || asked.includes(name))
            keep(name, await run());
    }
}
/** After each set, so that one that fails takes none before it along. */
function keep(name, measured) {
    const path = process.env.BENCH_JSON ?? (0, node_path_1.join)(installation_1.root, 'test', 'bench', 'bench.json');
    const known = (0, node_fs_1.existsSync)(path) ? JSON.parse((0, node_fs_1.readFileSync)(path, 'utf8')) : {};
    const { ratios, ...result } = measured;
    const results = {
        ...known,
        [name]: { machine: (0, installation_1.machine)(), at: new Date().toISOString(), ...result },
        ...(ratios ? { ratios: { ...known.ratios, [name]: ratios } } : {}),
    };
    (0, node_fs_1.writeFileSync)(path, `${JSON.stringify(results, null, 2)}\n`);
}
main().catch((error) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
});
