"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.growthSizes = exports.subscriptionCounts = exports.connectionCounts = exports.soakSeconds = exports.rows = exports.warmUp = exports.seconds = exports.rounds = exports.customers = void 0;
/** What a run can be told by its environment; each set has its own defaults. */
function number(name, otherwise) {
    const value = Number(process.env[name] ?? otherwise);
    if (!Number.isFinite(value) || value <= 0)
        throw new Error(`${name} must be a number above 0`);
    return value;
}
const customers = (otherwise = 2_000) => number('BENCH_CUSTOMERS', otherwise);
exports.customers = customers;
/** Interleaved rounds: in each, every server has its turn. */
const rounds = (otherwise = 5) => number('BENCH_ROUNDS', otherwise);
exports.rounds = rounds;
/** Length of one turn. */
const seconds = (otherwise = 2) => number('BENCH_SECONDS', otherwise);
exports.seconds = seconds;
/** How long each server is loaded with each work before anything counts: code is compiled as it runs. */
const warmUp = () => number('BENCH_WARM_UP', 2);
exports.warmUp = warmUp;
/** Rows of a file that is imported. */
const rows = () => number('BENCH_ROWS', 100_000);
exports.rows = rows;
const soakSeconds = (otherwise = 600) => number('BENCH_SOAK_SECONDS', otherwise);
exports.soakSeconds = soakSeconds;
const list = (name, otherwise) => (process.env[name] ?? otherwise).split(',').map(Number);
const connectionCounts = () => list('BENCH_CONNECTIONS', '1,16,64');
exports.connectionCounts = connectionCounts;
/** How many subscriptions are open at once. */
const subscriptionCounts = () => list('BENCH_SUBSCRIPTIONS', '300,1000,5000');
exports.subscriptionCounts = subscriptionCounts;
const growthSizes = () => list('BENCH_GROWTH', '10000,100000,1000000');
exports.growthSizes = growthSizes;
