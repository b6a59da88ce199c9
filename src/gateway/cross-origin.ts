import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { keyHeader, repeatedHeader } from './idempotency/header';
import { purposeHeader } from './purpose';
import type { ServerOptions } from './server-options';

type Origins = Pick<ServerOptions, 'allowedOrigins' | 'publicOrigin'>;

/** How long browsers may cache a preflight answer, in seconds. They cap it at two hours. */
const PREFLIGHT_S = 7_200;

/**
 * Allows pages of the configured origins to call a scope. Callers are known by their token, never by a cookie, so
 * browsers are told to send no credentials of their own.
 */
export async function allowOrigins(scope: FastifyInstance, { allowedOrigins = [] }: Origins): Promise<void> {
  if (allowedOrigins.length === 0) return;
  await scope.register(cors, {
    origin: (origin, decide) => decide(null, origin !== undefined && allowedOrigins.includes(origin)),
    methods: ['GET', 'POST'],
    allowedHeaders: [
      'authorization',
      'content-type',
      purposeHeader,
      keyHeader,
      'apollo-require-preflight',
      'x-apollo-operation-name',
    ],
    exposedHeaders: ['retry-after', 'www-authenticate', repeatedHeader],
    credentials: false,
    maxAge: PREFLIGHT_S,
    strictPreflight: false,
  });
}

/**
 * Whether a WebSocket may be opened: by a page of this server or of an allowed origin, or by a client that is no
 * browser and so sends no `Origin`. Browsers do not apply CORS to WebSockets.
 */
export function mayOpenSockets({ headers: { origin, host } }: FastifyRequest, options: Origins): boolean {
  if (origin === undefined || options.allowedOrigins?.includes(origin)) return true;
  if (options.publicOrigin !== undefined) return origin === options.publicOrigin;
  return URL.canParse(origin) && new URL(origin).host === host;
}
