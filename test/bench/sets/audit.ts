import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Installation, install, mainOf, root } from '../support/installation';
import { ask, load, type Measurement, median, type Request, spread } from '../support/load';
import { portOfRemit, serveCommand } from '../support/remit';
import { type ServerProcess, startServer } from '../support/server-process';

const CUSTOMERS = Number(process.env.BENCH_CUSTOMERS ?? 2_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const CONNECTIONS = (process.env.BENCH_CONNECTIONS ?? '1,16,64').split(',').map(Number);
const ENTRIES = Number(process.env.BENCH_ENTRIES ?? 1_000_000);
const MIB = 1024;

const works = {
  'one customer': 'query One { customers(first: 1) { nodes { id firstName lastName email residency } } }',
  '20 customers x 12 fields':
    'query Page { customers(first: 20) { nodes { id firstName lastName email phone socialHandle ipAddress gender residency source externalId createdAt } } }',
};

/** What the ledger costs: throughput with it and without it, entries a second, and verifying many. On MariaDB. */
export async function audit(): Promise<unknown> {
  const installation = await install();
  try {
    const throughput = await measureThroughput(installation);
    const fill = JSON.parse(
      (await promisify(execFile)(process.execPath, [server('fill-ledger.js'), String(ENTRIES)], at(installation)))
        .stdout,
    ) as { entriesPerSecond: number };
    process.stdout.write(`\nentries written, 256 at once: ${fill.entriesPerSecond} a second\n`);
    const verification = await measureVerification(installation);
    const { entries, seconds, peakMemory } = verification;
    process.stdout.write(`verified ${entries} entries in ${seconds.toFixed(1)} s, at most ${peakMemory} MiB\n`);
    return { throughput, ...fill, verification };
  } finally {
    await installation.remove();
  }
}

const server = (file: string): string => join(__dirname, '..', 'servers', file);
const at = ({ env, folder }: Installation) => ({ env: { ...process.env, ...env }, cwd: folder });

async function measureThroughput(installation: Installation): Promise<unknown> {
  const seeded = await installation.remit('seed', '--customers', String(CUSTOMERS), '--clients', '1', '--json');
  const { slug } = JSON.parse(seeded).clients[0] as { slug: string };
  const who = ['--role', 'CLIENT_APP', '--client', slug, '--purpose', 'SERVICE_DELIVERY', '--country', 'DE'];
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${(await installation.remit('token', ...who)).trim()}`,
    'processing-purpose': 'SERVICE_DELIVERY',
  };
  const { env, folder } = installation;
  const serve = serveCommand();
  const on = await startServer('ledger on', serve, env, folder, portOfRemit);
  const off = await startServer('ledger off', [server('without.js'), 'ledger'], env, folder, portOfRemit);
  try {
    const results = [];
    for (const [work, query] of Object.entries(works)) {
      const request: Request = { method: 'POST', path: '/graphql', headers, body: JSON.stringify({ query }) };
      // What follows the data and the errors tells one answer from another.
      const { extensions: _own, ...answer } = (await ask(off, request)) as Record<string, unknown>;
      const expected = JSON.stringify(answer).slice(0, -1);
      for (const connections of CONNECTIONS) {
        const rounds = await measureBoth(on, off, request, expected, connections);
        results.push({ work, connections, rounds });
        print(work, connections, rounds);
      }
    }
    return results;
  } finally {
    await on.stop();
    await off.stop();
  }
}

interface Round {
  readonly on: Measurement;
  readonly off: Measurement;
}

/** In turn, round after round: what else the machine does falls on both. */
async function measureBoth(
  on: ServerProcess,
  off: ServerProcess,
  request: Request,
  expected: string,
  connections: number,
): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const first = round % 2 === 0 ? on : off;
    const one = await load(first, request, expected, connections, SECONDS);
    const two = await load(first === on ? off : on, request, expected, connections, SECONDS);
    rounds.push(first === on ? { on: one, off: two } : { on: two, off: one });
  }
  return rounds;
}

function print(work: string, connections: number, rounds: readonly Round[]): void {
  const ratio = spread(rounds.map(({ on, off }) => on.throughput / off.throughput));
  const of = (which: keyof Round) => {
    const [throughput, p99, cpu] = (['throughput', 'p99', 'cpuPerRequest'] as const).map((figure) =>
      Math.round(median(rounds.map((round) => round[which][figure]))),
    );
    return `${throughput} req/s, p99 ${p99} ms, cpu ${cpu} us`;
  };
  process.stdout.write(
    `${work}, ${connections} connections: on ${of('on')}; off ${of('off')}; ` +
      `on/off ${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)})\n`,
  );
}

async function measureVerification(
  installation: Installation,
): Promise<{ entries: number; seconds: number; peakMemory: number }> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [mainOf(root), 'audit', 'verify', '--json'], {
    ...at(installation),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let peakMemory = 0;
  const watch = setInterval(() => {
    peakMemory = Math.max(peakMemory, peakOf(child.pid));
  }, 100);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(watch);
  const { sound, entries } = JSON.parse(output) as { sound: boolean; entries: number };
  if (code !== 0 || !sound) throw new Error(`the ledger does not verify: ${output.slice(0, 2_000)}`);
  return { entries, seconds: (performance.now() - startedAt) / 1000, peakMemory };
}

function peakOf(pid: number | undefined): number {
  try {
    return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / MIB);
  } catch {
    return 0;
  }
}
