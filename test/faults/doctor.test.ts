import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examine } from '../../src/commands/doctor/examination';
import { readConfig } from '../../src/config';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { migrateStores } from '../../src/stores';
import { remit } from '../support/cli';
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

const envOf = (of: GaleraCluster, node: Node) => ({
  DATABASE_URL: `${of.url(node)}data`,
  KEYS_DATABASE_URL: `${of.url(node)}key_store`,
  REMIT_MASTER_KEY_FILE: join(folder, 'master.key'),
});
const configOf = (of: GaleraCluster, node: Node) => readConfig(envOf(of, node));

const said = async (of: GaleraCluster, node: Node, check: string) =>
  (await examine(configOf(of, node))).flatMap((one) => (one.check === check ? [`${one.verdict}: ${one.says}`] : []));

test('a node of a whole cluster is recognised, and where its keys leave traces', async () => {
  if (!cluster) return;
  const engine = await said(cluster, 2, 'engine');
  expect(engine).toContainEqual(expect.stringMatching(/^ok: DATABASE_URL: galera \d/));
  expect(engine.filter((one) => /nodes|cut off/.test(one))).toEqual([]);
  expect(await said(cluster, 2, 'key traces')).toContainEqual(
    expect.stringMatching(/^\w+: .*every node of its cluster keeps wrapped keys in galera\.cache \(\d+M\)/),
  );
}, 60_000);

test('a node that is cut off, and a cluster of two nodes', async () => {
  if (!cluster) return;
  await cluster.isolate(2);
  await cluster.waitCutOff(2);
  const lost = await remit(['doctor', '--json'], { cwd: folder, env: envOf(cluster, 2) });
  expect(lost.code).toBe(1);
  expect(JSON.parse(lost.stdout).findings).toContainEqual({
    check: expect.stringMatching(/^(?:stores|engine)$/),
    verdict: 'fault',
    says: expect.stringMatching(/^DATABASE_URL: .*(?:is cut off from its cluster|cannot connect)/),
    remedy: expect.any(String),
  });
  await cluster.rejoin(2);
  await cluster.waitSynced();
  await cluster.kill(3);
  await cluster.waitSynced();
  const two = 'attention: DATABASE_URL: the cluster has 2 nodes: with one away it stops';
  expect(await said(cluster, 1, 'engine')).toContainEqual(two);
  const several = { ...configOf(cluster, 1), databaseUrl: `${cluster.urls()}data` };
  expect(await examine(several)).toContainEqual({
    check: 'stores',
    verdict: 'attention',
    says: `DATABASE_URL: 127.0.0.1:${cluster.port(3)} cannot be reached`,
    remedy: expect.any(String),
  });
}, 120_000);
