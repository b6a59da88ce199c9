import WebSocket from 'ws';

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A graphql-transport-ws client that keeps to no rule but what a test tells it. */
export interface SocketClient {
  readonly socket: WebSocket;
  send(message: Message | string): void;
  /** The next message, or how the socket was closed. */
  next(): Promise<Message | { closed: number; reason: string }>;
  /** Sends `connection_init` and waits for what comes. */
  init(payload?: Record<string, unknown>): Promise<Message | { closed: number; reason: string }>;
  subscribe(id: string, query: string, more?: object): void;
  close(): void;
}

export async function connect(
  url: string,
  { protocol = 'graphql-transport-ws', headers = {} }: { protocol?: string; headers?: Record<string, string> } = {},
): Promise<SocketClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocol, { headers });
  const arrived: (Message | { closed: number; reason: string })[] = [];
  const waiting: ((message: Message | { closed: number; reason: string }) => void)[] = [];
  const arrive = (message: Message | { closed: number; reason: string }) => {
    const waiter = waiting.shift();
    if (waiter) waiter(message);
    else arrived.push(message);
  };
  socket.on('message', (data) => arrive(JSON.parse(String(data)) as Message));
  socket.on('close', (closed, reason) => arrive({ closed, reason: String(reason) }));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const client: SocketClient = {
    socket,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next: () => {
      const first = arrived.shift();
      return first ? Promise.resolve(first) : new Promise((resolve) => waiting.push(resolve));
    },
    init(payload) {
      client.send({ type: 'connection_init', payload });
      return client.next();
    },
    subscribe: (id, query, more = {}) => client.send({ type: 'subscribe', id, payload: { query, ...more } }),
    close: () => socket.close(),
  };
  return client;
}
