import { openDataSource } from '../../src/storage/data-source';
import { failureOf } from '../../src/storage/failures';
import { inTransaction } from '../../src/storage/transaction';
import { type GaleraCluster, NODES, type Node, startGalera } from '../support/galera';

let cluster: GaleraCluster | undefined;
beforeAll(async () => {
  cluster = await startGalera();
  await cluster?.query(1, 'CREATE DATABASE kept', 'CREATE TABLE kept.row (id INT PRIMARY KEY)');
});
afterAll(() => cluster?.stop());

async function idsOn(node: Node, ...before: string[]): Promise<number[]> {
  const rows = await cluster?.query(node, ...before, 'SELECT id FROM kept.row ORDER BY id');
  return (rows ?? []).map(({ id }) => Number(id));
}

const causal = 'SET SESSION wsrep_sync_wait = 1';

test('three nodes hold what one of them committed', async () => {
  await cluster?.query(1, 'INSERT INTO kept.row VALUES (1)');
  for (const node of cluster ? NODES : []) expect(await idsOn(node, causal)).toEqual([1]);
});

test('a lagging node answers with what it had, and a causal read waits', async () => {
  if (!cluster) return;
  const end = await cluster.lag(2);
  await cluster.query(1, 'INSERT INTO kept.row VALUES (2)');
  expect(await idsOn(2)).toEqual([1]);
  const waiting = idsOn(2, causal);
  await end();
  expect(await waiting).toEqual([1, 2]);
  await cluster.waitSynced();
});

test('a statement whose time is up ends on its node too, and no node has what it wrote', async () => {
  if (!cluster) return;
  const options = { variable: 'DATABASE_URL', entities: [], migrations: [] };
  const source = await openDataSource(`${cluster.url(2)}kept?statement-timeout=0.5`, options);
  const before = await idsOn(1, causal);
  const slow = 'SELECT COUNT(*) + 100 FROM seq_1_to_20000000000 WHERE seq <> ?';
  for (const sql of [slow, `INSERT INTO kept.row ${slow}`]) {
    const asking = inTransaction(source, async (manager) => {
      await manager.query('INSERT INTO kept.row VALUES (99)');
      await manager.query(sql, [1]);
    });
    const error: unknown = await asking.catch((thrown: unknown) => thrown);
    expect(failureOf(error)).toBe('UNAVAILABLE');
    expect(error).toMatchObject({ driverError: { errno: 1969 } });
    const left = await cluster.query(2, 'SELECT INFO AS text FROM information_schema.PROCESSLIST');
    expect(left.filter(({ text }) => String(text).includes('seq_1_to'))).toEqual([]);
  }
  await source.destroy();
  for (const node of NODES) expect(await idsOn(node, causal)).toEqual(before);
});

test('a node that was killed takes what it missed', async () => {
  if (!cluster) return;
  await cluster.kill(3);
  await cluster.query(1, 'INSERT INTO kept.row VALUES (3)');
  await cluster.restart(3);
  await cluster.waitSynced();
  expect(await idsOn(3)).toEqual([1, 2, 3]);
});

test('a node that is cut off answers nothing, until it is back', async () => {
  if (!cluster) return;
  await cluster.isolate(2);
  await cluster.waitCutOff(2);
  await expect(idsOn(2)).rejects.toMatchObject({ errno: 1047 });
  await cluster.query(1, 'INSERT INTO kept.row VALUES (4)');
  await cluster.rejoin(2);
  await cluster.waitSynced();
  expect(await idsOn(2)).toEqual([1, 2, 3, 4]);
});

test('a node that stands still holds the others up for seconds only', async () => {
  if (!cluster) return;
  cluster.pause(2);
  await cluster.query(1, 'INSERT INTO kept.row VALUES (5)');
  cluster.resume(2);
  await cluster.waitSynced();
  expect(await idsOn(2)).toEqual([1, 2, 3, 4, 5]);
});

test('a cluster that was lost as a whole is there again', async () => {
  if (!cluster) return;
  for (const node of NODES) await cluster.kill(node);
  await cluster.bootstrap();
  for (const node of NODES) expect(await idsOn(node)).toEqual([1, 2, 3, 4, 5]);
});
