import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Installation, install } from '../support/installation';
import { median } from '../support/load';

const PEOPLE = Number(process.env.BENCH_PEOPLE ?? 2_000);
const SIZES = (process.env.BENCH_CLIENTS ?? '10000,100000').split(',').map(Number);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const ROWS = 20;
const script = join(__dirname, '..', 'servers', 'erase.js');

interface Erased {
  readonly filed: number;
  readonly filingSeconds: number;
  readonly seconds: number;
  readonly peakMemory: number;
}

interface Ended {
  readonly customers: number;
  readonly status: string;
  /** What was erased, keys included. */
  readonly rows: number;
  readonly seconds: number;
  readonly peakMemory: number;
}

/** Erasure on MariaDB: people a second with twenty related rows each; ends of clients of two sizes, time and memory. */
export async function erasure(): Promise<unknown> {
  const installation = await install();
  try {
    const people = [];
    for (const concurrency of [1, 8]) {
      const slug = `people-${concurrency}`;
      await run(installation, 'fill', slug, PEOPLE, ROWS);
      const erased = await run<Erased>(installation, 'people', slug, concurrency);
      const perSecond = erased.filed / erased.seconds;
      people.push({ concurrency, perSecond, filedPerSecond: erased.filed / erased.filingSeconds, ...erased });
      process.stdout.write(
        `${concurrency} at once: ${perSecond.toFixed(0)} people a second with ${ROWS} related rows each, ` +
          `${erased.peakMemory} MiB\n`,
      );
    }
    const clients: Ended[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const customers of SIZES) {
        const slug = `client-${round}-${customers}`;
        await run(installation, 'fill', slug, customers, 4);
        const ended = await run<Omit<Ended, 'customers'>>(installation, 'client', slug);
        if (ended.status !== 'COMPLETED' || ended.rows < customers) throw new Error(`${slug} is not erased`);
        clients.push({ customers, ...ended });
        process.stdout.write(
          `the end of ${customers} customers, ${ended.rows} rows: ${ended.seconds.toFixed(1)} s, ` +
            `${((ended.seconds / customers) * 1e6).toFixed(0)} µs each, ${ended.peakMemory} MiB\n`,
        );
      }
    }
    const growth = growthOf(clients);
    process.stdout.write(`from ${SIZES[0]} to ${SIZES.at(-1)}: time each ${growth.time.toFixed(2)}x, `);
    process.stdout.write(`memory ${growth.memory.toFixed(2)}x\n`);
    return { people, clients, growth };
  } finally {
    await installation.remove();
  }
}

/** How much more a customer of the largest client takes than one of the smallest: medians. */
function growthOf(clients: readonly Ended[]): { time: number; memory: number } {
  const of = (size: number | undefined, what: (ended: Ended) => number) =>
    median(clients.filter(({ customers }) => customers === size).map(what));
  const ratio = (what: (ended: Ended) => number) => of(SIZES.at(-1), what) / of(SIZES[0], what);
  return {
    time: ratio(({ seconds, customers }) => seconds / customers),
    memory: ratio(({ peakMemory }) => peakMemory),
  };
}

async function run<T>({ env, folder }: Installation, ...words: Array<string | number>): Promise<T> {
  // What is measured is erasing, not waiting for the end of an epoch of keys.
  const options = { env: { ...process.env, ...env, REMIT_EPOCH: 'off' }, cwd: folder };
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...words.map(String)], options);
  return JSON.parse(stdout) as T;
}
