import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** One connection through the proxy. */
interface Flow {
  readonly client: Socket;
  readonly server: Socket;
  silent: boolean;
}

/** A way to a server that can fail as networks do. It forwards to a port of this machine. */
export class TcpProxy {
  readonly #target: number;
  readonly #flows = new Set<Flow>();
  #listener: Server | undefined;
  #port = 0;
  /** Connections that fall silent with the next bytes they send. */
  #toSilence = 0;
  #silentFromStart = false;

  private constructor(target: number) {
    this.#target = target;
  }

  /** @param target the port that it forwards to */
  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.listen();
    return proxy;
  }

  /** @param url of the server, such as a database's */
  static to(url: string): Promise<TcpProxy> {
    return TcpProxy.start(Number(new URL(url).port));
  }

  get port(): number {
    return this.#port;
  }

  /** A URL of the server, by way of this proxy. */
  through(url: string): string {
    return Object.assign(new URL(url), { port: this.#port }).href;
  }

  /** Connections that clients have open, silent ones included. */
  get open(): number {
    return [...this.#flows].filter(({ client }) => !client.destroyed).length;
  }

  /** Those of them that are silent. */
  get silent(): number {
    return [...this.#flows].filter(({ client, silent }) => silent && !client.destroyed).length;
  }

  /** Accepts connections, on the same port as before. */
  async listen(): Promise<void> {
    const listener = createServer((client) => this.#forward(client));
    listener.listen(this.#port, '127.0.0.1');
    await once(listener, 'listening');
    this.#port = (listener.address() as AddressInfo).port;
    this.#listener = listener;
  }

  /** Refuses new connections and cuts those that are open, as when the server is killed. */
  async refuse(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    const closed = listener && once(listener, 'close');
    listener?.close();
    this.cut();
    await closed;
  }

  /** Resets every open connection. */
  cut(): void {
    for (const { client, server } of this.#flows) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** The next connection that sends something falls silent: its packets vanish, and nobody is told. */
  silenceNext(): void {
    this.#toSilence++;
  }

  /** Every open connection falls silent. @param newOnes new ones too, until `heal` */
  silence({ newOnes = false } = {}): void {
    for (const flow of this.#flows) flow.silent = true;
    this.#silentFromStart = newOnes;
  }

  /** New connections are accepted and forwarded again. What fell silent stays so. */
  async heal(): Promise<void> {
    this.#toSilence = 0;
    this.#silentFromStart = false;
    if (!this.#listener) await this.listen();
  }

  async stop(): Promise<void> {
    await this.refuse();
    for (const { client, server } of this.#flows) {
      client.destroy();
      server.destroy();
    }
  }

  #forward(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    const flow: Flow = { client, server, silent: this.#silentFromStart };
    this.#flows.add(flow);
    client.on('data', (bytes) => {
      if (this.#toSilence > 0 && !flow.silent) {
        this.#toSilence--;
        flow.silent = true;
      }
      if (!flow.silent) server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (!flow.silent) client.write(bytes);
    });
    // The network that swallows packets swallows the server's farewell too. A client's is seen here, to be counted.
    server.on('close', () => {
      if (!flow.silent) client.destroy();
    });
    client.on('close', () => {
      this.#flows.delete(flow);
      server.destroy();
    });
    for (const socket of [client, server]) socket.on('error', () => undefined);
  }
}
