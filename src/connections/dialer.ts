import { connect, type Socket } from 'node:net';
import type { ConnectionOptions, PoolConnection } from 'mysql2';
import { StoreUnavailableError } from './errors';
import { type Host, Hosts } from './hosts';
import type { ServerAddress } from './server-url';

/** The first reminder to a network that forgets silent connections. Milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/** What is known of a connection: mysql2 tells neither its host nor its socket. */
interface Wire {
  readonly host: Host;
  readonly socket: Socket;
}

/** Opens the sockets of a store's connections, each to the host whose turn it is. */
export class Dialer {
  readonly hosts: Hosts;
  readonly #serverName: string | undefined;
  /** By the driver's options, of which each connection has its own. */
  readonly #wires = new WeakMap<ConnectionOptions, Wire>();
  #latest: Host | undefined;

  constructor({ hosts, order, tls }: Pick<ServerAddress, 'hosts' | 'order' | 'tls'>) {
    this.hosts = new Hosts(hosts, order);
    this.#serverName = tls?.serverName;
  }

  /** For mysql2. It names the host in the driver's options, for the check of certificates. */
  dial(config: ConnectionOptions, host = this.hosts.next()): Socket {
    const socket =
      host.socket === undefined
        ? connect({
            ...{ host: host.name, port: host.port, noDelay: true },
            ...{ keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
          })
        : connect(host.socket);
    Object.assign(config, { host: this.#serverName ?? host.name, port: host.port });
    this.#wires.set(config, { host, socket });
    this.#latest = host;
    return socket;
  }

  /** The host that `work` dialled, if it dialled one. */
  dialledBy(work: () => void): Host | undefined {
    this.#latest = undefined;
    work();
    return this.#latest;
  }

  wire({ config }: PoolConnection): Wire {
    const wire = this.#wires.get(config);
    if (!wire) throw new Error('The connection has another socket.');
    return wire;
  }

  /** Ends a connection at once. Statements under way fail; the driver takes it out of its pool. */
  sever(connection: PoolConnection, why: string): void {
    this.wire(connection).socket.destroy(new StoreUnavailableError(why));
  }
}
