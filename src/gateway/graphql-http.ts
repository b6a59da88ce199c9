import { type ApolloServer, HeaderMap } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from '../identity/request-context';
import { startApollo } from './apollo';
import { authenticate, authorizationOf } from './bearer';
import { sendAnswer } from './compression';
import { withDeadline } from './deadline';
import { challenge, gatewayErrors } from './errors';
import { beginExchange, type Exchange, rememberExchange } from './exchange';
import type { Executions } from './executions';
import type { ServerLimits } from './limits';
import { type Answer, PlannedOperations } from './planned-operations';
import { purposeHeader, statedPurpose } from './purpose';
import { contextFor } from './request-contexts';
import type { Contract, ServerOptions } from './server-options';
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
  executions: Executions,
): Promise<HttpHandler> {
  const services = await startServices(options);
  app.addHook('onClose', async () => {
    await Promise.all([...services.values()].map(({ apollo }) => apollo.stop()));
  });

  return async (request, reply) => {
    const left = executions.arrive(request.ip);
    const exchange = beginExchange('http');
    request.exchange = exchange;
    exchange.arrived = options.audit?.begin();
    const ended = () => {
      left();
      exchange.arrived?.();
    };
    const responding = traced(exchange, () => respond(request, exchange));
    // Not with the answer: what took too long goes on.
    responding.then(ended, ended);
    const answer = await withDeadline(responding, limits.operationMs, () => {
      exchange.isGivenUp = true;
      return gatewayErrors.timeout(limits.operationMs);
    });
    reply.code(statusOf(exchange, answer.status, answer.contentType));
    for (const [name, value] of answer.headers ?? []) reply.header(name, value);
    reply.header('content-type', answer.contentType);
    if (reply.statusCode === 401) reply.header('www-authenticate', challenge);
    return sendAnswer(reply.header('cache-control', 'no-store'), options, exchange, answer.text);
  };

  async function respond(request: FastifyRequest, exchange: Exchange): Promise<Answer> {
    const claims = await authenticate(authorizationOf(request.raw), options.verifier);
    exchange.claims = claims;
    const purpose = statedPurpose(request.headers[purposeHeader]);
    exchange.purpose = purpose;
    exchange.contract = options.contractOf(claims);
    const service = services.get(exchange.contract);
    if (!service) throw gatewayErrors.internal();
    const leave = await executions.turn(claims.subject);
    try {
      // Nobody waits any more for what has waited too long.
      if (exchange.isGivenUp || request.raw.socket.destroyed) throw gatewayErrors.timeout(limits.operationMs);
      return await execute(service, request, exchange, await contextFor(options, claims, purpose));
    } finally {
      executions.charge(claims.subject, exchange.planningMs ?? 0);
      leave();
    }
  }

  async function execute(
    service: Service,
    request: FastifyRequest,
    exchange: Exchange,
    context: RequestContext,
  ): Promise<Answer> {
    rememberExchange(exchange, context);
    const answer = await service.planned.answer(request, exchange, context);
    if (answer) return answer;
    const before = performance.now();
    const answered = await throughApollo(service, request, context);
    // What is refused to nobody is mostly read and refused at one go; what waits for something is others' to ask.
    if (context.claims.subject === '') exchange.planningMs = (exchange.planningMs ?? 0) + performance.now() - before;
    return answered;
  }
}

async function throughApollo(
  { apollo, planned }: Service,
  request: FastifyRequest,
  context: RequestContext,
): Promise<Answer> {
  const { status, headers, body } = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method: request.method,
      headers: headersOf(request),
      search: searchOf(request),
      body: namedOrNot(request.body),
    },
    context: async () => context,
  });
  if (body.kind !== 'complete') throw gatewayErrors.internal();
  const contentType = headers.get('content-type') ?? 'application/json; charset=utf-8';
  if ((status ?? 200) === 200) planned.negotiated(request.headers.accept, contentType);
  return { status: status ?? 200, contentType, headers, text: body.string };
}

/** What serves one contract. */
interface Service {
  readonly apollo: ApolloServer<RequestContext>;
  readonly planned: PlannedOperations;
}

async function startServices(options: ServerOptions): Promise<Map<Contract, Service>> {
  const services = new Map<Contract, Service>();
  for (const [contract, governed] of Object.entries(options.contracts)) {
    const apollo = await startApollo(governed, options);
    services.set(contract as Contract, { apollo, planned: new PlannedOperations(governed, options) });
  }
  return services;
}

/** An operation name that is empty names none; Apollo would look for an operation of that name. */
function namedOrNot(body: unknown): unknown {
  return Object(body).operationName === '' ? { ...Object(body), operationName: null } : body;
}

function searchOf(request: FastifyRequest): string {
  const { search, searchParams } = new URL(request.url, 'http://localhost');
  const names = searchParams.getAll('operationName');
  if (names.length !== 1 || names[0] !== '') return search;
  searchParams.delete('operationName');
  return `?${searchParams}`;
}

function headersOf(request: FastifyRequest): HeaderMap {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return headers;
}

/** GraphQL over HTTP, section 6.4; a whole operation that is refused to nobody is a challenge (RFC 6750). */
function statusOf({ outcome, codes }: Exchange, status: number, type: string): number {
  if (outcome === 'REFUSED' && codes.includes('UNAUTHENTICATED')) return 401;
  if (outcome === 'REJECTED' && codes.length > 0 && codes.every((code) => wellFormed.has(code))) {
    return type.startsWith('application/json') ? 200 : 400;
  }
  return status;
}
