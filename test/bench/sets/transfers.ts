import { type Installation, install } from '../support/installation';
import { ask, load, type Measurement, median, type Request, spread } from '../support/load';
import { portOfRemit, serveCommand } from '../support/remit';
import { type ServerProcess, startServer } from '../support/server-process';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
/** A page has at most 500 rows: two of them are asked for in one operation. */
const PAGE = 500;
/** Errors come before the data where there are any. */
const answer = '{"';
const fields = 'id firstName lastName email phone residency createdAt';
/** Sample people of these countries are under no law that is held here. */
const unheld = ['BR', 'CA', 'IN', 'JP', 'KR'];

interface Round {
  readonly mixed: Measurement;
  readonly allowed: Measurement;
}

/** The cost of deciding per row: 1,000 rows of mixed residency, some withheld, beside the same rows all allowed. */
export async function transfers(): Promise<unknown> {
  const installation = await install();
  const seeded = await installation.remit('seed', '--customers', String(2 * PAGE), '--clients', '1', '--json');
  const { slug } = JSON.parse(seeded).clients[0] as { slug: string };
  const serve = serveCommand();
  const server = await startServer('remit', serve, installation.env, installation.folder, portOfRemit);
  try {
    await allow(server, installation, slug);
    // In Germany everything may be read, by law and by the approval; in the United States what law covers there is not.
    const allowed = await pages(server, await caller(installation, slug, 'DE'), 0);
    const mixed = await pages(server, await caller(installation, slug, 'US'), 1);
    const rounds: Round[] = [];
    await load(server, allowed, answer, 1, SECONDS);
    await load(server, mixed, answer, 1, SECONDS);
    for (let round = 0; round < ROUNDS; round++) {
      const turn = round % 2 === 0;
      const first = await load(server, turn ? mixed : allowed, answer, 1, SECONDS);
      const second = await load(server, turn ? allowed : mixed, answer, 1, SECONDS);
      rounds.push(turn ? { mixed: first, allowed: second } : { mixed: second, allowed: first });
    }
    const time = spread(rounds.map((one) => one.allowed.throughput / one.mixed.throughput));
    const cpu = spread(rounds.map((one) => one.mixed.cpuPerRequest / one.allowed.cpuPerRequest));
    const ms = (which: keyof Round) => (1000 / median(rounds.map((one) => one[which].throughput))).toFixed(1);
    process.stdout.write(
      `1,000 rows: mixed residency ${ms('mixed')} ms, all allowed ${ms('allowed')} ms; ` +
        `time ${time.median.toFixed(3)} (${time.min.toFixed(3)}-${time.max.toFixed(3)}), ` +
        `processor ${cpu.median.toFixed(3)} (${cpu.min.toFixed(3)}-${cpu.max.toFixed(3)})\n`,
    );
    if (time.median > 1.05) process.exitCode = 1;
    return { rows: 2 * PAGE, time, cpu, rounds };
  } finally {
    await server.stop();
    await installation.remove();
  }
}

async function caller(installation: Installation, client: string, country: string): Promise<Request['headers']> {
  return headersOf(
    installation,
    '--role',
    'CLIENT_APP',
    '--client',
    client,
    '--purpose',
    'SUPPORT',
    '--country',
    country,
  );
}

async function headersOf(installation: Installation, ...who: string[]): Promise<Record<string, string>> {
  const token = (await installation.remit('token', ...who)).trim();
  return { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'processing-purpose': 'SUPPORT' };
}

/** The request for both pages. @param kinds how many reasons to withhold rows it must meet, at least */
async function pages(server: ServerProcess, headers: Request['headers'], kinds: number): Promise<Request> {
  const request = (query: string): Request => ({
    method: 'POST',
    path: '/graphql',
    headers,
    body: JSON.stringify({ query }),
  });
  const first = await ask(server, request(`{ customers(first: ${PAGE}) { pageInfo { endCursor } } }`));
  const { customers } = first.data as { customers: { pageInfo: { endCursor: string } } };
  const after = JSON.stringify(customers.pageInfo.endCursor);
  const both = request(`query Both {
    one: customers(first: ${PAGE}) { nodes { ${fields} } }
    two: customers(first: ${PAGE}, after: ${after}) { nodes { ${fields} } } }`);
  const { data, errors } = await ask(server, both);
  const { one, two } = data as Record<'one' | 'two', { nodes: unknown[] }>;
  const rows = one.nodes.length + two.nodes.length;
  const withheld = (errors ?? []) as unknown[];
  const isRight = rows === 2 * PAGE && (kinds === 0 ? withheld.length === 0 : withheld.length >= kinds);
  if (!isRight) throw new Error(`${rows} rows, ${JSON.stringify(errors)?.slice(0, 500)}`);
  return both;
}

/** An approval for reading in Germany about people of countries whose law is not held here. */
async function allow(server: ServerProcess, installation: Installation, client: string): Promise<void> {
  const as = (role: string) => headersOf(installation, '--role', role, '--client', client);
  const mutate = async (headers: Record<string, string>, query: string, input: object) => {
    const { 'processing-purpose': _purpose, ...rest } = headers;
    const body = JSON.stringify({ query, variables: { input } });
    const { data, errors } = await ask(server, { method: 'POST', path: '/graphql', headers: rest, body });
    if (errors) throw new Error(JSON.stringify(errors));
    return data as Record<string, { approval: { id: string } }>;
  };
  const asked = await mutate(
    await as('CLIENT_ADMIN'),
    `mutation ($input: RequestTransferApprovalInput!) { requestTransferApproval(input: $input) { approval { id } } }`,
    {
      recipient: { kind: 'CLIENT' },
      destinationCountry: 'DE',
      categories: ['NAME', 'CONTACT', 'ONLINE_IDENTIFIER', 'DEMOGRAPHIC', 'BEHAVIOUR'],
      purposes: ['SUPPORT'],
      mechanism: 'NATIONAL_LAW',
      assessment: 'made for a measurement',
      residencies: unheld,
    },
  );
  await mutate(
    await as('CLIENT_PRIVACY_OFFICER'),
    'mutation ($input: DecideTransferInput!) { approveTransfer(input: $input) { approval { id } } }',
    { id: asked.requestTransferApproval?.approval.id, reason: 'for a measurement' },
  );
}
