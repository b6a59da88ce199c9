import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/storage/data-source';
import { ENGINE_PROFILES } from '../../src/storage/engine-profiles';
import { failureOf } from '../../src/storage/failures';
import { faultOf } from '../../src/storage/health';
import { engineOf } from '../../src/storage/pool-use';
import { inTransaction } from '../../src/storage/transaction';
import { type GaleraCluster, NODES, type Node, startGalera } from '../support/galera';

jest.setTimeout(180_000);

let cluster: GaleraCluster | undefined;
const opened: DataSource[] = [];
beforeAll(async () => {
  cluster = await startGalera();
  await cluster?.query(1, 'CREATE DATABASE kept', 'CREATE TABLE kept.note (id INT PRIMARY KEY, text VARCHAR(64))');
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((source) => source.destroy()));
});
afterAll(() => cluster?.stop());

async function open(nodes: readonly Node[], parameters = ''): Promise<DataSource> {
  const url = `${cluster?.urls(...nodes)}kept${parameters}`;
  const source = await openDataSource(url, { variable: 'DATABASE_URL', entities: [], migrations: [] });
  opened.push(source);
  return source;
}

/** As callers of their own, so that the statements count as this test's. */
const portOf = async (source: DataSource) =>
  (await source.query<Array<{ port: number }>>('SELECT @@port AS port'))[0]?.port;

test('each session on each node makes its reads causal', async () => {
  if (!cluster) return;
  for (const node of NODES) {
    const source = await open([node]);
    expect(engineOf(source)).toBe(ENGINE_PROFILES.galera);
    expect(await source.query('SELECT @@wsrep_sync_wait AS wait')).toEqual([{ wait: 7 }]);
  }
});

test('a node that is cut off is passed over at once, and alone it says so', async () => {
  if (!cluster) return;
  const [several, alone] = [await open([2, 1, 3]), await open([2])];
  expect(await portOf(several)).toBe(cluster.port(2));
  await cluster.isolate(2);
  try {
    await cluster.waitCutOff(2);
    expect(await portOf(several)).toBe(cluster.port(1));
    expect(await faultOf(several)).toBeUndefined();
    expect(await faultOf(alone)).toMatch(/^is cut off from its cluster/);
    await inTransaction(several, async (manager) => await manager.query("INSERT INTO note VALUES (0, 'cut off')"));
  } finally {
    await cluster.rejoin(2);
    await cluster.waitSynced();
  }
});

test('nodes are killed in turn under load: what was acknowledged is there once, and every failure is told', async () => {
  if (!cluster) return;
  const source = await open([1, 2, 3], '?statement-timeout=5&pool-size=6');
  const acknowledged: number[] = [];
  const failures = new Set<unknown>();
  let next = 1;
  let stop = false;
  const writer = async () => {
    while (!stop) {
      const id = next++;
      try {
        await inTransaction(
          source,
          async (manager) => await manager.query('INSERT INTO note VALUES (?, ?)', [id, 'load']),
        );
        acknowledged.push(id);
      } catch (error) {
        failures.add(failureOf(error) ?? error);
      }
    }
  };
  const load = Array.from({ length: 6 }, writer);
  const more = async (count: number) => {
    const [before, deadline] = [acknowledged.length, Date.now() + 30_000];
    while (acknowledged.length < before + count && Date.now() < deadline) await sleep(50);
    expect(acknowledged.length).toBeGreaterThanOrEqual(before + count);
  };
  try {
    for (const node of [1, 2] as const) {
      await more(20);
      await cluster.kill(node);
      await more(20);
      await cluster.restart(node);
      await cluster.waitSynced();
    }
  } finally {
    stop = true;
    await Promise.all(load);
  }
  const rows = await source.query<Array<{ id: number }>>("SELECT id FROM note WHERE text = 'load'");
  const kept = new Set(rows.map(({ id }) => id));
  expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
  expect([...failures].filter((failure) => failure !== 'UNAVAILABLE')).toEqual([]);
});
