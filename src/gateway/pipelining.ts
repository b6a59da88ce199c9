import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Cuts connections that send a request before the last one is answered. No browser and no client library does so, and a
 * client that reads no answers could otherwise have any number of them made.
 */
export function refusePipelining(app: FastifyInstance): void {
  const busy = new WeakSet<Socket>();
  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw;
    if (busy.has(socket)) {
      socket.destroy();
      reply.hijack();
      return;
    }
    busy.add(socket);
    reply.raw.once('close', () => busy.delete(socket));
    reply.raw.once('finish', () => busy.delete(socket));
    done();
  });
}
