"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.median = void 0;
exports.load = load;
exports.loadWith = loadWith;
exports.ask = ask;
exports.beginningOf = beginningOf;
exports.spread = spread;
const autocannon_1 = __importDefault(require("autocannon"));
/** Loads one server with one request for a while. @param expected how a right answer begins */
function load(server, request, expected, connections, seconds) {
    return loadWith(server, [{ request, expected }], connections, seconds);
}
/** Loads one server for a while; each connection sends the requests in turn. */
async function loadWith(server, asked, connections, seconds) {
    let wrong = 0;
    const requests = asked.map(({ request, expected, nextBody }) => ({
        ...request,
        headers: { ...request.headers },
        ...(nextBody ? { setupRequest: (next) => ({ ...next, body: nextBody() }) } : {}),
        onResponse: (_status, body) => {
            if (!String(body).startsWith(expected))
                wrong++;
        },
    }));
    const before = server.cpuSeconds();
    const result = await (0, autocannon_1.default)({
        url: server.url,
        connections,
        duration: seconds,
        requests,
    });
    wrong += result.errors + result.timeouts + result.non2xx;
    if (wrong > 0)
        throw new Error(`${server.name}: ${wrong} wrong answers to ${asked[0]?.request.path}`);
    const total = result.requests.total;
    if (total === 0)
        throw new Error(`${server.name} answered nothing in ${seconds} s`);
    return {
        throughput: total / result.duration,
        p50: result.latency.p50,
        p99: result.latency.p99,
        cpuPerRequest: ((server.cpuSeconds() - before) / total) * 1e6,
    };
}
/** One answer, for comparison. */
async function ask(server, request) {
    const response = await fetch(server.url + request.path, {
        method: request.method,
        headers: { ...request.headers },
        ...(request.body === undefined ? {} : { body: request.body }),
    });
    return (await response.json());
}
/** How every right answer begins that says what this one says; what a server adds after it may differ. */
function beginningOf({ errors, data }) {
    return JSON.stringify({ errors, data }).slice(0, -1);
}
const median = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    const upper = sorted[middle] ?? Number.NaN;
    return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
};
exports.median = median;
/** A figure as its median and its extremes over the rounds. */
function spread(values) {
    return { median: (0, exports.median)(values), min: Math.min(...values), max: Math.max(...values) };
}
