import type { FastifyInstance } from 'fastify';
import { signDevelopmentToken } from '../../identity/development-keys';
import { type DemoCaller, everybody } from './callers';

export const linkTo = (address: string, { name }: Pick<DemoCaller, 'name'>): string => `${address}/demo/${name}`;

/**
 * Adds `GET /demo/NAME`, which opens the playground as a caller. The token travels in the fragment, which browsers send
 * to no server. A page of another site that has its name point here is turned away by the Host it was asked for.
 */
export function handOver(server: FastifyInstance): void {
  server.get('/demo/:name', async (request, reply) => {
    const { name } = request.params as { name: string };
    const caller = everybody.find((one) => one.name === name);
    if (!caller || !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) {
      return reply.code(404).type('text/plain').send('There is no such caller; the demo prints a link for each.\n');
    }
    const { claims, purpose, query } = caller;
    const handed = new URLSearchParams({ token: await signDevelopmentToken(claims), purpose, query });
    return reply.header('cache-control', 'no-store').redirect(`/playground/#${handed}`, 303);
  });
}
