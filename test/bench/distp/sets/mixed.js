"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.mixed = mixed;
const installation_1 = require("../support/installation");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const remit_1 = require("../support/remit");
const slope_1 = require("../support/slope");
const CONNECTIONS = 64;
/** Each has a fair share of the server. */
const PRINCIPALS = 16;
const READING_EVERY_MS = 30_000;
/** The part of the run that warms up: code is compiled, and caches fill to their bounds. */
const WARM_UP = 1 / 3;
const documents = {
    page: '{ customers(first: 50) { nodes { id firstName email orders(first: 5) { nodes { total } } } } }',
    look: 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id email } }',
    one: 'query ($id: ID!) { customer(id: $id) { id firstName email } }',
    create: 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }',
    update: 'mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } } }',
    erase: 'mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { request { id } } }',
    grant: 'mutation ($input: GrantPurposeInput!) { grantPurpose(input: $input) { grant { id } } }',
    withdraw: 'mutation ($input: WithdrawInput!) { withdrawPurpose(input: $input) { grant { id } } }',
};
/** Half an hour of everything at once: errors, times of each kind, and whether the memory is flat. */
async function mixed() {
    const installation = await (0, installation_1.install)();
    let server;
    try {
        const slug = await (0, remit_1.seed)(installation, (0, knobs_1.customers)());
        await (0, remit_1.everyoneIn)('DE', installation.urls.data);
        server = await (0, remit_1.startRemit)(installation);
        const apps = [];
        for (let number = 0; number < PRINCIPALS; number++)
            apps.push(await (0, remit_1.appOf)(installation, slug, 'SUPPORT', `app-${number}`));
        const admins = [];
        for (let number = 0; number < PRINCIPALS; number++)
            admins.push(await adminOf(installation, slug, number));
        const tally = { latencies: new Map(), errors: new Map() };
        const ends = Date.now() + (0, knobs_1.soakSeconds)(1_800) * 1_000;
        const lanes = Array.from({ length: CONNECTIONS }, (_, lane) => run({ server: server, headers: at(apps, lane), admin: at(admins, lane), lane, tally, ends }));
        const readings = await watch(server, ends);
        await Promise.all(lanes);
        return report(server, tally, readings);
    }
    finally {
        await server?.stop();
        await installation.remove();
    }
}
async function adminOf(installation, slug, number) {
    const who = ['--role', 'CLIENT_ADMIN', '--client', slug, '--sub', `admin-${number}`, '--country', 'DE'];
    const token = await installation.remit('token', ...who, '--purpose', 'SUPPORT', '--purpose', 'LEGAL');
    return {
        'content-type': 'application/json',
        authorization: `Bearer ${token.trim()}`,
        'processing-purpose': 'LEGAL',
    };
}
const at = (headers, lane) => headers[lane % headers.length] ?? {};
/** One connection's work, on people of its own. */
async function run({ server, headers, admin, lane, tally, ends }) {
    const own = [];
    const send = async (kind, request) => {
        const begun = performance.now();
        const { data, errors } = await (0, load_1.ask)(server, request).catch((error) => ({ data: null, errors: [error] }));
        const known = tally.latencies.get(kind) ?? [];
        tally.latencies.set(kind, known);
        known.push(performance.now() - begun);
        if (errors !== undefined)
            count(tally.errors, `${kind}: ${JSON.stringify(errors).slice(0, 200)}`);
        return (data ?? {});
    };
    for (let turn = 0; Date.now() < ends; turn++) {
        const name = `${lane}-${turn}-${Math.random().toString(36).slice(2)}`;
        const chance = Math.random();
        const person = own[turn % Math.max(own.length, 1)];
        if (!person || chance < 0.05) {
            const email = `${name}@example.org`;
            const input = { externalId: name, firstName: 'Someone', email, residency: 'DE' };
            const { createCustomer } = await send('create', (0, remit_1.post)(headers, documents.create, { input }));
            if (createCustomer?.customer)
                own.push({ id: createCustomer.customer.id, email });
        }
        else if (chance < 0.1) {
            const input = { customerId: person.id, firstName: name.slice(0, 20) };
            await send('update', (0, remit_1.post)(headers, documents.update, { input }));
        }
        else if (chance < 0.13) {
            own.splice(own.indexOf(person), 1);
            const input = { customerId: person.id, grounds: 'CLIENT_INSTRUCTION' };
            await send('erase', (0, remit_1.post)(admin, documents.erase, { input }));
        }
        else if (chance < 0.14) {
            const input = { purpose: 'SUPPORT', granteeKind: 'PRINCIPAL', grantee: name, reason: 'a while' };
            const { grantPurpose } = await send('grant', (0, remit_1.post)(admin, documents.grant, { input }));
            const id = grantPurpose?.grant?.id;
            if (id !== undefined)
                await send('withdraw', (0, remit_1.post)(admin, documents.withdraw, { input: { id, reason: 'it is over' } }));
        }
        else if (chance < 0.4) {
            await send('page', (0, remit_1.post)(headers, documents.page));
        }
        else if (chance < 0.7) {
            await send('one', (0, remit_1.post)(headers, documents.one, { id: person.id }));
        }
        else {
            await send('look', (0, remit_1.post)(headers, documents.look, { by: { email: person.email } }));
        }
    }
}
function count(counts, what) {
    counts.set(what, (counts.get(what) ?? 0) + 1);
}
async function watch(server, ends) {
    const begun = Date.now();
    const readings = [];
    while (Date.now() < ends) {
        await new Promise((resolve) => setTimeout(resolve, Math.min(READING_EVERY_MS, ends - Date.now())));
        const reading = { seconds: Math.round((Date.now() - begun) / 1_000), memory: server.memory() };
        readings.push(reading);
        process.stdout.write(`after ${reading.seconds} s: ${reading.memory} MiB\n`);
    }
    return readings;
}
function report(server, { latencies, errors }, readings) {
    const kinds = [...latencies].map(([kind, times]) => {
        const sorted = times.toSorted((a, b) => a - b);
        const at = (share) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
        return { kind, answers: sorted.length, p50: at(0.5), p99: at(0.99) };
    });
    for (const { kind, answers, p50, p99 } of kinds)
        process.stdout.write(`${kind.padEnd(8)} ${String(answers).padStart(8)}  p50 ${p50} ms, p99 ${p99} ms\n`);
    const answers = kinds.reduce((sum, each) => sum + each.answers, 0);
    const wrong = [...errors.values()].reduce((sum, n) => sum + n, 0);
    const warm = readings.slice(Math.floor(readings.length * WARM_UP));
    const slope = (0, slope_1.slopeOf)(warm.map(({ seconds, memory }) => [seconds / 60, memory]));
    process.stdout.write(`${answers} answers, ${wrong} errors; memory over the last ${warm.length} readings ${slope.toFixed(2)} MiB a ` +
        `minute by least squares, at most ${server.peakMemory()} MiB\n`);
    for (const [what, n] of errors)
        process.stdout.write(`${n} × ${what}\n`);
    return { kinds, answers, errors: Object.fromEntries(errors), readings, slope, peak: server.peakMemory() };
}
