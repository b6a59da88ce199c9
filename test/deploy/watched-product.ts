import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { remit, startRemit } from '../support/cli';

/** The samples of one scrape, by series as Prometheus writes them, and `scraped_at`: when, in seconds since 1970. */
export type Scrape = ReadonlyMap<string, number>;

/** The built server in a process of its own, as Prometheus sees it. */
export interface WatchedProduct {
  /** What a scrape finds; `up` is 0 where nothing answers in time. */
  scrape(): Promise<Scrape>;
  /** Sends an operation of a client's agent, who reads in Germany unless told; gives the codes of its errors. */
  ask(document: string, country?: 'DE' | 'CN'): Promise<string[]>;
  readyz(): Promise<{ status: number; body: Record<string, unknown> }>;
  /** What it has logged, before its restarts too. */
  log(): string;
  signal(signal: NodeJS.Signals): void;
  /** Ends the process with SIGTERM, and starts it anew. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const CLIENT = 'sample-alpine-outfitters';
const SCRAPE_MS = 3_000;

/** Starts the server on stores that are made, migrated and filled with a few people. */
export async function watchProduct(env: Record<string, string>): Promise<WatchedProduct> {
  const cwd = mkdtempSync(join(tmpdir(), 'remit-watched-'));
  const run = async (...words: string[]) => {
    const { code, stdout, stderr } = await remit(words, { cwd, env });
    if (code !== 0) throw new Error(`remit ${words.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  await run('migrate');
  await run('seed', '--customers', '3');
  const words = ['--role', 'CLIENT_AGENT', '--client', CLIENT, '--purpose', 'SUPPORT', '--country'];
  const tokens = { DE: await run('token', ...words, 'DE'), CN: await run('token', ...words, 'CN') };
  let earlier = '';
  let served = await serve(cwd, env);
  return {
    async scrape() {
      try {
        const answer = await fetch(`${served.url}/metrics`, { signal: AbortSignal.timeout(SCRAPE_MS) });
        return answer.ok ? samplesIn(await answer.text()) : new Map([['up', 0]]);
      } catch {
        return new Map([['up', 0]]);
      }
    },
    async ask(query, country = 'DE') {
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${tokens[country]}`,
        'processing-purpose': 'SUPPORT',
      };
      const answer = await fetch(`${served.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
      const { errors = [] } = (await answer.json()) as { errors?: { extensions: { code: string } }[] };
      return errors.map(({ extensions }) => extensions.code);
    },
    async readyz() {
      const answer = await fetch(`${served.url}/readyz`);
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    },
    log: () => earlier + served.log(),
    signal: (signal) => served.child.kill(signal),
    async restart() {
      await served.end('SIGTERM');
      earlier += served.log();
      served = await serve(cwd, env);
    },
    async close() {
      await served.end('SIGKILL');
      rmSync(cwd, { recursive: true, force: true });
    },
  };
}

async function serve(cwd: string, env: Record<string, string>) {
  const child = startRemit(['serve'], { cwd, env: { ...env, PORT: '0' } });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log += chunk;
    });
  }
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const listening = /"msg":"listening on (http:\/\/[\d.:]+)\/graphql"/;
  for (let tries = 0; !listening.test(log); tries++) {
    if (tries > 1_000 || child.exitCode !== null) throw new Error(`the server did not start: ${log}`);
    await sleep(20);
  }
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  return { child, url: String(listening.exec(log)?.[1]), log: () => log, end };
}

function samplesIn(text: string): Scrape {
  const samples = new Map([
    ['up', 1],
    ['scraped_at', Date.now() / 1_000],
  ]);
  for (const [, series = '', value = ''] of text.matchAll(/^([a-zA-Z_]\w*(?:\{.*\})?) (\S+)$/gm)) {
    if (value !== 'Nan') samples.set(series, Number(value));
  }
  return samples;
}
