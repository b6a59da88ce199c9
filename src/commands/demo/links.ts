import type { FastifyInstance } from 'fastify';
import { signDevelopmentToken } from '../../identity/development-keys';
import { allCallers, type DemoCaller } from './callers';

export const linkTo = (address: string, { name }: Pick<DemoCaller, 'name'>): string => `${address}/demo/${name}`;

/**
 * Adds `GET /demo/NAME`, which opens the playground as a caller. The token is in the URL's fragment, which browsers
 * send to no server. The check of Host stops pages of other sites whose name resolves to this machine (DNS rebinding).
 */
export function addCallerLinks(server: FastifyInstance): void {
  server.get('/demo/:name', async (request, reply) => {
    const { name } = request.params as { name: string };
    const caller = allCallers.find((one) => one.name === name);
    if (!caller || !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) {
      return reply
        .code(404)
        .type('text/plain')
        .send('There is no such caller. The demo prints a link for each caller.\n');
    }
    const { claims, purpose, query } = caller;
    const handed = new URLSearchParams({ token: await signDevelopmentToken(claims), purpose, query });
    return reply.header('cache-control', 'no-store').redirect(`/playground/#${handed}`, 303);
  });
}
