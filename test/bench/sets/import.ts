import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { install, root } from '../support/installation';
import { printRatios, type Ratios } from '../support/interleaved';
import { rounds, rows } from '../support/knobs';
import { median, spread } from '../support/load';

const run = promisify(execFile);
/** How often the peak of a process's memory is looked at. Milliseconds. */
const LOOK_EVERY_MS = 100;
/** Linux counts a process's time in hundredths of a second. */
const TICK_US = 10_000;

interface Build {
  readonly name: string;
  readonly checkout: string;
}

interface Imported {
  readonly rowsPerSecond: number;
  /** Microseconds of the process's own time, a row: what else the machine does does not count. */
  readonly cpu: number;
  /** MiB. */
  readonly peakMemory: number;
}

/** Stores of one import's own. */
type Stores = (build: Build, round: number) => Promise<NodeJS.ProcessEnv>;

/**
 * Rows of customers a second, and the memory that it takes, on SQLite and MariaDB. Where BENCH_OTHER names the built
 * checkout of another version, both take the same file in, in turn.
 */
export async function imports(): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'remit-bench-import-'));
  const installation = await install();
  try {
    const file = await peopleFile(folder);
    const other = process.env.BENCH_OTHER;
    const builds: Build[] = [
      { name: 'this', checkout: root },
      ...(other === undefined ? [] : [{ name: 'other', checkout: other }]),
    ];
    const engines: Record<string, Stores> = {
      SQLite: async ({ name }, round) => {
        const own = join(folder, `${name}-${round}`);
        mkdirSync(own);
        return { DATABASE_URL: `sqlite:${join(own, 'remit.db')}`, KEYS_DATABASE_URL: `sqlite:${join(own, 'keys.db')}` };
      },
      MariaDB: async ({ name, checkout }, round) => {
        const server = installation.urls.data.replace(/\/[^/]*$/, '');
        const names = [`import_${name}_${round}`, `import_${name}_${round}_keys`];
        const connection = await createConnection(server);
        for (const database of names) await connection.query(`CREATE DATABASE ${database}`);
        await connection.end();
        const env = { DATABASE_URL: `${server}/${names[0]}`, KEYS_DATABASE_URL: `${server}/${names[1]}` };
        await run(process.execPath, [mainOf(checkout), 'migrate'], { env: { ...process.env, ...env }, cwd: folder });
        return env;
      },
    };
    const measured: Record<string, Record<string, Imported[]>> = {};
    const ratios: Ratios = {};
    for (const [engine, stores] of Object.entries(engines)) {
      const byBuild = await compareBuilds(builds, stores, file, folder);
      measured[engine] = byBuild;
      print(engine, byBuild);
      const [mine, others] = [byBuild.this ?? [], byBuild.other ?? []];
      if (others.length === 0) continue;
      const faster = mine.map((one, round) => one.rowsPerSecond / (others[round]?.rowsPerSecond ?? Number.NaN));
      ratios[`rows a second on ${engine}, this / other`] = spread(faster);
      const dearer = mine.map((one, round) => (others[round]?.cpu ?? Number.NaN) / one.cpu);
      ratios[`rows a second of processor time on ${engine}, this / other`] = spread(dearer);
    }
    printRatios(ratios);
    return { rows: rows(), measured, ratios };
  } finally {
    await installation.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each round begins with another build. */
async function compareBuilds(builds: readonly Build[], stores: Stores, file: string, folder: string) {
  const measured: Record<string, Imported[]> = {};
  for (let round = 0; round < rounds(3); round++) {
    for (let turn = 0; turn < builds.length; turn++) {
      const build = builds[(round + turn) % builds.length] as Build;
      const imported = await importOnce(build, await stores(build, round), file, folder);
      measured[build.name] = [...(measured[build.name] ?? []), imported];
    }
  }
  return measured;
}

async function importOnce(
  { name, checkout }: Build,
  env: NodeJS.ProcessEnv,
  file: string,
  folder: string,
): Promise<Imported> {
  const words = ['import', file, '--client', 'acme', '--as', 'customers', '--map', join(folder, 'map.json')];
  const began = performance.now();
  const child = spawn(process.execPath, [mainOf(checkout), ...words, '--create-client', '--json'], {
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
  const ended = once(child, 'close');
  const said = await text(child.stdout);
  await ended;
  clearInterval(looking);
  const seconds = (performance.now() - began) / 1_000;
  const { created } = JSON.parse(said) as { created: number };
  if (created !== rows()) throw new Error(`${name} created ${created} of ${rows()}`);
  return { rowsPerSecond: created / seconds, cpu: (ticks * TICK_US) / created, peakMemory };
}

const mainOf = (checkout: string): string => join(checkout, 'dist', 'src', 'main.js');

function peakOf(process: number | undefined): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${process}/status`, 'utf8')) ?? [];
    return Math.round(Number(kilobytes ?? 0) / 1_024);
  } catch {
    return 0;
  }
}

/** Of the processor, in user and system mode (proc(5)). */
function ticksOf(process: number | undefined): number {
  try {
    const [, , ...fields] = readFileSync(`/proc/${process}/stat`, 'utf8')
      .replace(/\(.*\)/, '')
      .split(/ +/);
    return Number(fields[10] ?? 0) + Number(fields[11] ?? 0);
  } catch {
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

async function peopleFile(folder: string): Promise<string> {
  writeFileSync(join(folder, 'map.json'), JSON.stringify(mapping));
  const path = join(folder, 'people.csv');
  const stream = createWriteStream(path);
  stream.write('id,first,last,mail,phone,country,street,city,zip,plan\n');
  for (let n = 0; n < rows(); n++) {
    const place = `${countries[n % countries.length]},Street ${n % 300},City ${n % 70},${10_000 + (n % 80_000)}`;
    const line = `${n},First${n % 997},Last${n % 4_999},person.${n}@example.org,+49 30 ${1_000_000 + n},${place},plan${n % 4}\n`;
    if (!stream.write(line)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'finish');
  return path;
}

function print(engine: string, measured: Readonly<Record<string, readonly Imported[]>>): void {
  process.stdout.write(`\n${rows()} rows on ${engine}\n`);
  for (const [name, all] of Object.entries(measured)) {
    const perSecond = median(all.map(({ rowsPerSecond }) => rowsPerSecond));
    const cpu = median(all.map((one) => one.cpu));
    const memory = Math.max(...all.map(({ peakMemory }) => peakMemory));
    process.stdout.write(
      `  ${name.padEnd(6)} ${perSecond.toFixed(0).padStart(6)} rows/s, ${cpu.toFixed(0)} us each, ${memory} MiB at most\n`,
    );
  }
}
