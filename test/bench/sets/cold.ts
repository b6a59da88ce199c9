import { setTimeout as sleep } from 'node:timers/promises';
import { type Contestant, compare, type Measured, printRatios, type Ratios, ratio } from '../support/interleaved';
import { connectionCounts, customers, rounds, seconds } from '../support/knobs';
import { ask, type Request, type Spread, spread } from '../support/load';
import { post, startRemit } from '../support/remit';
import { requestOf, type SideBySide, sameData, sideBySide } from '../support/side-by-side';
import { type Work, worksFor } from '../support/work';

const STARTS = 7;
/** In so many of them the server is watched until it is idle: its memory differs by little. */
const WATCHED = 3;
/** When a server that nobody asks has forgotten its start. */
const IDLE_MS = 8_000;

/** Documents that no server has seen before, and a server that has seen nothing yet. */
export async function cold(): Promise<unknown> {
  const side = await sideBySide(customers(), ['floor', 'mercurius-jit']);
  try {
    const measured: Measured[] = [];
    for (const work of worksFor(side.sample).slice(0, 2)) measured.push(...(await measureNew(side, work)));
    const ratios: Ratios = {};
    for (const { work, connections, courses } of measured) {
      for (const { name } of courses) {
        if (name === 'remit') continue;
        ratios[`governed Remit / ${name}, ${work}, ${connections} connections`] = ratio(courses, 'remit', name);
      }
    }
    printRatios(ratios);
    const starts = await coldStarts(side);
    const figures = Object.entries(starts).map(
      ([what, { median, min, max }]) => `  ${what}: ${median.toFixed(0)} (${min.toFixed(0)}-${max.toFixed(0)})\n`,
    );
    process.stdout.write(
      `\nfrom the start of the process to its first right answer, ${STARTS} starts\n${figures.join('')}`,
    );
    return { measured, starts, ratios };
  } finally {
    await side.stop();
  }
}

/** Each request's operation has a name of its own, so that no document is one that was sent before. */
async function measureNew(side: SideBySide, work: Work): Promise<Measured[]> {
  const expected = await sameData(side.servers, work, side.headers);
  const contestants = side.servers
    .filter(({ name }) => name !== 'floor')
    .map((server): Contestant => {
      const request = requestOf(server.name, work, side.headers);
      return { name: server.name, server, asked: [{ request, expected, nextBody: newBodies(work) }] };
    });
  const length = { connections: connectionCounts(), rounds: rounds(), seconds: seconds() };
  return compare(`new documents, ${work.name}`, contestants, length);
}

function newBodies({ document, variables }: Work): () => string {
  let sent = 0;
  return () => {
    const query = document.replace(/^query (\w+)/, (_, name: string) => `query ${name}${++sent}`);
    return JSON.stringify({ query, variables });
  };
}

/** Wall and processor milliseconds until the first answer, and MiB that the server holds when nobody asks any more. */
async function coldStarts(
  side: SideBySide,
): Promise<Record<'milliseconds' | 'of the processor' | 'idle, MiB', Spread>> {
  const [, page] = worksFor(side.sample);
  if (!page) throw new Error('there is no page to ask for');
  const request: Request = post(side.headers, page.document);
  const expected = JSON.stringify((await ask(side.remit, request)).data);
  const times: number[] = [];
  const processor: number[] = [];
  const idle: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const startedAt = performance.now();
    const server = await startRemit(side.installation, 'cold start');
    const { data } = await ask(server, request);
    times.push(performance.now() - startedAt);
    processor.push(server.cpuSeconds() * 1_000);
    if (start < WATCHED) {
      await sleep(IDLE_MS);
      idle.push(server.memory());
    }
    await server.stop();
    if (JSON.stringify(data) !== expected) throw new Error('the first answer after a start is not right');
  }
  return { milliseconds: spread(times), 'of the processor': spread(processor), 'idle, MiB': spread(idle) };
}
