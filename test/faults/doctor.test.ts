import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examine } from '../../src/commands/doctor/examination';
import { readConfig } from '../../src/config';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { migrateStores } from '../../src/stores';
import { type GaleraCluster, type Node, startGalera } from '../support/galera';

const folder = mkdtempSync(join(tmpdir(), 'remit-doctor-'));
let cluster: GaleraCluster | undefined;

beforeAll(async () => {
  cluster = await startGalera();
  if (!cluster) return;
  await cluster.query(1, 'CREATE DATABASE data', 'CREATE DATABASE key_store');
  await generateMasterKeyFile(join(folder, 'master.key'));
  await migrateStores(configOf(cluster, 1));
}, 120_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const configOf = (of: GaleraCluster, node: Node) =>
  readConfig({
    DATABASE_URL: `${of.url(node)}data`,
    KEYS_DATABASE_URL: `${of.url(node)}key_store`,
    REMIT_MASTER_KEY_FILE: join(folder, 'master.key'),
  });

const said = async (of: GaleraCluster, node: Node, check: string) =>
  (await examine(configOf(of, node))).flatMap((one) => (one.check === check ? [`${one.verdict}: ${one.says}`] : []));

test('a node of a whole cluster is recognised, and where its keys leave traces', async () => {
  if (!cluster) return;
  const engine = await said(cluster, 2, 'engine');
  expect(engine).toContainEqual(expect.stringMatching(/^ok: DATABASE_URL: galera \d/));
  expect(engine.filter((one) => /nodes|majority/.test(one))).toEqual([]);
  expect(await said(cluster, 2, 'keys')).toContainEqual(
    expect.stringMatching(/^attention: the keys' cluster keeps destroyed keys, wrapped, in galera\.cache \(\d+M\)/),
  );
}, 60_000);

test('a node that is cut off, and a cluster of two nodes', async () => {
  if (!cluster) return;
  await cluster.isolate(2);
  await cluster.waitCutOff(2);
  const lost = await examine(configOf(cluster, 2));
  expect(lost.filter(({ verdict }) => verdict === 'fault').map(({ says }) => says)).toContainEqual(
    expect.stringMatching(/^DATABASE_URL: (?:this node is not of the cluster's majority|cannot connect)/),
  );
  await cluster.rejoin(2);
  await cluster.waitSynced();
  await cluster.kill(3);
  await cluster.waitSynced();
  const two = 'attention: DATABASE_URL: the cluster has 2 nodes: with one away it stops';
  expect(await said(cluster, 1, 'engine')).toContainEqual(two);
}, 120_000);
