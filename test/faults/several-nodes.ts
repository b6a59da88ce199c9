import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { openTestApp, type TestApp } from '../support/app';
import { type GaleraCluster, startGalera } from '../support/galera';

/** Processes of the product on one cluster: one bound to each node, and one whose connections go to all in turn. */
export interface SeveralNodes {
  readonly cluster: GaleraCluster;
  readonly first: TestApp;
  readonly second: TestApp;
  readonly third: TestApp;
  readonly roving: TestApp;
  close(): Promise<void>;
}

/** @returns undefined where Galera is not installed */
export async function openSeveralNodes(...settings: string[]): Promise<SeveralNodes | undefined> {
  const cluster = await startGalera(...settings);
  if (cluster === undefined) return undefined;
  await cluster.query(1, 'CREATE DATABASE data', 'CREATE DATABASE own_keys');
  const on = (server: string) => ({ databaseUrl: `${server}data`, keysDatabaseUrl: `${server}own_keys` });
  const balancer = await openBalancer([cluster.port(1), cluster.port(2), cluster.port(3)]);
  const first = await openTestApp({ ...on(cluster.url(1)), drop: async () => undefined });
  await cluster.waitSynced();
  const second = await first.replica(on(cluster.url(2)));
  const third = await first.replica(on(cluster.url(3)));
  const roving = await first.replica(on(`mysql://root@127.0.0.1:${balancer.port}/`));
  return {
    ...{ cluster, first, second, third, roving },
    close: async () => {
      for (const app of [roving, third, second, first]) await app.close();
      balancer.close();
      await cluster.stop();
    },
  };
}

/** A balancer as they stand before clusters: each new connection goes to the next node. */
async function openBalancer(ports: readonly number[]): Promise<{ port: number; close(): void }> {
  const open = new Set<Socket>();
  let turn = 0;
  const server = createServer((near) => {
    const far = connect(ports[turn++ % ports.length] ?? 0, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no free loopback port');
  return {
    port: address.port,
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
