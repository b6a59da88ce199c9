import { type Contestant, compare, type Measured, printRatios, type Ratios, ratio } from '../support/interleaved';
import { connectionCounts, customers, rounds, seconds } from '../support/knobs';
import { ask, type Request, type Spread, spread } from '../support/load';
import { post, startRemit } from '../support/remit';
import { requestOf, type SideBySide, sameData, sideBySide } from '../support/side-by-side';
import { type Work, worksFor } from '../support/work';

const STARTS = 5;

/** Documents that no server has seen before, and a server that has seen nothing yet. */
export async function cold(): Promise<unknown> {
  const side = await sideBySide(customers());
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
    const start = await coldStart(side);
    process.stdout.write(
      `\nfrom the start of the process to the first right answer: ${start.median.toFixed(0)} ms ` +
        `(${start.min.toFixed(0)}-${start.max.toFixed(0)}), ${STARTS} starts\n`,
    );
    return { measured, start, ratios };
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
  const length = { connections: connectionCounts(), rounds: rounds(), seconds: seconds(1) };
  return compare(`new documents, ${work.name}`, contestants, length);
}

function newBodies({ document, variables }: Work): () => string {
  let sent = 0;
  return () => {
    const query = document.replace(/^query (\w+)/, (_, name: string) => `query ${name}${++sent}`);
    return JSON.stringify({ query, variables });
  };
}

async function coldStart(side: SideBySide): Promise<Spread> {
  const [, page] = worksFor(side.sample);
  if (!page) throw new Error('there is no page to ask for');
  const request: Request = post(side.headers, page.document);
  const expected = JSON.stringify((await ask(side.remit, request)).data);
  const times: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const startedAt = performance.now();
    const server = await startRemit(side.installation, 'cold start');
    const { data } = await ask(server, request);
    times.push(performance.now() - startedAt);
    await server.stop();
    if (JSON.stringify(data) !== expected) throw new Error('the first answer after a start is not right');
  }
  return spread(times);
}
