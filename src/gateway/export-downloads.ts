import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { TokenClaims } from '../identity/caller';
import type { RequestContext } from '../identity/request-context';
import type { TokenVerifier } from '../identity/tokens';
import { shapedId } from '../storage/ids';
import { authenticate, authorizationOf } from './bearer';
import { challenge } from './errors';

/** Opens an export for a caller. @throws {GraphQLError} where the caller may not have it, or it is not ready */
export type Collect = (
  context: RequestContext,
  id: string,
) => Promise<{ readonly bytes: number; readonly pieces: AsyncIterable<Buffer>; collected(): Promise<void> }>;

interface Callers {
  readonly verifier: TokenVerifier;
  contextFor(claims: TokenClaims, purpose: string | undefined): Promise<RequestContext>;
}

/**
 * `GET /exports/ID`: streams a client's export to its administrators. It counts as collected when the last byte has
 * left, so an interrupted download can be repeated; `content-length` lets the receiver notice an interruption.
 */
export function giveExports(app: FastifyInstance, { verifier, contextFor }: Callers, collect: Collect): void {
  // A HEAD request would read every byte, send none, and count as a download.
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
