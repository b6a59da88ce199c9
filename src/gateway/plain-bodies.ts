import { isUtf8 } from 'node:buffer';
import type { FastifyBodyParser, FastifyInstance, FastifyRequest } from 'fastify';
import { gatewayErrors } from './errors';

/**
 * Accepts JSON bodies only, unpacked and in UTF-8. A body that is not decompressed cannot grow past its limit
 * (docs/pitfalls.md, 21), and bytes in another encoding would be read as another text than was sent.
 */
export function plainBodies(app: FastifyInstance): void {
  app.removeContentTypeParser(['text/plain', 'application/json']);
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    inUtf8((request, body, done) => parse(request, body, done)),
  );
  app.addHook('onRequest', (request, _reply, done) => done(faultOf(request)));
}

function faultOf({ headers, url }: FastifyRequest): Error | undefined {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') return gatewayErrors.encodedBody();
  return isPercentEncodedUtf8(url) ? undefined : gatewayErrors.notUtf8('The address');
}

type TextParser = (request: FastifyRequest, body: string, done: (error: Error | null, body?: unknown) => void) => void;

/**
 * Makes a body parser that insists on UTF-8.
 * @throws {GatewayError} 400, 415
 */
export function inUtf8(parse: TextParser): FastifyBodyParser<Buffer> {
  return (request, body, done) => {
    const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.headers['content-type'] ?? '')?.[1];
    if (charset !== undefined && !/^utf-?8$/i.test(charset)) return done(gatewayErrors.mediaType());
    if (!isUtf8(body)) return done(gatewayErrors.notUtf8('The body'));
    parse(request, body.toString('utf8'), done);
  };
}

function isPercentEncodedUtf8(address: string): boolean {
  if (!address.includes('%')) return true;
  try {
    decodeURIComponent(address);
    return true;
  } catch {
    return false;
  }
}
