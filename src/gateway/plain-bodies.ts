import type { FastifyInstance } from 'fastify';
import { gatewayErrors } from './errors';

/** Takes JSON, and only as it is: what is not decompressed cannot grow past the body's limit (pitfall 21). */
export function plainBodies(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request) => {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') throw gatewayErrors.encodedBody();
  });
}
