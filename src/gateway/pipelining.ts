import type { Socket } from 'node:net';
import type { RequestWatcher } from './request-ends';

/**
 * Cuts connections that send a request before the last one is answered. No browser and no client library does so, and a
 * client that reads no answers could otherwise have any number of them made.
 */
export function refusePipelining(): RequestWatcher {
  const busy = new WeakSet<Socket>();
  return {
    came: ({ raw: { socket } }, reply) => {
      if (busy.has(socket)) {
        socket.destroy();
        reply.hijack();
        return false;
      }
      busy.add(socket);
      return true;
    },
    gone: ({ raw: { socket } }) => busy.delete(socket),
  };
}
