import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import {
  findExecutable,
  freePorts,
  type Installed,
  installData,
  isAccessible,
  parametersOf,
  runAsServer,
  type ServerProcess,
  startServer,
} from './mariadb-process';

export const NODES = [1, 2, 3] as const;
export type Node = (typeof NODES)[number];

interface Member {
  readonly folder: string;
  readonly data: string;
  readonly port: number;
  readonly settings: readonly string[];
  running: ServerProcess | undefined;
}

const libraries = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera/libgalera_smm.so'];
const WAIT_MS = 60_000;

/** Three nodes of Galera on loopback ports, of one test file's own. Users connect as root without a password. */
export class GaleraCluster {
  readonly #server: string;
  readonly #folder: string;
  readonly #members: ReadonlyMap<Node, Member>;

  private constructor({ server, folder }: Installed, members: ReadonlyMap<Node, Member>) {
    this.#server = server;
    this.#folder = folder;
    this.#members = members;
  }

  /**
   * Starts the cluster in a few seconds: every node has a copy of one fresh data folder, and needs no other's data.
   * @param settings more settings of each node's server, `--name=value`
   * @returns undefined where Galera is not installed
   */
  static async start(...settings: string[]): Promise<GaleraCluster | undefined> {
    const provider = libraries.find((path) => isAccessible(path));
    if (provider === undefined || findExecutable('rsync') === undefined) return undefined;
    const installed = await installData('remit-galera-');
    if (installed === undefined) return undefined;
    const cluster = new GaleraCluster(installed, await membersOf(installed, provider, settings));
    try {
      const position = `${randomUUID()}:0`;
      await cluster.#run(1, position, '--wsrep-new-cluster');
      await Promise.all([cluster.#run(2, position), cluster.#run(3, position)]);
      await cluster.waitSynced();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** `mysql://root@127.0.0.1:port/` of a node: add a database's name. */
  url(node: Node): string {
    return this.urls(node);
  }

  /** One URL with several hosts, all three in their order unless told. */
  urls(...nodes: readonly Node[]): string {
    const hosts = (nodes.length === 0 ? NODES : nodes).map((node) => `127.0.0.1:${this.port(node)}`);
    return `mysql://root@${hosts.join(',')}/`;
  }

  port(node: Node): number {
    return this.#member(node).port;
  }

  isRunning(node: Node): boolean {
    return this.#member(node).running !== undefined;
  }

  /** Runs statements on a node, one after the other. @returns the rows of the last one */
  async query(node: Node, ...statements: readonly string[]): Promise<Record<string, unknown>[]> {
    const connection = await createConnection({ uri: this.url(node), connectTimeout: 5_000 });
    try {
      let rows: unknown;
      for (const statement of statements) [rows] = await connection.query(statement);
      return rows as RowDataPacket[];
    } finally {
      await connection.end();
    }
  }

  /** SIGKILL. The others go on without the node after some seconds. */
  async kill(node: Node): Promise<void> {
    const member = this.#member(node);
    const { running } = member;
    member.running = undefined;
    await running?.kill();
  }

  /** Starts a killed node again: it takes what it missed from another one, changes alone (IST) or all data (SST). */
  async restart(node: Node): Promise<void> {
    await this.#run(node, await this.#position(node));
    await this.#until(node, 'it is Synced', async () => (await this.status(node)).state === 'Synced');
  }

  /** Starts every node after all were lost, first the one that has most. */
  async bootstrap(): Promise<void> {
    await Promise.all(NODES.map((node) => this.kill(node)));
    const found = await Promise.all(NODES.map(async (node) => ({ node, position: await this.#position(node) })));
    const sequence = ({ position }: { position: string | undefined }) => Number(position?.split(':')[1] ?? -1);
    const [first, ...others] = found.sort((a, b) => sequence(b) - sequence(a));
    if (first === undefined) throw new Error('The cluster has no nodes.');
    const state = join(this.#member(first.node).data, 'grastate.dat');
    writeFileSync(state, readFileSync(state, 'utf8').replace(/safe_to_bootstrap: 0/, 'safe_to_bootstrap: 1'));
    await this.#run(first.node, first.position, '--wsrep-new-cluster');
    for (const { node, position } of others) await this.#run(node, position);
    await this.waitSynced();
  }

  /** SIGSTOP: connections stay open and silent, and the others go on without the node after some seconds. */
  pause(node: Node): void {
    process.kill(this.#pid(node), 'SIGSTOP');
  }

  resume(node: Node): void {
    process.kill(this.#pid(node), 'SIGCONT');
  }

  /**
   * Holds a node back: it gets what the others commit and applies nothing, until the lag is ended. It goes on to answer
   * reads from what it has; its own writes wait. The others do not wait for it.
   * @param ms when the lag ends by itself
   * @returns what ends it, which may be called again
   */
  async lag(node: Node, ms?: number): Promise<() => Promise<void>> {
    const connection = await createConnection(this.url(node));
    await connection.query('SET GLOBAL wsrep_desync = ON');
    await connection.query('FLUSH TABLES WITH READ LOCK');
    const release = async () => {
      clearTimeout(timer);
      await connection.query('UNLOCK TABLES');
      await connection.query('SET GLOBAL wsrep_desync = OFF');
      await connection.end();
    };
    let ended: Promise<void> | undefined;
    const end = () => (ended ??= release());
    const timer = ms === undefined ? undefined : setTimeout(() => void end(), ms);
    return end;
  }

  /** Cuts a node off the others, as a broken network does; clients still reach it. It notices after some seconds. */
  async isolate(node: Node): Promise<void> {
    await this.query(node, "SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'");
  }

  /** Waits until a node that is cut off has noticed, and answers nothing. */
  async waitCutOff(node: Node): Promise<void> {
    await this.#until(node, 'it is cut off', async () => (await this.status(node)).size < NODES.length);
  }

  /** Ends {@link isolate}. */
  async rejoin(node: Node): Promise<void> {
    await this.query(node, "SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'");
  }

  /** What a node says about itself: `Synced`, and of how many nodes it knows. */
  async status(node: Node): Promise<{ state: string; size: number; committed: number }> {
    const rows = await this.query(node, "SHOW GLOBAL STATUS LIKE 'wsrep_%'");
    const value = new Map(rows.map((row) => [String(row.Variable_name), String(row.Value)]));
    return {
      state: value.get('wsrep_local_state_comment') ?? '',
      size: Number(value.get('wsrep_cluster_size')),
      committed: Number(value.get('wsrep_last_committed')),
    };
  }

  /** Waits until all nodes that run are one cluster, and have applied what was committed before. */
  async waitSynced(): Promise<void> {
    const running = NODES.filter((node) => this.isRunning(node));
    for (const node of running) {
      await this.#until(node, `it is Synced with ${running.length} nodes`, async () => {
        const { state, size } = await this.status(node);
        if (state !== 'Synced' || size !== running.length) return false;
        await this.waitApplied(node);
        return true;
      });
    }
  }

  /** Waits until a node has applied what was committed on any before. */
  async waitApplied(node: Node): Promise<void> {
    await this.query(node, 'SET SESSION wsrep_sync_wait = 1', 'SELECT 1 FROM mysql.innodb_table_stats LIMIT 1');
  }

  /** Kills every node and removes the folders. */
  async stop(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.running?.stop()));
    // The folder of a node that was down has no supervisor.
    await runAsServer('rm', '-rf', this.#folder);
  }

  async #run(node: Node, position: string | undefined, ...more: readonly string[]): Promise<void> {
    const member = this.#member(node);
    const start = position === undefined ? [] : [`--wsrep-start-position=${position}`];
    const settings = [...member.settings, ...start, ...more];
    member.running = await startServer({ ...member, server: this.#server, removed: this.#folder, settings });
  }

  /** What a node that is down has committed, as `cluster:sequence`; undefined where it has to take all data anew. */
  async #position(node: Node): Promise<string | undefined> {
    const member = this.#member(node);
    if (member.running) throw new Error(`Node ${node} runs.`);
    const settings = [...member.settings, '--wsrep-recover'];
    const said = await runAsServer(this.#server, ...parametersOf({ ...member, settings }));
    return /WSREP: Recovered position: ([0-9a-f-]+:\d+)\s/.exec(said)?.[1];
  }

  async #until(node: Node, what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; ; await sleep(50)) {
      if (await isSo().catch(() => false)) return;
      if (Date.now() < deadline) continue;
      const log = readFileSync(join(this.#member(node).folder, 'mariadbd.log'), 'utf8').slice(-4000);
      throw new Error(`Waited in vain for node ${node} until ${what}:\n${log}`);
    }
  }

  #member(node: Node): Member {
    const member = this.#members.get(node);
    if (member === undefined) throw new Error(`There is no node ${node}.`);
    return member;
  }

  #pid(node: Node): number {
    const { running } = this.#member(node);
    if (running === undefined) throw new Error(`Node ${node} is down.`);
    return running.pid;
  }
}

/** The cluster of a test file, which `beforeAll` starts. Without Galera the file's tests are left out, said loudly. */
export async function startGalera(...settings: string[]): Promise<GaleraCluster | undefined> {
  const cluster = await GaleraCluster.start(...settings);
  if (cluster !== undefined) return cluster;
  const message = 'Galera was not found: the tests of several nodes are LEFT OUT.';
  if (process.env.CI === 'true') throw new Error(`${message} With CI=true install mariadb-server, galera-4 and rsync.`);
  process.stderr.write(`\n*** WARNING: ${message} Install mariadb-server, galera-4 and rsync to run them. ***\n`);
  return undefined;
}

async function membersOf(
  { folder, data }: Installed,
  provider: string,
  settings: readonly string[],
): Promise<ReadonlyMap<Node, Member>> {
  const ports = await freePorts(4 * NODES.length);
  const places = NODES.map((node, index) => {
    const [port = 0, group = 0, changes = 0, state = 0] = ports.slice(4 * index);
    return { node, port, group, changes, state };
  });
  const address = `gcomm://${places.map(({ group }) => `127.0.0.1:${group}`).join(',')}`;
  const members = new Map<Node, Member>();
  for (const { node, port, group, changes, state } of places) {
    const own = join(folder, `node${node}`);
    await runAsServer('mkdir', own);
    await runAsServer('cp', '-r', data, join(own, 'data'));
    const options = [
      `gmcast.listen_addr=tcp://127.0.0.1:${group}`,
      `ist.recv_addr=127.0.0.1:${changes}`,
      'gcache.size=32M',
      // A cluster that was lost as a whole is started by hand, as bootstrap does it.
      'pc.recovery=no',
      'evs.suspect_timeout=PT3S',
      'evs.inactive_timeout=PT6S',
    ];
    members.set(node, {
      folder: own,
      data: join(own, 'data'),
      port,
      settings: [
        '--wsrep-on=ON',
        `--wsrep-provider=${provider}`,
        '--wsrep-cluster-name=remit',
        `--wsrep-cluster-address=${address}`,
        `--wsrep-node-name=node${node}`,
        `--wsrep-node-address=127.0.0.1:${group}`,
        `--wsrep-sst-receive-address=127.0.0.1:${state}`,
        '--wsrep-sst-method=rsync',
        `--wsrep-provider-options=${options.join(';')}`,
        '--binlog-format=ROW',
        '--innodb-autoinc-lock-mode=2',
        '--log-warnings=1',
        ...settings,
      ],
      running: undefined,
    });
  }
  return members;
}
