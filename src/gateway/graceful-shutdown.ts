import { Server } from 'node:net';
import { setImmediate as received, setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** Requests that were on their way when the server stopped listening get this long to arrive on connections kept alive. */
const ARRIVAL_MS = 500;
const POLL_MS = 20;

/**
 * Makes `app.close()` lose no request: it stops listening, answers what is under way and what arrives on connections
 * that are open, each with `connection: close`, ends WebSockets with 1001, and only then cuts what is left.
 * @returns whether the server is closing
 */
export function closeGracefully(app: FastifyInstance, shutdownMs: number): () => boolean {
  let draining = false;
  let underWay = 0;
  app.addHook('onRequest', async (request, reply) => {
    if (request.raw.headers.upgrade !== undefined) return;
    underWay++;
    reply.raw.once('close', () => {
      underWay--;
    });
  });

  app.addHook('preClose', async () => {
    draining = true;
    if (!app.server.listening) return;
    const deadline = Date.now() + shutdownMs;
    // Not http.Server's own close: that ends idle connections at once, with requests on their way to them.
    Server.prototype.close.call(app.server);
    for (const socket of app.websocketServer.clients) socket.close(1001, 'The server is shutting down');
    await sleep(Math.min(ARRIVAL_MS, shutdownMs));
    const busy = () => underWay > 0 || app.websocketServer.clients.size > 0;
    // Timers come before what was received: where the process was held up, requests lie there unread.
    for (await received(); Date.now() < deadline && busy(); await received()) await sleep(POLL_MS);
    for (const socket of app.websocketServer.clients) socket.terminate();
    if (underWay > 0) app.server.closeAllConnections();
    else app.server.closeIdleConnections();
  });
  return () => draining;
}
