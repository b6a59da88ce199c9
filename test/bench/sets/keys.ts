import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { type Installation, install, root } from '../support/installation';
import { type Contestant, compare, printRatios, type Ratios, ratio } from '../support/interleaved';
import { connectionCounts, customers, rounds, seconds } from '../support/knobs';
import { ask, median, type Spread, spread } from '../support/load';
import { everyoneIn, portOfRemit, post } from '../support/remit';
import { type ServerProcess, startServer } from '../support/server-process';

const script = join(__dirname, '..', 'servers', 'keys.js');
const eraser = join(__dirname, '..', 'servers', 'erase.js');
/** Persons of a store whose keys are read, and erased one by one. */
const READ = 20_000;
const ERASED = 1_000;
/** Related rows of each person that the product erases. */
const ROWS = 20;
/** The cost of a turning: persons of one client, and how many of them were erased. */
const SIZES = (process.env.BENCH_KEYS ?? '10000,100000,1000000').split(',').map(Number);
const MARKED = [0, 100, 1_000];

interface Build {
  readonly name: string;
  readonly checkout: string;
}

type Figures = Readonly<Record<string, number>>;

/** Engines on which everything is measured, one after the other. */
const ENGINES = (process.env.BENCH_ENGINES ?? 'mariadb,sqlite').split(',') as readonly Engine[];
type Engine = 'mariadb' | 'sqlite';

/**
 * The hierarchy of keys: reads through the API and of the keys' store alone, erasing people with a turning at the end,
 * and what a turning costs. Where BENCH_OTHER names a built checkout, it is measured beside.
 */
export async function keys(): Promise<unknown> {
  const installation = await install();
  const other = process.env.BENCH_OTHER;
  const builds: Build[] = [
    { name: 'this', checkout: root },
    ...(other === undefined ? [] : [{ name: 'other', checkout: other }]),
  ];
  const all: Ratios = {};
  const measured: Record<string, unknown> = {};
  try {
    for (const engine of ENGINES) {
      process.stdout.write(`\n${engine}, load ${loadavg()[0]?.toFixed(1)}\n`);
      const bench = { installation, builds, engine, ratios: {} as Ratios };
      measured[engine] = {
        served: await serving(bench),
        alone: await storeAlone(bench),
        erased: await erasing(bench),
        erasedAlone: await erasingAlone(bench),
        turned: await turning(bench),
        load: loadavg(),
      };
      for (const [name, each] of Object.entries(bench.ratios)) all[`${engine}: ${name}`] = each;
    }
    printRatios(all);
    return { ...measured, ratios: all };
  } finally {
    await installation.remove();
  }
}

/** What is measured on one engine. */
interface Bench {
  readonly installation: Installation;
  readonly builds: readonly Build[];
  readonly engine: Engine;
  readonly ratios: Ratios;
}

/** Pages of customers, each build over stores of its own with as many customers. */
async function serving({ installation, builds, engine, ratios }: Bench): Promise<unknown> {
  const servers: ServerProcess[] = [];
  const contestants: Contestant[] = [];
  try {
    for (const { name, checkout } of builds) {
      const main = join(checkout, 'dist', 'src', 'main.js');
      const urls = await databases(installation, engine, `serve_${name}`);
      const env = { ...installation.env, DATABASE_URL: urls.data, KEYS_DATABASE_URL: urls.keys };
      const folder = join(installation.folder, `${engine}-serve-${name}`);
      mkdirSync(folder);
      const run = (...words: string[]) =>
        execFileSync(process.execPath, [main, ...words], { env: { ...process.env, ...env }, cwd: folder }).toString();
      run('migrate');
      const seeded = run('seed', '--customers', String(customers()), '--clients', '1', '--json');
      const { clients } = JSON.parse(seeded) as { clients: Array<{ slug: string }> };
      await everyoneInGermany(engine, urls.data);
      const who = ['--role', 'CLIENT_AGENT', '--client', clients[0]?.slug ?? '', '--purpose', 'SUPPORT'];
      const token = run('token', ...who, '--country', 'DE').trim();
      const server = await startServer(name, [main, 'serve'], env, folder, portOfRemit);
      servers.push(server);
      const request = post(
        { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'processing-purpose': 'SUPPORT' },
        '{ customers(first: 50) { nodes { id firstName lastName email } } }',
      );
      const { data } = await ask(server, request);
      const expected = JSON.stringify({ data }).slice(0, -1);
      contestants.push({ name, server, asked: [{ request, expected }] });
    }
    const length = { connections: connectionCounts(), rounds: rounds(), seconds: seconds() };
    const measured = await compare('pages of 50 customers', contestants, length);
    for (const { connections, courses } of measured) {
      if (courses.length < 2) continue;
      ratios[`reads a second, this / other, ${connections} connections`] = ratio(courses, 'this', 'other');
      const [mine, others] = ['this', 'other'].map((name) => courses.find((course) => course.name === name)?.rounds);
      const dearer = (mine ?? []).map((one, n) => (others?.[n]?.cpuPerRequest ?? Number.NaN) / one.cpuPerRequest);
      ratios[`reads a second of processor time, this / other, ${connections} connections`] = spread(dearer);
    }
    return measured;
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** Keys of pages read by the key store alone. */
async function storeAlone(bench: Bench): Promise<unknown> {
  const { builds, ratios } = bench;
  const measured: Record<string, Figures[]> = {};
  const stores = new Map<string, NodeJS.ProcessEnv>();
  for (const build of builds) {
    const env = await keysStore(bench, `read_${build.name}`);
    stores.set(build.name, env);
    await run(build, env, 'fill', READ);
  }
  for (let round = 0; round < rounds(); round++) {
    for (const build of inTurn(builds, round)) {
      const figures = await run(build, stores.get(build.name) ?? {}, 'read', READ);
      measured[build.name] = [...(measured[build.name] ?? []), figures];
    }
  }
  for (const what of Object.keys(measured.this?.[0] ?? {})) {
    ratios[`keys alone: ${what}, this / other`] = overOther(measured, (figures) => figures[what] ?? Number.NaN);
  }
  return measured;
}

/** People erased one by one as the product does it: from the request to the proof, with one turning at the end. */
async function erasing({ installation, builds, engine, ratios }: Bench): Promise<unknown> {
  const measured: Record<string, Figures[]> = {};
  for (let round = 0; round < rounds(3); round++) {
    for (const { name, checkout } of inTurn(builds, round)) {
      const urls = await databases(installation, engine, `proven_${name}_${round}`);
      const folder = mkdtempSync(join(installation.folder, 'proven-'));
      const env = {
        ...process.env,
        ...installation.env,
        DATABASE_URL: urls.data,
        KEYS_DATABASE_URL: urls.keys,
        CHECKOUT: checkout,
      };
      const work = async (...words: string[]) => {
        const { stdout } = await promisify(execFile)(process.execPath, words, { env, cwd: folder });
        return stdout;
      };
      await work(join(checkout, 'dist', 'src', 'main.js'), 'migrate');
      await work(eraser, 'fill', 'proven', String(ERASED), String(ROWS));
      const figures = JSON.parse(await work(eraser, 'proven', 'proven')) as Figures;
      measured[name] = [...(measured[name] ?? []), figures];
    }
  }
  for (const [name, all] of Object.entries(measured)) {
    const of = (what: string) => median(all.map((one) => one[what] ?? Number.NaN)).toFixed(1);
    process.stdout.write(
      `${name}: ${ERASED} people with ${ROWS} rows each erased one by one and proven: ${of('seconds')} s ` +
        `(filing ${of('filingSeconds')}, erasing ${of('erasingSeconds')}, turning ${of('turningSeconds')}, ` +
        `proving ${of('provingSeconds')})\n`,
    );
  }
  const perSecond = (figures: Figures) => ERASED / (figures.seconds ?? Number.NaN);
  ratios['people erased one by one and proven a second, this / other'] = overOther(measured, perSecond);
  return measured;
}

/** Keys destroyed one by one by the key store alone, and one turning at the end, where there is one. */
async function erasingAlone(bench: Bench): Promise<unknown> {
  const { builds, ratios } = bench;
  const measured: Record<string, Figures[]> = {};
  for (let round = 0; round < rounds(3); round++) {
    for (const build of inTurn(builds, round)) {
      const env = await keysStore(bench, `erase_${build.name}_${round}`);
      await run(build, env, 'fill', READ);
      const figures = await run(build, env, 'erase', ERASED);
      measured[build.name] = [...(measured[build.name] ?? []), figures];
    }
  }
  for (const [name, all] of Object.entries(measured)) {
    const total = median(all.map((one) => one.seconds ?? Number.NaN));
    process.stdout.write(
      `${name}: ${ERASED} keys of ${READ} destroyed one by one, and a turning: ${total.toFixed(1)} s\n`,
    );
  }
  const perSecond = (what: string) => (figures: Figures) => ERASED / (figures[what] ?? Number.NaN);
  ratios['keys alone: destroyed one by one a second, this / other'] = overOther(measured, perSecond('erasing'));
  ratios['keys alone: with a turning at the end, this / other without'] = overOther(measured, perSecond('seconds'));
  return measured;
}

/** What a turning costs, by persons and by how many of them were erased. */
async function turning(bench: Bench): Promise<Figures[]> {
  const build = { name: 'this', checkout: root };
  const table: Figures[] = [];
  process.stdout.write('\npersons | erased | subjects rewrapped | buckets | seconds | cpu s | peak MiB\n');
  for (const persons of SIZES) {
    const env = await keysStore(bench, `turn_${persons}`);
    await run(build, env, 'fill', persons);
    for (const marked of MARKED) {
      if (marked > 0) await run(build, env, 'mark', marked);
      const turned = await run(build, env, 'turn', 0);
      const row = { persons, marked, ...turned };
      table.push(row);
      const { rewrapped, buckets, seconds: took, cpuSeconds, memoryPeak } = row as Figures;
      process.stdout.write(
        `${persons} | ${marked} | ${rewrapped} | ${buckets} | ${took?.toFixed(1)} | ${cpuSeconds?.toFixed(1)} | ` +
          `${memoryPeak}\n`,
      );
    }
  }
  return table;
}

const inTurn = (builds: readonly Build[], round: number): Build[] =>
  builds.map((_, place) => builds[(round + place) % builds.length] as Build);

function overOther(measured: Readonly<Record<string, readonly Figures[]>>, of: (figures: Figures) => number): Spread {
  const [mine, others] = [measured.this ?? [], measured.other ?? []];
  return spread(mine.map((one, round) => of(one) / of(others[round] ?? {})));
}

/** Whoever agents in Germany may read. */
async function everyoneInGermany(engine: Engine, url: string): Promise<void> {
  if (engine === 'mariadb') return everyoneIn('DE', url);
  const Sqlite = require(join(root, 'node_modules', 'better-sqlite3'));
  const database = new Sqlite(url.slice('sqlite:'.length));
  database.exec("UPDATE customer SET residency = 'DE'");
  database.close();
}

async function databases({ folder, urls }: Installation, engine: Engine, name: string) {
  if (engine === 'sqlite')
    return { data: `sqlite:${join(folder, `${name}.db`)}`, keys: `sqlite:${join(folder, `${name}_keys.db`)}` };
  const server = urls.data.replace(/\/[^/]*$/, '');
  const connection = await createConnection(server);
  for (const each of [name, `${name}_keys`]) await connection.query(`CREATE DATABASE ${each}`);
  await connection.end();
  return { data: `${server}/${name}`, keys: `${server}/${name}_keys` };
}

/** A keys' store with a root of its own. */
async function keysStore({ installation, engine }: Bench, name: string): Promise<NodeJS.ProcessEnv> {
  const { keys: url } = await databases(installation, engine, name);
  const file = join(mkdtempSync(join(installation.folder, 'root-')), 'master.key');
  writeFileSync(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  return { KEYS_DATABASE_URL: url, REMIT_MASTER_KEY_FILE: file };
}

async function run({ checkout }: Build, env: NodeJS.ProcessEnv, work: string, number: number): Promise<Figures> {
  const words = [script, checkout, work, String(number)];
  const { stdout } = await promisify(execFile)(process.execPath, words, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as Figures;
}
