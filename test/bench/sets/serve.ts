import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { type Installation, install, root } from '../support/installation';
import { ask, load, type Measurement, median, type Request, spread } from '../support/load';
import { type PlainCustomer, PlainData, type PlainOrder } from '../support/plain-data';
import { type ServerProcess, startServer } from '../support/server-process';
import { type Work, worksFor } from '../support/work';

const CUSTOMERS = Number(process.env.BENCH_CUSTOMERS ?? 2_000);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const CONNECTIONS = (process.env.BENCH_CONNECTIONS ?? '1,16,64').split(',').map(Number);
const peers = ['floor', 'apollo', 'yoga', 'mercurius-jit', 'mercurius-auth-jit', 'graphql-shield', 'type-graphql'];

interface Row {
  readonly server: string;
  readonly work: string;
  readonly connections: number;
  readonly rounds: Measurement[];
}

/** Throughput of every server on every work, in turn, round after round. */
export async function serve(): Promise<unknown> {
  const installation = await install();
  const servers: ServerProcess[] = [];
  try {
    const { slug } = JSON.parse(
      await installation.remit('seed', '--customers', String(CUSTOMERS), '--clients', '1', '--json'),
    ).clients[0] as { slug: string };
    await everyoneIn('DE', installation.urls.data);
    const remit = await startServer(
      'remit',
      [join(root, 'dist', 'src', 'main.js'), 'serve'],
      installation.env,
      installation.folder,
      portOfRemit,
    );
    servers.push(remit);
    const token = (purpose: string) =>
      installation.remit('token', '--role', 'CLIENT_APP', '--client', slug, '--purpose', purpose, '--country', 'DE');
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${(await token('SERVICE_DELIVERY')).trim()}`,
      'processing-purpose': 'SERVICE_DELIVERY',
    };
    const sample = await copyToPlain(installation, remit, headers);
    for (const peer of peers) {
      servers.push(
        await startServer(
          peer,
          [join(__dirname, '..', 'servers', 'peer.js'), peer, installation.urls.plain],
          { NODE_ENV: 'production' },
          installation.folder,
          Number,
        ),
      );
    }
    const rows = await measure(servers, worksFor(sample), headers);
    print(rows, servers);
    return {
      machine: undefined,
      rows: rows.map(({ rounds, ...row }) => ({ ...row, rounds })),
      memory: Object.fromEntries(servers.map((server) => [server.name, server.peakMemory()])),
    };
  } finally {
    for (const server of servers) await server.stop();
    await installation.remove();
  }
}

/** All live where the caller reads: what transfers cost is another set's to measure. */
async function everyoneIn(country: string, url: string): Promise<void> {
  const connection = await createConnection(url);
  await connection.query('UPDATE customer SET residency = ?', [country]);
  await connection.end();
}

/** The port in the line that `remit serve` logs when it listens. */
export function portOfRemit(line: string): number | undefined {
  const found = /127\.0\.0\.1:(\d+)|localhost:(\d+)|0\.0\.0\.0:(\d+)|"port":(\d+)/.exec(line);
  return found ? Number(found.slice(1).find(Boolean)) : undefined;
}

type Headers = Readonly<Record<string, string>>;

const fields =
  'id firstName lastName email phone socialHandle ipAddress gender residency source externalId createdAt orders(first: 50) { nodes { id placedAt total currency status } }';

/** Gives the others what Remit gives: all customers and orders, read through Remit, in plain columns. */
async function copyToPlain(
  { urls }: Installation,
  remit: ServerProcess,
  headers: Headers,
): Promise<{ id: string; email: string }> {
  const customers: PlainCustomer[] = [];
  const orders: PlainOrder[] = [];
  for (let after: string | null = null; ; ) {
    const body: string = JSON.stringify({
      query: `query Copy($after: String) { customers(first: 200, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`,
      variables: { after },
    });
    const { data, errors } = await ask(remit, { method: 'POST', path: '/graphql', headers, body });
    if (errors) throw new Error(`the copy is not complete: ${JSON.stringify(errors)}`);
    const { nodes, pageInfo } = (
      data as {
        customers: {
          nodes: Array<PlainCustomer & { orders: { nodes: PlainOrder[] } }>;
          pageInfo: { hasNextPage: boolean; endCursor: string };
        };
      }
    ).customers;
    for (const { orders: bought, ...customer } of nodes) {
      customers.push(customer);
      orders.push(...bought.nodes.map((order) => ({ ...order, customerId: customer.id })));
    }
    if (!pageInfo.hasNextPage) break;
    after = pageInfo.endCursor;
  }
  const plain = new PlainData(urls.plain);
  await plain.fill(customers, orders);
  await plain.close();
  const sample = customers.find(({ email }) => email !== null);
  if (!sample?.email) throw new Error('no customer of the sample has an e-mail address');
  return { id: sample.id, email: sample.email };
}

function requestOf(server: string, work: Work, headers: Headers): Request {
  if (server === 'floor') return { method: 'GET', path: work.floorPath, headers: {} };
  const body = JSON.stringify({ query: work.document, variables: work.variables });
  const path = server === 'apollo' || server === 'graphql-shield' || server === 'type-graphql' ? '/' : '/graphql';
  return {
    method: 'POST',
    path,
    headers: server.startsWith('remit') ? headers : { 'content-type': 'application/json' },
    body,
  };
}

async function measure(servers: readonly ServerProcess[], works: readonly Work[], headers: Headers): Promise<Row[]> {
  const rows: Row[] = [];
  for (const work of works) {
    const expected = await expectedData(servers, work, headers);
    for (const connections of CONNECTIONS) {
      const mine = servers.map(({ name }): Row => ({ server: name, work: work.name, connections, rounds: [] }));
      for (let round = 0; round < ROUNDS; round++) {
        for (const [index, server] of servers.entries()) {
          mine[index]?.rounds.push(
            await load(server, requestOf(server.name, work, headers), expected, connections, SECONDS),
          );
        }
      }
      rows.push(...mine);
    }
  }
  return rows;
}

/** Every server's data, compared to the floor's byte by byte; what comes after `data` may differ. */
async function expectedData(servers: readonly ServerProcess[], work: Work, headers: Headers): Promise<string> {
  const answers = await Promise.all(servers.map((server) => ask(server, requestOf(server.name, work, headers))));
  const texts = answers.map(({ data, errors }) => JSON.stringify({ data, errors }));
  const reference = texts[servers.findIndex(({ name }) => name === 'floor')];
  for (const [index, text] of texts.entries()) {
    if (text !== reference)
      throw new Error(
        `${servers[index]?.name} answers otherwise than the floor: ${text?.slice(0, 400)} / ${reference?.slice(0, 400)}`,
      );
  }
  return `${reference?.slice(0, -1)}`;
}

function print(rows: readonly Row[], servers: readonly ServerProcess[]): void {
  for (const work of new Set(rows.map((row) => row.work))) {
    for (const connections of CONNECTIONS) {
      const mine = rows.filter((row) => row.work === work && row.connections === connections);
      const remit = mine.find(({ server }) => server === 'remit');
      process.stdout.write(`\n${work}, ${connections} connections (median of ${ROUNDS} rounds of ${SECONDS} s)\n`);
      for (const { server, rounds } of mine) {
        const ratios = rounds.map(
          ({ throughput }, round) => (remit?.rounds[round]?.throughput ?? Number.NaN) / throughput,
        );
        const { median: ratio, min, max } = spread(ratios);
        const figures = [
          server.padEnd(20),
          `${Math.round(median(rounds.map((r) => r.throughput)))} req/s`.padStart(14),
          `p50 ${median(rounds.map((r) => r.p50))} ms`.padStart(12),
          `p99 ${median(rounds.map((r) => r.p99))} ms`.padStart(12),
          `cpu ${Math.round(median(rounds.map((r) => r.cpuPerRequest)))} us`.padStart(14),
          `remit/it ${ratio.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`,
        ];
        process.stdout.write(`  ${figures.join('  ')}\n`);
      }
    }
  }
  process.stdout.write(
    `\npeak memory, MiB: ${servers.map((server) => `${server.name} ${server.peakMemory()}`).join(', ')}\n`,
  );
}
