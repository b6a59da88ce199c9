import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { promisify } from 'node:util';

/** A wire to a database that can fall silent, as where a firewall forgot its flows: nothing comes, nothing ends. */
export interface SilentWire {
  /** The database's URL, by this wire. */
  readonly url: string;
  /** From now on nothing is forwarded, on open connections and on new ones. */
  silence(): void;
  /** From now on connections are refused, and the open ones have ended. */
  refuse(): void;
  /** New connections are forwarded again. Those that were silenced stay silent. */
  restore(): void;
  close(): Promise<void>;
}

export async function silentWire(url: string): Promise<SilentWire> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const silenced = new WeakSet<Socket>();
  let isSilent = false;
  const server = createServer((near) => {
    if (isSilent) silenced.add(near);
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (!silenced.has(near)) to.write(chunk);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        if (!silenced.has(near)) to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    silence: () => {
      isSilent = true;
      for (const socket of sockets) silenced.add(socket);
    },
    refuse: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
    restore: () => {
      isSilent = false;
      if (!server.listening) server.listen(Number(through.port), '127.0.0.1');
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await promisify(server.close.bind(server))();
    },
  };
}
