import { type ApolloServer, HeaderMap } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from '../identity/request-context';
import { startApollo } from './apollo';
import { authenticate, authorizationOf } from './bearer';
import { withDeadline } from './deadline';
import { answerError } from './error-answers';
import { challenge, gatewayErrors } from './errors';
import { beginExchange, type Exchange, rememberExchange } from './exchange';
import { purposeHeader, statedPurpose } from './purpose';
import { contextFor } from './request-contexts';
import type { Contract, ServerLimits, ServerOptions } from './server-options';
import { traced } from './tracing';

/** Errors of a request that is well-formed by the letter of GraphQL over HTTP: application/json answers those with 200. */
const wellFormed = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
  'OPERATION_TOO_LARGE',
]);

export type HttpHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** GraphQL over HTTP, each caller by their own contract. */
export async function graphqlOverHttp(
  app: FastifyInstance,
  options: ServerOptions,
  limits: ServerLimits,
): Promise<HttpHandler> {
  const servers = await startServers(options);
  app.addHook('onClose', async () => {
    await Promise.all([...new Set(servers.values())].map((server) => server.stop()));
  });

  return async (request, reply) => {
    const exchange = beginExchange('http');
    request.exchange = exchange;
    const answer = traced(exchange, () => respond(request, exchange));
    const response = await withDeadline(answer, limits.operationMs, () => gatewayErrors.timeout(limits.operationMs));
    if (response.body.kind !== 'complete') return answerError(reply, gatewayErrors.internal());
    reply.code(statusOf(exchange, response.status, response.headers.get('content-type')));
    for (const [name, value] of response.headers) reply.header(name, value);
    if (reply.statusCode === 401) reply.header('www-authenticate', challenge);
    return reply.header('cache-control', 'no-store').send(response.body.string);
  };

  async function respond(request: FastifyRequest, exchange: Exchange) {
    const claims = await authenticate(authorizationOf(request.raw), options.verifier);
    exchange.claims = claims;
    const purpose = statedPurpose(request.headers[purposeHeader]);
    exchange.purpose = purpose;
    exchange.contract = options.contractOf(claims);
    const server = servers.get(exchange.contract);
    if (!server) throw gatewayErrors.internal();
    const context = await contextFor(options, claims, purpose);
    rememberExchange(exchange, context);
    return server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: request.method,
        headers: headersOf(request),
        search: new URL(request.url, 'http://localhost').search,
        body: request.body,
      },
      context: async () => context,
    });
  }
}

async function startServers(options: ServerOptions): Promise<Map<Contract, ApolloServer<RequestContext>>> {
  const servers = new Map<Contract, ApolloServer<RequestContext>>();
  for (const [contract, governed] of Object.entries(options.contracts)) {
    servers.set(contract as Contract, await startApollo(governed, options));
  }
  return servers;
}

function headersOf(request: FastifyRequest): HeaderMap {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return headers;
}

/** GraphQL over HTTP, section 6.4; a whole operation that is refused to nobody is a challenge (RFC 6750). */
function statusOf({ outcome, codes }: Exchange, status: number | undefined, type: string | undefined): number {
  if (outcome === 'REFUSED' && codes.includes('UNAUTHENTICATED')) return 401;
  if (outcome === 'REJECTED' && codes.length > 0 && codes.every((code) => wellFormed.has(code))) {
    return type?.startsWith('application/json') ? 200 : 400;
  }
  return status ?? 200;
}
