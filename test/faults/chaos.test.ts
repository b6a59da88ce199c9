import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GaleraCluster, NODES, type Node, startGalera } from '../support/galera';
import { until } from './asking';
import { inWords, Loaded, nothingWrong } from './loaded';
import type { ServedProcess } from './served-process';

jest.setTimeout(480_000);

const KILLS = Number(process.env.FAULTS_KILLS ?? 100);
/** From one fault of a node to the next. */
const BETWEEN_MS = 30_000;
const AWAY_MS = 5_000;

const fakeTime = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/faketime/libfaketimeMT.so.1'];

/** The environment of a process whose clock is wrong by so much. */
function clockOff(by: string): Record<string, string> {
  const library = fakeTime.find((path) => existsSync(path));
  if (library !== undefined) return { LD_PRELOAD: library, FAKETIME: by, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
  if (process.env.CI === 'true') throw new Error('With CI=true install faketime: clocks are to be wrong.');
  process.stderr.write('\n*** WARNING: faketime was not found: all clocks are right in this run. ***\n');
  return {};
}

/**
 * Everything at once: nodes are killed, held back and cut off; processes are killed at any moment; two clocks are two
 * hours wrong. What was acknowledged is there, once, on every node; nothing is given that was withdrawn or erased.
 */
describe('three nodes of Galera, four processes', () => {
  let cluster: GaleraCluster | undefined;
  beforeAll(async () => {
    cluster = await startGalera();
  });
  afterAll(() => cluster?.stop());

  test(`nodes that fail every ${BETWEEN_MS / 1_000} s, and ${KILLS} times SIGKILL`, async () => {
    if (!cluster) return;
    await cluster.query(1, 'CREATE DATABASE data_of_chaos', 'CREATE DATABASE keys_of_chaos');
    const database = {
      databaseUrl: `${cluster.urls(1, 2, 3)}data_of_chaos`,
      keysDatabaseUrl: `${cluster.urls(1, 2, 3)}keys_of_chaos`,
      drop: async () => undefined,
    };
    const onto = (first: Node, more: Record<string, string> = {}) => {
      const hosts = (cluster as GaleraCluster).urls(first, ...NODES.filter((node) => node !== first));
      return { DATABASE_URL: `${hosts}data_of_chaos`, KEYS_DATABASE_URL: `${hosts}keys_of_chaos`, ...more };
    };
    const loaded = await Loaded.open(database, {
      processes: { a: onto(1), b: onto(2), c: onto(3, clockOff('+2h')), d: onto(1, clockOff('-2h')) },
      lanes: 6,
    });
    try {
      loaded.begin();
      const recovered: string[] = [];
      await Promise.all([failNodes(cluster, loaded, recovered), crash(loaded.processes, KILLS)]);
      for (const each of loaded.processes) await until(`${each.name} answers again`, () => loaded.answers(each));
      const left = await loaded.settle();
      await cluster.waitSynced();
      const words = inWords(loaded.tally);
      process.stdout.write(`${words}\nrecovered: ${recovered.join('; ')}\n`);
      expect(loaded.tally.wrong).toEqual([]);
      expect(left).toEqual(nothingWrong);
      const [first, ...others] = await Promise.all(NODES.map((node) => checksums(cluster as GaleraCluster, node)));
      for (const other of others) expect(other).toEqual(first);
    } finally {
      await loaded.close();
    }
  });
});

/** One fault after the other, each told with the time until no process failed any more. */
async function failNodes(cluster: GaleraCluster, loaded: Loaded, recovered: string[]): Promise<void> {
  const killed = (node: Node) => async () => {
    await cluster.kill(node);
    await sleep(AWAY_MS);
    await cluster.restart(node);
  };
  const faults: ReadonlyArray<readonly [string, () => Promise<void>]> = [
    ['node 1 killed', killed(1)],
    [
      'node 3 cut off',
      async () => {
        await cluster.isolate(3);
        await sleep(AWAY_MS * 2);
        await cluster.rejoin(3);
      },
    ],
    ['node 2 killed', killed(2)],
    [
      'node 2 held back',
      async () => {
        const end = await cluster.lag(2, AWAY_MS);
        await sleep(AWAY_MS);
        await end();
      },
    ],
  ];
  for (const [name, fail] of faults) {
    const since = Date.now();
    await fail();
    await sleep(Math.max(0, since + BETWEEN_MS - Date.now()));
    recovered.push(`${name}: ${(loaded.recovery(since, BETWEEN_MS) / 1_000).toFixed(1)} s`);
  }
}

/** SIGKILL at a moment of chance, one process after the other, so that others serve meanwhile. */
async function crash(processes: readonly ServedProcess[], kills: number): Promise<void> {
  const half = processes.length / 2;
  const inTurn = async (own: readonly ServedProcess[]) => {
    for (let kill = 0; kill < kills / 2; kill++) {
      await sleep(Math.random() * 600);
      await own[kill % own.length]?.crash();
    }
  };
  await Promise.all([inTurn(processes.slice(0, half)), inTurn(processes.slice(half))]);
}

async function checksums(cluster: GaleraCluster, node: Node): Promise<Record<string, unknown>> {
  const tables = await cluster.query(
    node,
    `SELECT CONCAT(table_schema, '.', table_name) AS name FROM information_schema.tables
     WHERE table_schema IN ('data_of_chaos', 'keys_of_chaos') ORDER BY name`,
  );
  const names = tables.map(({ name }) => String(name));
  const rows = await cluster.query(node, `CHECKSUM TABLE ${names.join(', ')}`);
  return Object.fromEntries(rows.map(({ Table, Checksum }) => [String(Table), Checksum]));
}
