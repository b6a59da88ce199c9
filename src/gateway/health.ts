import type { FastifyInstance } from 'fastify';
import { withDeadline } from './deadline';

const READY_TIMEOUT_MS = 5_000;

/** `/healthz`: the process answers. `/readyz`: it can do its work; 503 with the faults in words where it cannot. */
export function serveHealth(
  app: FastifyInstance,
  { ready, isDraining }: { ready: () => Promise<readonly string[]>; isDraining: () => boolean },
): void {
  app.get('/healthz', async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'up' }));

  app.get('/readyz', async (request, reply) => {
    const faults = isDraining() ? ['the server is shutting down'] : await faultsNow();
    reply.header('cache-control', 'no-store').code(faults.length === 0 ? 200 : 503);
    return faults.length === 0 ? { status: 'ready' } : { status: 'not ready', faults };

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
