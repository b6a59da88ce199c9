import { install } from '../support/installation';
import { customers, soakSeconds } from '../support/knobs';
import { type Asked, ask, beginningOf, loadWith } from '../support/load';
import { appOf, everyoneIn, type Headers, post, seed, startRemit } from '../support/remit';
import type { ServerProcess } from '../support/server-process';
import { slopeOf } from '../support/slope';
import { worksFor } from '../support/work';

const CONNECTIONS = 16;
const MINUTE = 60;

interface Reading {
  /** Since the load began. */
  readonly seconds: number;
  readonly throughput: number;
  /** MiB. */
  readonly memory: number;
}

/** Memory of one server under one load: after each minute, and how it rises once the server is warm. */
export async function soak(): Promise<unknown> {
  const installation = await install();
  let server: ServerProcess | undefined;
  try {
    const slug = await seed(installation, customers());
    await everyoneIn('DE', installation.urls.data);
    server = await startRemit(installation);
    const asked = await works(server, await appOf(installation, slug, 'SERVICE_DELIVERY'));
    const readings: Reading[] = [];
    const total = soakSeconds();
    for (let elapsed = 0; elapsed < total; ) {
      const length = Math.min(MINUTE, total - elapsed);
      const { throughput } = await loadWith(server, asked, CONNECTIONS, length);
      elapsed += length;
      const memory = server.memory();
      readings.push({ seconds: elapsed, throughput, memory });
      process.stdout.write(`after ${elapsed} s: ${memory} MiB, ${Math.round(throughput)} req/s\n`);
    }
    // What comes before is warming up: code is compiled, and caches fill to their bounds.
    const warm = readings.slice(Math.min(3, Math.floor(readings.length / 3)));
    const slope = slopeOf(warm.map(({ seconds, memory }) => [seconds / MINUTE, memory]));
    process.stdout.write(
      `memory once warm: ${slope.toFixed(2)} MiB a minute over the last ${warm.length} readings; ` +
        `at most ${server.peakMemory()} MiB\n`,
    );
    return { readings, slope, peak: server.peakMemory() };
  } finally {
    await server?.stop();
    await installation.remove();
  }
}

/** All standard works in turn. */
async function works(server: ServerProcess, headers: Headers): Promise<Asked[]> {
  const { data } = await ask(server, post(headers, 'query Sample { customers(first: 20) { nodes { id email } } }'));
  const { nodes } = (data as { customers: { nodes: Array<{ id: string; email: string }> } }).customers;
  const [sample] = nodes.filter(({ email }) => email !== null);
  if (!sample) throw new Error('no customer of the sample has an e-mail address');
  const asked = worksFor(sample).map(async ({ document, variables }) => {
    const request = post(headers, document, variables);
    return { request, expected: beginningOf(await ask(server, request)) };
  });
  return Promise.all(asked);
}
