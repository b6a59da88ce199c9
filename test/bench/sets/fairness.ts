import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Installation, install, root } from '../support/installation';
import { customers, seconds, warmUp } from '../support/knobs';
import { ask, beginningOf, type Request } from '../support/load';
import { everyoneIn, type Headers, portOfRemit, post } from '../support/remit';
import { type ServerProcess, startServer } from '../support/server-process';

const attacker = join(__dirname, '..', 'servers', 'attacker.js');
const PRINCIPALS = 16;
/** Times of quiet. */
const AIM = 2;

interface Seen {
  readonly answered: number;
  readonly refused: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The same of the time for which the server's main thread ran until the answer came. */
  readonly thread: { readonly p95: number; readonly p99: number };
}

/**
 * Two clients: one storms with 64 connections, the other asks for pages over two. How much longer the other waits than
 * in quiet, and how long the server's main thread ran meanwhile, which is the same on a machine that others use too.
 * Where BENCH_OTHER names the built checkout of another version, it is measured beside.
 */
export async function fairness(): Promise<unknown> {
  const length = seconds(20);
  const names = JSON.parse(execFileSync(process.execPath, [attacker, 'storms'], { encoding: 'utf8' })) as string[];
  const installation = await install();
  try {
    const seeded = await installation.remit('seed', '--customers', String(customers()), '--clients', '2', '--json');
    const { clients } = JSON.parse(seeded) as { clients: Array<{ slug: string }> };
    const [stormy = '', quiet = ''] = clients.map(({ slug }) => slug);
    await everyoneIn('DE', installation.urls.data);
    const modest = await agentOf(installation, quiet, 'modest');
    const many = await Promise.all(
      Array.from({ length: PRINCIPALS }, (_, n) => agentOf(installation, stormy, `p${n}`)),
    );
    const other = process.env.BENCH_OTHER;
    const results: Array<{ build: string; storm: string; ratio: number; quiet: Seen; beside: Seen }> = [];
    for (const storm of names) {
      for (const [build, checkout] of [['this', root], ...(other === undefined ? [] : [['other', other]])] as const) {
        const measured = await under(installation, checkout ?? root, storm, modest, many, length);
        const ratio = measured.beside.p99 / measured.quiet.p99;
        results.push({ build: build ?? '', storm, ratio, ...measured });
        const { quiet: calm, beside } = measured;
        const figures = `p99 ${calm.p99.toFixed(1)} -> ${beside.p99.toFixed(1)} ms, p50 ${calm.p50.toFixed(1)} -> `;
        process.stdout.write(
          `${build} | ${storm} | x${ratio.toFixed(2)} | ${figures}${beside.p50.toFixed(1)} ms, refused ${beside.refused}` +
            ` | thread p95 ${calm.thread.p95.toFixed(1)} -> ${beside.thread.p95.toFixed(1)} ms` +
            `, p99 ${calm.thread.p99.toFixed(1)} -> ${beside.thread.p99.toFixed(1)} ms` +
            `${ratio <= AIM ? '' : ' | missed'}\n`,
        );
      }
    }
    return { seconds: length, aim: AIM, principals: PRINCIPALS, results };
  } finally {
    await installation.remove();
  }
}

async function under(
  { env, folder }: Installation,
  checkout: string,
  storm: string,
  modest: Headers,
  many: readonly Headers[],
  length: number,
) {
  const command = [join(checkout, 'dist', 'src', 'main.js'), 'serve'];
  const server = await startServer('remit', command, env, folder, portOfRemit);
  try {
    const request = post(modest, '{ customers(first: 20) { nodes { id firstName email } } }');
    const expected = beginningOf(await ask(server, request));
    await serve(server, request, expected, Math.min(3, length));
    const quiet = await serve(server, request, expected, length / 2);
    const told = { ATTACK_URL: server.url, ATTACK_HEADERS: JSON.stringify(many[0]), ATTACK_MANY: JSON.stringify(many) };
    const attacking = promisify(execFile)(process.execPath, [attacker, storm], {
      env: { ...process.env, ...told, ATTACK_SECONDS: String(length + warmUp()) },
    });
    // What the storm asks for is compiled too.
    await serve(server, request, expected, warmUp());
    const beside = await serve(server, request, expected, length);
    await attacking;
    return { quiet, beside };
  } finally {
    await server.stop();
  }
}

/** Asks over two connections, one request after the other. */
async function serve(server: ServerProcess, request: Request, expected: string, length: number): Promise<Seen> {
  const end = performance.now() + length * 1_000;
  const times: number[] = [];
  const threads: number[] = [];
  let refused = 0;
  const one = async () => {
    while (performance.now() < end) {
      const before = performance.now();
      const thread = server.threadMilliseconds();
      const answer = await ask(server, request).catch(() => ({}));
      times.push(performance.now() - before);
      threads.push(server.threadMilliseconds() - thread);
      if (beginningOf(answer) !== expected) refused++;
    }
  };
  await Promise.all([one(), one()]);
  const at = (all: number[], part: number) => all.sort((a, b) => a - b)[Math.ceil(all.length * part) - 1] ?? Number.NaN;
  const thread = { p95: at(threads, 0.95), p99: at(threads, 0.99) };
  return { answered: times.length, refused, p50: at(times, 0.5), p99: at(times, 0.99), thread };
}

async function agentOf(installation: Installation, slug: string, subject: string): Promise<Headers> {
  const who = ['--role', 'CLIENT_AGENT', '--client', slug, '--purpose', 'SUPPORT', '--country', 'DE', '--sub', subject];
  const token = (await installation.remit('token', ...who)).trim();
  return { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'processing-purpose': 'SUPPORT' };
}
