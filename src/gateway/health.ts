import type { FastifyInstance } from 'fastify';
import { withDeadline } from './deadline';
import type { ServerOptions } from './server-options';
import type { Watchdog } from './watchdog';

const READY_TIMEOUT_MS = 5_000;

interface Health extends Pick<ServerOptions, 'ready' | 'concerns'> {
  readonly watchdog: Watchdog;
  isDraining(): boolean;
}

/**
 * `/healthz`: the process is up and gets on with its work; 503 where only a restart helps. `/readyz`: it can serve; 503
 * with the reasons where it cannot, 200 with warnings where something needs attention.
 */
export function serveHealth(app: FastifyInstance, { ready, concerns, watchdog, isDraining }: Health): void {
  app.get('/healthz', async (request, reply) => {
    const faults = watchdog.faults();
    reply.header('cache-control', 'no-store').code(faults.length === 0 ? 200 : 503);
    if (faults.length === 0) return { status: 'up' };
    request.log.error({ faults }, 'the process is wedged');
    return { status: 'wedged', faults };
  });

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
