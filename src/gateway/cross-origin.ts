import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { purposeHeader } from './purpose';
import type { ServerOptions } from './server-options';

type Origins = Pick<ServerOptions, 'allowedOrigins' | 'publicOrigin'>;

/** How long a browser need not ask again what it may send, in seconds; browsers keep it for two hours at most. */
const PREFLIGHT_S = 7_200;

/**
 * Lets pages of the allowed origins call what is in a scope. Callers are known by the token that they send, never by a
 * cookie, so a browser is told to send no credentials of its own.
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
      'apollo-require-preflight',
      'x-apollo-operation-name',
    ],
    exposedHeaders: ['retry-after', 'www-authenticate'],
    credentials: false,
    maxAge: PREFLIGHT_S,
    strictPreflight: false,
  });
}

/**
 * Whether a WebSocket is opened from a page of this server or of an allowed origin. Browsers send WebSockets anywhere, and
 * say where from; whoever is no browser says nothing.
 */
export function mayOpenSockets({ headers: { origin, host } }: FastifyRequest, options: Origins): boolean {
  if (origin === undefined || options.allowedOrigins?.includes(origin)) return true;
  if (options.publicOrigin !== undefined) return origin === options.publicOrigin;
  return URL.canParse(origin) && new URL(origin).host === host;
}
