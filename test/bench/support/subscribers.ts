import { once } from 'node:events';
import WebSocket from 'ws';

/** A subscription that is opened many times, and its variables. */
export interface Subscribed {
  readonly query: string;
  readonly variables?: (n: number) => Record<string, unknown>;
}

/** Sockets with subscriptions on them, and what has arrived. */
export interface Subscribers {
  /** How many messages have come in all. */
  readonly events: number;
  /** How many operations were refused or ended. */
  readonly lost: number;
  /** Resolves once as many messages have come in all; false where the time is up. */
  reached(events: number, withinMs: number): Promise<boolean>;
  close(): Promise<void>;
}

const OPENING_TOGETHER = 32;
const LOOK_EVERY_MS = 20;

/**
 * Opens sockets, each with its share of the subscriptions.
 * @param tokens each of a principal; sockets take turns among them
 */
export async function subscribeMany(
  url: string,
  tokens: readonly string[],
  sockets: number,
  subscriptions: number,
  subscribed: Subscribed,
  withinMs: number,
): Promise<Subscribers> {
  const opened: WebSocket[] = [];
  const state = { events: 0, lost: 0 };
  const deadline = performance.now() + withinMs;
  let next = 0;
  const openNext = async (): Promise<void> => {
    for (let index = next++; index < sockets; index = next++) {
      if (performance.now() > deadline) return;
      const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      let heard: () => void = () => undefined;
      socket.on('error', () => state.lost++);
      socket.on('close', () => heard());
      await once(socket, 'open');
      opened.push(socket);
      socket.on('message', (data) => {
        const { type } = JSON.parse(String(data)) as { type: string };
        if (type === 'next') state.events++;
        else if (type === 'connection_ack' || type === 'pong') heard();
        else state.lost++;
      });
      /** Sends, and waits until it is read: nobody opens thousands of subscriptions in one breath. */
      const say = (message: object) =>
        new Promise<void>((resolve) => {
          heard = resolve;
          socket.send(JSON.stringify(message));
        });
      await say({ type: 'connection_init', payload: { authorization: `Bearer ${tokens[index % tokens.length]}` } });
      for (let n = index; n < subscriptions && performance.now() < deadline; n += sockets) {
        const payload = { query: subscribed.query, variables: subscribed.variables?.(n) };
        socket.send(JSON.stringify({ id: String(n), type: 'subscribe', payload }));
        await say({ type: 'ping' });
      }
    }
  };
  await Promise.all(Array.from({ length: OPENING_TOGETHER }, openNext));
  const subscribers: Subscribers = {
    get events() {
      return state.events;
    },
    get lost() {
      return state.lost;
    },
    async reached(events, within) {
      const end = performance.now() + within;
      while (state.events < events && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
      return state.events >= events;
    },
    async close() {
      await Promise.all(
        opened.map(async (socket) => {
          if (socket.readyState === socket.CLOSED) return;
          const closed = once(socket, 'close');
          socket.close(1000);
          await closed;
        }),
      );
    },
  };
  return subscribers;
}
