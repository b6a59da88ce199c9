import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Installation, install, mainOf, root } from '../support/installation';
import { compare, type Measured, printRatios, type Ratios, ratio } from '../support/interleaved';
import { connectionCounts, customers, rounds, seconds } from '../support/knobs';
import { ask, beginningOf } from '../support/load';
import { appOf, post, seed, startRemit } from '../support/remit';

/** Entries of the ledger that are verified. */
const ENTRIES = Number(process.env.BENCH_ENTRIES ?? 100_000);
const ON = 'ledger on';
const OFF = 'ledger off';
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
    const measured = await measureThroughput(installation);
    const ratios = ratiosOf(measured);
    printRatios(ratios);
    const fill = JSON.parse(
      (await promisify(execFile)(process.execPath, [server('fill-ledger.js'), String(ENTRIES)], at(installation)))
        .stdout,
    ) as { entriesPerSecond: number };
    process.stdout.write(`\nentries written, 256 at once: ${fill.entriesPerSecond} a second\n`);
    const verification = await measureVerification(installation);
    const { entries, seconds, peakMemory } = verification;
    process.stdout.write(`verified ${entries} entries in ${seconds.toFixed(1)} s, at most ${peakMemory} MiB\n`);
    return { measured, ...fill, verification, ratios };
  } finally {
    await installation.remove();
  }
}

const server = (file: string): string => join(__dirname, '..', 'servers', file);
const at = ({ env, folder }: Installation) => ({ env: { ...process.env, ...env }, cwd: folder });

async function measureThroughput(installation: Installation): Promise<Measured[]> {
  const headers = await appOf(installation, await seed(installation, customers()), 'SERVICE_DELIVERY');
  const on = await startRemit(installation, ON);
  const off = await startRemit(installation, OFF, ['without.js', 'ledger']);
  try {
    const measured: Measured[] = [];
    const length = { connections: connectionCounts(), rounds: rounds(), seconds: seconds() };
    for (const [work, query] of Object.entries(works)) {
      const request = post(headers, query);
      // What follows the data and the errors tells one answer from another.
      const expected = beginningOf(await ask(off, request));
      const contestants = [on, off].map((server) => ({ name: server.name, server, asked: [{ request, expected }] }));
      measured.push(...(await compare(work, contestants, length)));
    }
    return measured;
  } finally {
    await on.stop();
    await off.stop();
  }
}

const ratiosOf = (measured: readonly Measured[]): Ratios =>
  Object.fromEntries(
    measured.map(({ work, connections, courses }) => [
      `ledger on / off, ${work}, ${connections} connections`,
      ratio(courses, ON, OFF),
    ]),
  );

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
