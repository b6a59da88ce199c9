import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Installation, install } from '../support/installation';
import { customers, seconds } from '../support/knobs';
import { ask, beginningOf, type Request } from '../support/load';
import { appOf, everyoneIn, type Headers, post, seed, startRemit } from '../support/remit';
import type { ServerProcess } from '../support/server-process';

const attacker = join(__dirname, '..', 'servers', 'attacker.js');
const PAUSE_MS = 20;
/** What is aimed at: times of quiet, and milliseconds. */
const aims = { p99: 3, memory: 1.5, health: 1_000 };

/** A normal caller, as it was served for a while. */
interface Seen {
  /** Milliseconds. */
  readonly p99: number;
  readonly slowestHealth: number;
  /** The most that the server held, in MiB. */
  readonly memory: number;
  readonly refused: number;
}

/** Attacks at our limits, each on a server of its own, beside a normal caller; on loopback, and each ends by itself. */
export async function hostile(): Promise<unknown> {
  const length = seconds(60);
  const names = JSON.parse(execFileSync(process.execPath, [attacker], { encoding: 'utf8' })) as string[];
  const installation = await install();
  try {
    const slug = await seed(installation, customers());
    await everyoneIn('DE', installation.urls.data);
    const normal = await appOf(installation, slug, 'SERVICE_DELIVERY');
    const other = await agentOf(installation, slug);
    const results: Record<string, unknown> = {};
    process.stdout.write(`${row(['attack', 'p99 ÷ quiet', 'RSS ÷ quiet', '/healthz', 'refused', ''])}\n`);
    for (const name of names) results[name] = await under(installation, name, normal, other, length);
    return { seconds: length, aims, results };
  } finally {
    await installation.remove();
  }
}

async function under(installation: Installation, name: string, normal: Headers, other: Headers, length: number) {
  const server = await startRemit(installation);
  try {
    const request = post(normal, '{ customers(first: 20) { nodes { id firstName email } } }');
    const expected = beginningOf(await ask(server, request));
    await serve(server, request, expected, Math.min(3, length));
    const quiet = await serve(server, request, expected, Math.max(3, length / 4));
    const env = { ATTACK_URL: server.url, ATTACK_HEADERS: JSON.stringify(other), ATTACK_SECONDS: String(length) };
    const attacking = promisify(execFile)(process.execPath, [attacker, name], { env: { ...process.env, ...env } });
    const beside = await serve(server, request, expected, length);
    await attacking;
    const p99 = beside.p99 / quiet.p99;
    const memory = beside.memory / quiet.memory;
    const holds =
      p99 <= aims.p99 && memory <= aims.memory && beside.slowestHealth < aims.health && beside.refused === 0;
    const health = `${Math.round(beside.slowestHealth)} ms`;
    const figures = [p99.toFixed(2), memory.toFixed(2), health, String(beside.refused), holds ? '' : 'missed'];
    process.stdout.write(`${row([name, ...figures])}\n`);
    return { p99, memory, slowestHealth: beside.slowestHealth, refused: beside.refused, quiet, beside };
  } finally {
    await server.stop();
  }
}

/** Asks as one caller does, now and then, and looks at the server meanwhile. */
async function serve(server: ServerProcess, request: Request, expected: string, length: number): Promise<Seen> {
  const end = performance.now() + length * 1_000;
  const times: number[] = [];
  let refused = 0;
  let slowestHealth = 0;
  let memory = 0;
  const watching = (async () => {
    while (performance.now() < end) {
      const before = performance.now();
      await fetch(`${server.url}/healthz`).then((answer) => answer.text());
      slowestHealth = Math.max(slowestHealth, performance.now() - before);
      memory = Math.max(memory, server.memory());
      await sleep(250);
    }
  })();
  while (performance.now() < end) {
    const before = performance.now();
    const answer = await ask(server, request).catch(() => ({}));
    times.push(performance.now() - before);
    if (beginningOf(answer) !== expected) refused++;
    await sleep(PAUSE_MS);
  }
  await watching;
  times.sort((a, b) => a - b);
  return { p99: times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN, slowestHealth, memory, refused };
}

/** Another principal of the same client. */
async function agentOf(installation: Installation, slug: string): Promise<Headers> {
  const who = ['--role', 'CLIENT_AGENT', '--client', slug, '--purpose', 'SUPPORT', '--country', 'DE'];
  const token = (await installation.remit('token', ...who)).trim();
  return { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'processing-purpose': 'SUPPORT' };
}

const widths = [36, 12, 12, 10, 8, 8];
const row = (cells: readonly string[]): string => cells.map((cell, index) => cell.padEnd(widths[index] ?? 8)).join(' ');
