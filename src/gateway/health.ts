import type { FastifyInstance } from 'fastify';
import { withDeadline } from './deadline';
import type { ServerOptions } from './server-options';

const READY_TIMEOUT_MS = 5_000;

interface Health extends Pick<ServerOptions, 'ready' | 'concerns'> {
  isDraining(): boolean;
}

/**
 * `/healthz`: the process is up. `/readyz`: it can serve; 503 with the reasons where it cannot, 200 with warnings where
 * something needs attention.
 */
export function serveHealth(app: FastifyInstance, { ready, concerns, isDraining }: Health): void {
  app.get('/healthz', async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'up' }));

  app.get('/readyz', async (request, reply) => {
    const faults = isDraining() ? ['the server is shutting down'] : await faultsNow();
    reply.header('cache-control', 'no-store').code(faults.length === 0 ? 200 : 503);
    if (faults.length > 0) return { status: 'not ready', faults };
    const told = (await concerns?.()) ?? [];
    return told.length === 0 ? { status: 'ready' } : { status: 'ready', concerns: told };

    async function faultsNow(): Promise<readonly string[]> {
      try {
        return await withDeadline(ready(), READY_TIMEOUT_MS, () => new Error('the check took too long'));
      } catch (err) {
        request.log.error({ err }, 'the readiness check failed');
        return [`the readiness check failed or took longer than ${READY_TIMEOUT_MS / 1000} s; the log says where`];
      }
    }
  });
}
