import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * Ends connections on which a request is sent before the last one is answered: no browser and no client library does so,
 * and whoever reads no answer could have as many made as it has patience to ask for.
 */
export function refusePipelining(app: FastifyInstance): void {
  const busy = new WeakSet<Socket>();
  app.addHook('onRequest', async (request, reply) => {
    const { socket } = request.raw;
    if (busy.has(socket)) {
      socket.destroy();
      return reply.hijack();
    }
    busy.add(socket);
    reply.raw.once('close', () => busy.delete(socket));
    reply.raw.once('finish', () => busy.delete(socket));
    return undefined;
  });
}
