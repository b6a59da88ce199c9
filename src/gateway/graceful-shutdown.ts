import { Server } from 'node:net';
import { setImmediate as received, setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RequestWatcher } from './request-ends';

/** How long requests already on their way have to arrive on kept-alive connections after the server stops listening. */
const ARRIVAL_MS = 500;
const POLL_MS = 20;

/**
 * Makes `app.close()` lose no request. It stops listening, answers running requests and those that still arrive on open
 * connections with `connection: close`, ends WebSockets with 1001, and only then cuts the rest.
 * @returns whether the server is closing, and what is to be told of requests
 */
export function closeGracefully(
  app: FastifyInstance,
  shutdownMs: number,
): { readonly isDraining: () => boolean; readonly underWay: RequestWatcher } {
  let draining = false;
  let underWay = 0;
  const counts = ({ raw: { headers } }: FastifyRequest): boolean => headers.upgrade === undefined;

  app.addHook('preClose', async () => {
    draining = true;
    if (!app.server.listening) return;
    const deadline = Date.now() + shutdownMs;
    // Not http.Server's own close: that ends idle connections at once, and drops requests on their way to them.
    Server.prototype.close.call(app.server);
    for (const socket of app.websocketServer.clients) socket.close(1001, 'The server is shutting down');
    await sleep(Math.min(ARRIVAL_MS, shutdownMs));
    const busy = () => underWay > 0 || app.websocketServer.clients.size > 0;
    // Timers fire before received data is read. If the process was blocked, requests may still be waiting unread.
    for (await received(); Date.now() < deadline && busy(); await received()) await sleep(POLL_MS);
    for (const socket of app.websocketServer.clients) socket.terminate();
    if (underWay > 0) app.server.closeAllConnections();
    else app.server.closeIdleConnections();
  });
  return {
    isDraining: () => draining,
    underWay: {
      came: (request) => {
        if (counts(request)) underWay++;
        return true;
      },
      gone: (request) => {
        if (counts(request)) underWay--;
      },
    },
  };
}
