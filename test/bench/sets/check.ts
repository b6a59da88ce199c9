import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Installation, install, machine } from '../support/installation';
import {
  type Contestant,
  compare,
  type Measured,
  printRatios,
  type Ratios,
  ratio,
  written,
} from '../support/interleaved';
import { customers, rounds, seconds } from '../support/knobs';
import { ask, beginningOf, type Request } from '../support/load';
import { copyToPlain } from '../support/plain-copy';
import { appOf, everyoneIn, post, seed, startRemit } from '../support/remit';
import { type ServerProcess, startServer } from '../support/server-process';
import { type Work, worksFor } from '../support/work';

const CONNECTIONS = 16;
/** A loss of more per cent fails. */
const MOST_LOSS = Number(process.env.BENCH_LOSS ?? 5);

const THIS = 'this build';
const OTHER = 'other build';
const FLOOR = 'hand-written';

/** What a run of `check` keeps, and a later one is compared with. */
interface Stored {
  readonly machine: string;
  /** This build ÷ the hand-written handler, by work. */
  readonly floor: Ratios;
}

/**
 * Whether this build is slower than another one, work by work: a build that BENCH_OTHER names, which is loaded in turn
 * with this one, or the stored result BENCH_STORED of another commit on this machine. Then both are compared by their
 * ratio to the hand-written handler, which is loaded in turn too.
 */
export async function check(): Promise<unknown> {
  const { BENCH_OTHER: other, BENCH_STORED: stored } = process.env;
  const before = stored === undefined ? undefined : storedIn(stored);
  if (other === undefined && before === undefined) {
    throw new Error('say what to compare with: BENCH_OTHER=a built checkout, or BENCH_STORED=an earlier bench.json');
  }
  const measured = await measure(other);
  const floor = ratiosOf(measured, FLOOR);
  const ratios = other === undefined ? overStored(floor, before?.floor ?? {}) : ratiosOf(measured, OTHER);
  printRatios(ratios);
  const lost = Object.entries(ratios).filter(([, { median }]) => !(median >= 1 - MOST_LOSS / 100));
  for (const [work, found] of lost) process.stdout.write(`LOST: ${work}: ${written(found)}\n`);
  process.stdout.write(lost.length > 0 ? '' : `nothing is more than ${MOST_LOSS} % slower\n`);
  if (lost.length > 0) process.exitCode = 1;
  return { measured, floor, ratios };
}

function storedIn(path: string): Stored {
  const { check: found } = JSON.parse(readFileSync(path, 'utf8')) as { check?: Stored };
  if (!found) throw new Error(`${path} holds no result of check`);
  if (found.machine !== machine()) throw new Error(`${path} was measured on ${found.machine}; this is ${machine()}`);
  return found;
}

/** What the stored run had, this one has now; the spread is this run's. */
function overStored(now: Ratios, before: Ratios): Ratios {
  return Object.fromEntries(
    Object.entries(now).map(([work, { median, min, max }]) => {
      const base = before[work]?.median ?? Number.NaN;
      return [work, { median: median / base, min: min / base, max: max / base }];
    }),
  );
}

const ratiosOf = (measured: readonly Measured[], over: string): Ratios =>
  Object.fromEntries(measured.map(({ work, courses }) => [work, ratio(courses, THIS, over)]));

async function measure(other: string | undefined): Promise<Measured[]> {
  const installation = await install();
  const servers: ServerProcess[] = [];
  try {
    const builds = [await buildOn(installation, THIS, servers)];
    if (other !== undefined) {
      builds.push(await buildOn(await installation.sibling('other', other), OTHER, servers));
    }
    const script = join(__dirname, '..', 'servers', 'peer.js');
    const { urls, folder } = installation;
    const floor = await startServer(FLOOR, [script, 'floor', urls.plain], {}, folder, Number);
    servers.push(floor);
    const measured: Measured[] = [];
    for (const [place, { name, floorPath }] of (builds[0]?.works ?? []).entries()) {
      const contestants = await Promise.all([
        ...builds.map(({ server, works, headers }) => asked(server, requestOf(works[place], headers))),
        asked(floor, { method: 'GET', path: floorPath, headers: {} }),
      ]);
      const length = { connections: [CONNECTIONS], rounds: rounds(9), seconds: seconds(2) };
      measured.push(...(await compare(name, contestants, length)));
    }
    return measured;
  } finally {
    for (const server of servers) await server.stop();
    await installation.remove();
  }
}

/** A build over stores of its own, with as many customers; and what it is asked about one of them. */
async function buildOn(installation: Installation, name: string, servers: ServerProcess[]) {
  const slug = await seed(installation, customers());
  await everyoneIn('DE', installation.urls.data);
  const server = await startRemit(installation, name);
  servers.push(server);
  const headers = await appOf(installation, slug, 'SERVICE_DELIVERY');
  return { server, headers, works: worksFor(await copyToPlain(installation, server, headers)) };
}

const requestOf = (work: Work | undefined, headers: Readonly<Record<string, string>>): Request =>
  post(headers, work?.document ?? '', work?.variables);

async function asked(server: ServerProcess, request: Request): Promise<Contestant> {
  const answer = await ask(server, request);
  if (answer.errors) throw new Error(`${server.name} answers ${JSON.stringify(answer.errors).slice(0, 500)}`);
  return { name: server.name, server, asked: [{ request, expected: beginningOf(answer) }] };
}
