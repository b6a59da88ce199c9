import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { audit } from './sets/audit';
import { check } from './sets/check';
import { cold } from './sets/cold';
import { erasure } from './sets/erasure';
import { fairness } from './sets/fairness';
import { fleet } from './sets/fleet';
import { growth } from './sets/growth';
import { hostile } from './sets/hostile';
import { imports } from './sets/import';
import { keys } from './sets/keys';
import { mixed } from './sets/mixed';
import { overhead } from './sets/overhead';
import { serve } from './sets/serve';
import { soak } from './sets/soak';
import { subscriptions } from './sets/subscriptions';
import { transfers } from './sets/transfers';
import { machine, root } from './support/installation';
import type { Ratios } from './support/interleaved';
import { writeTables } from './table';

interface MeasurementSet {
  readonly run: () => Promise<unknown>;
  readonly about: string;
  /** It runs only where it is named. */
  readonly onlyNamed?: true;
}

/** In the order in which they run. */
const sets: Readonly<Record<string, MeasurementSet>> = {
  serve: { run: serve, about: 'Remit beside other GraphQL servers and a hand-written handler; half withheld' },
  overhead: { run: overhead, about: 'governance on and off, the ledger on and off; a decision, a plan' },
  cold: { run: cold, about: 'documents that are new each time; from start to first answer; idle memory' },
  growth: { run: growth, about: '10,000 to 1,000,000 customers; ten times the policies, a thousand times the clients' },
  soak: { run: soak, about: 'memory under constant load' },
  mixed: { run: mixed, about: 'half an hour of reads, writes and erasures at 64 connections: errors and memory' },
  erasure: { run: erasure, about: 'people and clients erased in a second' },
  keys: { run: keys, about: 'the hierarchy of keys: reads, erasing, turning epochs; beside another build' },
  transfers: { run: transfers, about: 'what deciding row by row costs' },
  hostile: { run: hostile, about: 'attacks at the limits, each beside a normal caller' },
  fairness: { run: fairness, about: "one client's storm beside another client; beside another build" },
  import: { run: imports, about: "rows of a client's export taken in a second, and memory; beside another build" },
  subscriptions: { run: subscriptions, about: 'idle subscriptions, and an event to all; beside another build' },
  fleet: { run: fleet, about: 'statements and rows of 64 processes on 16 databases, reckoned; beside another build' },
  audit: { run: audit, about: 'the ledger: writing it and verifying it' },
  check: { run: check, about: 'whether this build is slower than another one; fails if it is', onlyNamed: true },
};

const usage = `npm run bench -- [SET…]   all sets but check, unless some are named
npm run bench -- serve overhead cold audit table    every figure of the tables, and writes them (12 minutes)
npm run bench -- table    writes the results of those sets into the pages that show them

Sets:
${Object.entries(sets)
  .map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`)
  .join('\n')}

Environment (each set has its own defaults):
  BENCH_CUSTOMERS     customers of the data set
  BENCH_ROUNDS        interleaved rounds
  BENCH_SECONDS       length of one server's turn in a round
  BENCH_WARM_UP_REQUESTS   requests to each server with each work that do not count, so that code is compiled
  BENCH_WARM_UP       the most seconds that they may take
  BENCH_PEERS         servers beside Remit, such as floor,mercurius-jit,mercurius-auth-jit,type-graphql
  BENCH_CONNECTIONS   numbers of connections, such as 1,16,64
  BENCH_GROWTH        numbers of customers that growth compares, such as 10000,100000,1000000
  BENCH_SOAK_SECONDS  length of the soak, and of mixed
  BENCH_PEOPLE, BENCH_CLIENTS   people erased one by one, and sizes of clients that end
  BENCH_ROWS          rows that are imported
  BENCH_KEYS          persons of the stores whose epoch is turned, such as 10000,1000000
  BENCH_ENGINES       engines of keys, such as mariadb,sqlite
  BENCH_SUBSCRIPTIONS numbers of open subscriptions, such as 300,1000,5000
  BENCH_OTHER         the built checkout that check, import, subscriptions, fleet and keys are compared with
  BENCH_STORED        the bench.json of another commit, measured on this machine, that check is compared with
  BENCH_LOSS          per cent that a work may lose in check; 5 unless told
  BENCH_ENTRIES       entries of the ledger that are verified
  BENCH_JSON          where results go; test/bench/bench.json unless told

Results of sets that do not run stay in the file as they are.
`;

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  if (asked.includes('--help') || asked.includes('-h')) {
    process.stdout.write(usage);
    return;
  }
  const unknown = asked.filter((name) => name !== 'table' && !Object.hasOwn(sets, name));
  if (unknown.length > 0) {
    process.stderr.write(`no such set: ${unknown.join(', ')}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  if (asked.some((name) => name !== 'table')) process.stdout.write(`${machine()}\n`);
  for (const [name, { run, onlyNamed }] of Object.entries(sets)) {
    if (!asked.includes(name) && (asked.length > 0 || onlyNamed)) continue;
    const startedAt = performance.now();
    keep(name, await run());
    process.stdout.write(`\n${name}: measured in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s\n`);
  }
  if (asked.includes('table')) writeTables(known());
}

const resultsFile = process.env.BENCH_JSON ?? join(root, 'test', 'bench', 'bench.json');
const known = () => (existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : {});

/** After each set, so that one that fails takes none before it along. */
function keep(name: string, measured: unknown): void {
  const before = known();
  const { ratios, ...result } = measured as { ratios?: Ratios };
  const results = {
    ...before,
    [name]: { machine: machine(), at: new Date().toISOString(), load: loadavg()[0], ...result },
    ...(ratios ? { ratios: { ...before.ratios, [name]: ratios } } : {}),
  };
  writeFileSync(resultsFile, `${JSON.stringify(results, null, 2)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
