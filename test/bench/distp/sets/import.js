"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.imports = imports;
const node_child_process_1 = require("node:child_process");
const node_events_1 = require("node:events");
const node_fs_1 = require("node:fs");
const node_os_1 = require("node:os");
const node_path_1 = require("node:path");
const consumers_1 = require("node:stream/consumers");
const node_util_1 = require("node:util");
const promise_1 = require("mysql2/promise");
const installation_1 = require("../support/installation");
const interleaved_1 = require("../support/interleaved");
const knobs_1 = require("../support/knobs");
const load_1 = require("../support/load");
const run = (0, node_util_1.promisify)(node_child_process_1.execFile);
/** How often the peak of a process's memory is looked at. Milliseconds. */
const LOOK_EVERY_MS = 100;
/** Linux counts a process's time in hundredths of a second. */
const TICK_US = 10_000;
/**
 * Rows of customers a second, and the memory that it takes, on SQLite and MariaDB. Where BENCH_OTHER names the built
 * checkout of another version, both take the same file in, in turn.
 */
async function imports() {
    const folder = (0, node_fs_1.mkdtempSync)((0, node_path_1.join)((0, node_os_1.tmpdir)(), 'remit-bench-import-'));
    const installation = await (0, installation_1.install)();
    try {
        const file = await peopleFile(folder);
        const other = process.env.BENCH_OTHER;
        const builds = [
            { name: 'this', checkout: installation_1.root },
            ...(other === undefined ? [] : [{ name: 'other', checkout: other }]),
        ];
        const engines = {
            SQLite: async ({ name }, round) => {
                const own = (0, node_path_1.join)(folder, `${name}-${round}`);
                (0, node_fs_1.mkdirSync)(own);
                return { DATABASE_URL: `sqlite:${(0, node_path_1.join)(own, 'remit.db')}`, KEYS_DATABASE_URL: `sqlite:${(0, node_path_1.join)(own, 'keys.db')}` };
            },
            MariaDB: async ({ name, checkout }, round) => {
                const server = installation.urls.data.replace(/\/[^/]*$/, '');
                const names = [`import_${name}_${round}`, `import_${name}_${round}_keys`];
                const connection = await (0, promise_1.createConnection)(server);
                for (const database of names)
                    await connection.query(`CREATE DATABASE ${database}`);
                await connection.end();
                const env = { DATABASE_URL: `${server}/${names[0]}`, KEYS_DATABASE_URL: `${server}/${names[1]}` };
                await run(process.execPath, [mainOf(checkout), 'migrate'], { env: { ...process.env, ...env }, cwd: folder });
                return env;
            },
        };
        const measured = {};
        const ratios = {};
        for (const [engine, stores] of Object.entries(engines)) {
            const byBuild = await compareBuilds(builds, stores, file, folder);
            measured[engine] = byBuild;
            print(engine, byBuild);
            const [mine, others] = [byBuild.this ?? [], byBuild.other ?? []];
            if (others.length === 0)
                continue;
            const faster = mine.map((one, round) => one.rowsPerSecond / (others[round]?.rowsPerSecond ?? Number.NaN));
            ratios[`rows a second on ${engine}, this / other`] = (0, load_1.spread)(faster);
            const dearer = mine.map((one, round) => (others[round]?.cpu ?? Number.NaN) / one.cpu);
            ratios[`rows a second of processor time on ${engine}, this / other`] = (0, load_1.spread)(dearer);
        }
        (0, interleaved_1.printRatios)(ratios);
        return { rows: (0, knobs_1.rows)(), measured, ratios };
    }
    finally {
        await installation.remove();
        (0, node_fs_1.rmSync)(folder, { recursive: true, force: true });
    }
}
/** Each round begins with another build. */
async function compareBuilds(builds, stores, file, folder) {
    const measured = {};
    for (let round = 0; round < (0, knobs_1.rounds)(3); round++) {
        for (let turn = 0; turn < builds.length; turn++) {
            const build = builds[(round + turn) % builds.length];
            const imported = await importOnce(build, await stores(build, round), file, folder);
            measured[build.name] = [...(measured[build.name] ?? []), imported];
        }
    }
    return measured;
}
async function importOnce({ name, checkout }, env, file, folder) {
    const words = ['import', file, '--client', 'acme', '--as', 'customers', '--map', (0, node_path_1.join)(folder, 'map.json')];
    const began = performance.now();
    const child = (0, node_child_process_1.spawn)(process.execPath, [mainOf(checkout), ...words, '--create-client', '--json'], {
        env: { ...process.env, ...env, LOG_LEVEL: 'fatal' },
        cwd: folder,
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    let peakMemory = 0;
    let ticks = 0;
    const looking = setInterval(() => {
        peakMemory = Math.max(peakMemory, peakOf(child.pid));
        ticks = Math.max(ticks, ticksOf(child.pid));
    }, LOOK_EVERY_MS);
    const ended = (0, node_events_1.once)(child, 'close');
    const said = await (0, consumers_1.text)(child.stdout);
    await ended;
    clearInterval(looking);
    const seconds = (performance.now() - began) / 1_000;
    const { created } = JSON.parse(said);
    if (created !== (0, knobs_1.rows)())
        throw new Error(`${name} created ${created} of ${(0, knobs_1.rows)()}`);
    return { rowsPerSecond: created / seconds, cpu: (ticks * TICK_US) / created, peakMemory };
}
const mainOf = (checkout) => (0, node_path_1.join)(checkout, 'dist', 'src', 'main.js');
function peakOf(process) {
    try {
        const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec((0, node_fs_1.readFileSync)(`/proc/${process}/status`, 'utf8')) ?? [];
        return Math.round(Number(kilobytes ?? 0) / 1_024);
    }
    catch {
        return 0;
    }
}
/** Of the processor, in user and system mode (proc(5)). */
function ticksOf(process) {
    try {
        const [, , ...fields] = (0, node_fs_1.readFileSync)(`/proc/${process}/stat`, 'utf8')
            .replace(/\(.*\)/, '')
            .split(/ +/);
        return Number(fields[10] ?? 0) + Number(fields[11] ?? 0);
    }
    catch {
        return 0;
    }
}
const countries = ['Germany', 'France', 'United States', 'Brazil', 'Japan'];
const mapping = {
    externalId: 'id',
    firstName: 'first',
    lastName: 'last',
    email: 'mail',
    phone: 'phone',
    residency: 'country',
    'postalAddress.street': 'street',
    'postalAddress.city': 'city',
    'postalAddress.postalCode': 'zip',
    'attributes.plan': 'plan',
};
async function peopleFile(folder) {
    (0, node_fs_1.writeFileSync)((0, node_path_1.join)(folder, 'map.json'), JSON.stringify(mapping));
    const path = (0, node_path_1.join)(folder, 'people.csv');
    const stream = (0, node_fs_1.createWriteStream)(path);
    stream.write('id,first,last,mail,phone,country,street,city,zip,plan\n');
    for (let n = 0; n < (0, knobs_1.rows)(); n++) {
        const place = `${countries[n % countries.length]},Street ${n % 300},City ${n % 70},${10_000 + (n % 80_000)}`;
        const line = `${n},First${n % 997},Last${n % 4_999},person.${n}@example.org,+49 30 ${1_000_000 + n},${place},plan${n % 4}\n`;
        if (!stream.write(line))
            await (0, node_events_1.once)(stream, 'drain');
    }
    stream.end();
    await (0, node_events_1.once)(stream, 'finish');
    return path;
}
function print(engine, measured) {
    process.stdout.write(`\n${(0, knobs_1.rows)()} rows on ${engine}\n`);
    for (const [name, all] of Object.entries(measured)) {
        const perSecond = (0, load_1.median)(all.map(({ rowsPerSecond }) => rowsPerSecond));
        const cpu = (0, load_1.median)(all.map((one) => one.cpu));
        const memory = Math.max(...all.map(({ peakMemory }) => peakMemory));
        process.stdout.write(`  ${name.padEnd(6)} ${perSecond.toFixed(0).padStart(6)} rows/s, ${cpu.toFixed(0)} us each, ${memory} MiB at most\n`);
    }
}
