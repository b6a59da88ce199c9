import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { RequestContext } from '../identity/request-context';
import { shapedId } from '../storage/ids';
import { authenticate, authorizationOf } from './bearer';
import { challenge } from './errors';
import type { ServerOptions } from './server-options';

/** Opens an export for a caller. @throws {GraphQLError} where the caller may not have it, or it is not ready */
export type Collect = (
  context: RequestContext,
  id: string,
) => Promise<{ readonly bytes: number; readonly pieces: AsyncIterable<Buffer>; collected(): Promise<void> }>;

/**
 * `GET /exports/ID`: streams a client's export to those who administer it. It is collected when its last byte has left,
 * so that a download that was cut off can be repeated; `content-length` lets the receiver notice that, too.
 */
export function giveExports(
  app: FastifyInstance,
  { verifier, contextFor }: Pick<ServerOptions, 'verifier' | 'contextFor'>,
  collect: Collect,
): void {
  // HEAD would send every byte nowhere, and count as a download.
  app.get<{ Params: { id: string } }>('/exports/:id', { exposeHeadRoute: false }, async (request, reply) => {
    const claims = await authenticate(authorizationOf(request.raw), verifier);
    if (claims.subject === '') reply.header('www-authenticate', challenge);
    const { id } = request.params;
    const download = await collect(await contextFor(claims, undefined), shapedId(id));
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) return;
      download.collected().catch((error: unknown) => request.log.error({ err: error }, 'an export is collected'));
    });
    return reply
      .header('cache-control', 'no-store')
      .header('content-disposition', `attachment; filename="export-${id}.ndjson"`)
      .header('content-length', download.bytes)
      .type('application/x-ndjson')
      .send(Readable.from(download.pieces, { objectMode: false }));
  });
}
