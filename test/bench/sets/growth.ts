import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { type Installation, install } from '../support/installation';
import { type Contestant, compare, type Measured, printRatios, type Ratios, ratio } from '../support/interleaved';
import { customers, growthSizes, rounds, seconds } from '../support/knobs';
import { type Asked, ask, beginningOf } from '../support/load';
import { manyGrantsAndClients } from '../support/many-policies';
import { appOf, everyoneIn, type Headers, post, seed, startRemit } from '../support/remit';
import type { ServerProcess } from '../support/server-process';
import { worksFor } from '../support/work';

const CONNECTIONS = 16;
/** People that are looked up, spread over all there are. */
const SAMPLE = 500;
/** Pages that are read begin at this many places among the first customers. */
const PLACES = 20;
const ROWS_BETWEEN_PLACES = 500;

const page = `query Page($after: String) { customers(first: 50, after: $after) { nodes { id firstName lastName email residency orders(first: 5) { nodes { id placedAt total currency status } } } } }`;
const byId = 'query One($id: ID!) { customer(id: $id) { id firstName lastName email residency createdAt } }';
const byEmail =
  'query Lookup($by: CustomerLookup!) { customerLookup(by: $by) { id firstName lastName email residency createdAt } }';
const places = `query Places($after: String) { customers(first: ${ROWS_BETWEEN_PLACES}, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }`;

/** What a request takes as customers, policies and clients grow. */
export async function growth(): Promise<unknown> {
  const installation = await install();
  try {
    const byCustomers = await growCustomers(installation);
    const byPolicies = await growPolicies(installation);
    const ratios = { ...byCustomers.ratios, ...byPolicies.ratios };
    printRatios(ratios);
    return { customers: byCustomers.measured, policies: byPolicies.measured, ratios };
  } finally {
    await installation.remove();
  }
}

interface Grown {
  readonly measured: readonly Measured[];
  readonly ratios: Ratios;
}

async function growCustomers(installation: Installation): Promise<Grown> {
  const servers: ServerProcess[] = [];
  const works = new Map<string, Contestant[]>();
  try {
    for (const size of growthSizes()) {
      const own = await installation.sibling(`remit_${size}`);
      const slug = await fill(own, size);
      const server = await startRemit(own, `${size} customers`);
      servers.push(server);
      const headers = await appOf(own, slug, 'SERVICE_DELIVERY');
      for (const [work, asked] of Object.entries(await worksOf(server, headers, size))) {
        const contestants = works.get(work) ?? [];
        works.set(work, [...contestants, { name: server.name, server, asked }]);
      }
    }
    const measured = await measure(works);
    const [smallest, ...larger] = servers.map(({ name }) => name);
    const ratios: Ratios = {};
    for (const { work, courses } of measured) {
      // Time is what throughput is not: the smaller one's throughput over the larger one's.
      for (const name of larger)
        ratios[`time with ${name} / ${smallest}, ${work}`] = ratio(courses, `${smallest}`, name);
    }
    return { measured, ratios };
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** All of them sealed one by one, under keys of their own. @returns the client's slug */
async function fill(installation: Installation, size: number): Promise<string> {
  const slug = await seed(installation, 1);
  const script = join(__dirname, '..', 'servers', 'fill-customers.js');
  await flushing(installation, 0);
  const { stdout } = await promisify(execFile)(process.execPath, [script, slug, String(size - 1)], {
    env: { ...process.env, ...installation.env, LOG_LEVEL: 'fatal' },
    cwd: installation.folder,
  });
  await flushing(installation, 1);
  const filled = JSON.parse(stdout) as { customers: number; seconds: number };
  const { customers: made, seconds: took } = filled;
  process.stdout.write(`${made} customers with 10 orders each written and sealed in ${took.toFixed(1)} s\n`);
  await everyoneIn('DE', installation.urls.data);
  return slug;
}

/** Whether MariaDB waits for the disk at each commit: not while it is filled. */
async function flushing({ urls }: Installation, how: 0 | 1): Promise<void> {
  const connection = await createConnection(urls.data);
  await connection.query(`SET GLOBAL innodb_flush_log_at_trx_commit = ${how}`);
  await connection.end();
}

/** Requests about different people and pages; each answer is known before it is measured. */
async function worksOf(
  server: ServerProcess,
  headers: Headers,
  size: number,
): Promise<Readonly<Record<string, Asked[]>>> {
  const known = async (query: string, variables: Record<string, unknown>) => {
    const request = post(headers, query, variables);
    const answer = await ask(server, request);
    if (answer.errors || !answer.data) throw new Error(`${server.name}: ${JSON.stringify(answer).slice(0, 500)}`);
    return { data: answer.data as Record<string, unknown>, asked: { request, expected: beginningOf(answer) } };
  };
  const lookups: Asked[] = [];
  const ones: Asked[] = [];
  const sample = Math.min(SAMPLE, size - 1);
  for (let place = 0; place < sample; place++) {
    const number = Math.floor((place * (size - 1)) / sample);
    const found = await known(byEmail, { by: { email: `person.${number}@example.org` } });
    const { id } = (found.data.customerLookup ?? {}) as { id?: string };
    if (id === undefined) throw new Error(`${server.name}: person ${number} is not found`);
    lookups.push(found.asked);
    ones.push((await known(byId, { id })).asked);
  }
  const pages: Asked[] = [];
  for (let after: string | null = null; pages.length < PLACES; ) {
    pages.push((await known(page, { after })).asked);
    const { customers: next } = (await known(places, { after })).data as {
      customers: { pageInfo: { hasNextPage: boolean; endCursor: string } };
    };
    if (!next.pageInfo.hasNextPage) break;
    after = next.pageInfo.endCursor;
  }
  return { 'page of 50 x 5': pages, 'look-up by e-mail': lookups, 'one by id': ones };
}

async function measure(works: ReadonlyMap<string, readonly Contestant[]>): Promise<Measured[]> {
  const length = { connections: [CONNECTIONS], rounds: rounds(), seconds: seconds(3) };
  const measured: Measured[] = [];
  for (const [work, contestants] of works) {
    measured.push(...(await compare(work, contestants, length)));
  }
  return measured;
}

/** The same customers of one client, where it has a few grants and is alone, and where it has ten times as many. */
async function growPolicies(installation: Installation): Promise<Grown> {
  const servers: ServerProcess[] = [];
  const works = new Map<string, Contestant[]>();
  const few = 'one client';
  const many = 'grants x10, clients x1,000';
  try {
    for (const name of [few, many]) {
      const own = await installation.sibling(name === few ? 'remit_few' : 'remit_many');
      const slug = await seed(own, customers());
      await everyoneIn('DE', own.urls.data);
      if (name === many) {
        const { grants, clients } = await manyGrantsAndClients(own.urls.data, slug);
        process.stdout.write(`\n${many}: the client has ${grants} grants, and ${clients} clients are beside it\n`);
      }
      const server = await startRemit(own, name);
      servers.push(server);
      const headers = await appOf(own, slug, 'SERVICE_DELIVERY');
      const { data } = await ask(server, post(headers, 'query Sample { customers(first: 20) { nodes { id email } } }'));
      const { nodes } = (data as { customers: { nodes: Array<{ id: string; email: string }> } }).customers;
      const [sample] = nodes.filter(({ email }) => email !== null);
      if (!sample) throw new Error('no customer of the sample has an e-mail address');
      for (const { name: work, document, variables } of worksFor(sample).slice(0, 2)) {
        const request = post(headers, document, variables);
        const asked = [{ request, expected: beginningOf(await ask(server, request)) }];
        works.set(work, [...(works.get(work) ?? []), { name, server, asked }]);
      }
    }
    const measured = await measure(works);
    const ratios = Object.fromEntries(
      measured.map(({ work, courses }) => [`time with ${many} / ${few}, ${work}`, ratio(courses, few, many)]),
    );
    return { measured, ratios };
  } finally {
    for (const server of servers) await server.stop();
  }
}
