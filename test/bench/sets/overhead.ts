import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Installation, install } from '../support/installation';
import {
  type Contestant,
  compare,
  type Measured,
  printRatios,
  type Ratios,
  ratio,
  written,
} from '../support/interleaved';
import { connectionCounts, customers, rounds, seconds } from '../support/knobs';
import { ask, beginningOf, spread } from '../support/load';
import { appOf, everyoneIn, post, seed, startRemit } from '../support/remit';
import type { ServerProcess } from '../support/server-process';
import { BY_ID_NAME, PAGE_NAME, WIDE_NAME, worksFor } from '../support/work';

const GOVERNED = 'governed';
const UNGOVERNED = 'ungoverned';
const FIRST = 'governed, first reads';

/** What is compared of each work: what governance and its ledger cost, and what it costs to read something first. */
const compared: Readonly<Record<string, readonly string[]>> = {
  [BY_ID_NAME]: [GOVERNED, UNGOVERNED],
  [PAGE_NAME]: [GOVERNED, UNGOVERNED, FIRST],
  [WIDE_NAME]: [GOVERNED, FIRST],
};

/** The cost of governance: Remit with and without it, first reads, and one decision and one plan alone. */
export async function overhead(): Promise<unknown> {
  const installation = await install();
  const servers: ServerProcess[] = [];
  try {
    const slug = await seed(installation, customers());
    await everyoneIn('DE', installation.urls.data);
    servers.push(await startRemit(installation, GOVERNED));
    servers.push(await startRemit(installation, UNGOVERNED, ['ungoverned.js']));
    servers.push(await startRemit(installation, FIRST, ['without.js', 'memory']));
    const measured = await measureWorks(installation, slug, servers);
    for (const server of servers.splice(0)) await server.stop();
    const { decisions, plans } = await inProcess(installation);
    const ratios = ratiosOf(measured);
    printRatios(ratios);
    return { measured, decisions, plans, ratios };
  } finally {
    for (const server of servers) await server.stop();
    await installation.remove();
  }
}

async function measureWorks(
  installation: Installation,
  slug: string,
  servers: readonly ServerProcess[],
): Promise<Measured[]> {
  const headers = await appOf(installation, slug, 'SERVICE_DELIVERY');
  const [governed] = servers;
  if (!governed) throw new Error('no server is started');
  const measured: Measured[] = [];
  const length = { connections: connectionCounts(), rounds: rounds(), seconds: seconds() };
  for (const { name: work, document, variables } of worksFor(await sampleOf(governed, headers))) {
    const beside = servers.filter(({ name }) => compared[work]?.includes(name));
    if (beside.length === 0) continue;
    const request = post(headers, document, variables);
    const answers = await Promise.all(beside.map(async (server) => beginningOf(await ask(server, request))));
    const [expected = ''] = answers;
    if (!expected.startsWith('{"data":')) throw new Error(`${work} is not answered: ${expected.slice(0, 500)}`);
    if (answers.some((answer) => answer !== expected)) throw new Error(`${work} is not answered alike by all`);
    const contestants = beside.map(
      (server): Contestant => ({ name: server.name, server, asked: [{ request, expected }] }),
    );
    measured.push(...(await compare(work, contestants, length)));
  }
  return measured;
}

async function sampleOf(server: ServerProcess, headers: Readonly<Record<string, string>>) {
  const { data } = await ask(server, post(headers, 'query Sample { customers(first: 20) { nodes { id email } } }'));
  const { nodes } = (data as { customers: { nodes: Array<{ id: string; email: string | null }> } }).customers;
  const [first] = nodes.flatMap(({ id, email }) => (email === null ? [] : { id, email }));
  if (!first) throw new Error('no customer of the sample has an e-mail address');
  return first;
}

interface InProcess {
  readonly decisions: Record<'known' | 'compared' | 'execution', number[]>;
  readonly plans: { readonly beyond: number[]; readonly validation: number[]; readonly fields: number };
}

/** In a process of its own, with nothing else under way. */
async function inProcess({ env, folder }: Installation) {
  const script = join(__dirname, '..', 'servers', 'decisions.js');
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--max-semi-space-size=64', script], {
    env: { ...process.env, ...env, LOG_LEVEL: 'fatal' },
    cwd: folder,
    maxBuffer: 1 << 26,
  });
  const { decisions, plans } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as InProcess;
  const known = spread(decisions.known);
  const compared = spread(decisions.compared);
  const beyond = spread(plans.beyond);
  const validation = spread(plans.validation);
  const execution = spread(decisions.execution);
  process.stdout.write(
    '\ndocument of one governed field, cached plan, from being asked until it is decided (plan, variables and cost found):\n' +
      `  ${written(known)} us for a caller known by its basis, as the server's are; ` +
      `${written(compared)} us where its facts are compared\n` +
      `executing it, governed less ungoverned: ${written(execution)} us (guard and report)\n` +
      `planning a new document of ${plans.fields} fields, less parsing and validating it: ${written(beyond)} ms ` +
      `(these: ${written(validation)} ms), ${plans.beyond.length} documents\n`,
  );
  return { decisions: { known, compared, execution }, plans: { beyond, validation, fields: plans.fields } };
}

function ratiosOf(measured: readonly Measured[]): Ratios {
  const ratios: Ratios = {};
  for (const { work, connections, courses } of measured) {
    const where = `${work}, ${connections} connections`;
    const measures = (name: string) => courses.some((course) => course.name === name);
    if (measures(UNGOVERNED)) ratios[`governed / ungoverned, ${where}`] = ratio(courses, GOVERNED, UNGOVERNED);
    if (measures(FIRST)) ratios[`first reads / remembered, ${where}`] = ratio(courses, FIRST, GOVERNED);
  }
  return ratios;
}
