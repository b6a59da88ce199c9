import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Remembered } from '../storage/remembered';
import type { Apollo } from './apollo';
import { authorizationOf } from './bearer';
import { sendAnswer } from './compression';
import { contractNames } from './contracts';
import { withDeadline } from './deadline';
import { challenge, gatewayErrors, RETRY_KEY_AFTER_S } from './errors';
import type { Executions } from './executions';
import type { GovernedRequest } from './governed-request';
import { keyHeader, repeatedHeader, statedKey } from './idempotency/header';
import type { ServerLimits } from './limits';
import { purposeHeader, statedPurpose } from './purpose';
import type { Road } from './road';
import type { Contract, ServerOptions } from './server-options';
import { type Answer, ShortWay } from './short-way';
import { RETRY_AFTER_S } from './store-failures';
import { writeSoFar } from './told-writes';
import { traced } from './tracing';

/** Errors in well-formed requests: for application/json, GraphQL over HTTP answers them with status 200. */
const wellFormed = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
  'OPERATION_TOO_LARGE',
]);

export type HttpHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** GraphQL over HTTP; each caller is served by its own contract. */
export async function graphqlOverHttp(
  app: FastifyInstance,
  road: Road,
  options: ServerOptions,
  limits: ServerLimits,
  executions: Executions,
): Promise<HttpHandler> {
  // Loaded and started by the first request that needs it.
  const apollos = new Remembered(async (contract: Contract) => {
    const { startApollo } = await import('./apollo.js');
    return startApollo(options.contracts[contract], road, options);
  });
  const shortWays = new Map<Contract, ShortWay>(contractNames.map((contract) => [contract, new ShortWay(road)]));
  app.addHook('onClose', async () => {
    await Promise.all([...apollos.entries()].map(async ([, started]) => (await started).stop()));
  });

  return async (http, reply) => {
    const left = executions.arrive(http.ip);
    const request = road.begin('http');
    http.governedRequest = request;
    const responding = traced(http.headers, request, () => respond(http, request, left));
    const answered = await withDeadline(responding, limits.operationMs, () => {
      request.isGivenUp = true;
      return gatewayErrors.timeout(limits.operationMs, writeSoFar(request));
    });
    reply.code(statusOf(request, answered.status, answered.contentType));
    for (const [name, value] of answered.headers ?? []) reply.header(name, value);
    reply.header('content-type', answered.contentType);
    if (request.isRepeated) reply.header(repeatedHeader, 'true');
    if (reply.statusCode === 401) reply.header('www-authenticate', challenge);
    if (reply.statusCode === 503) reply.header('retry-after', RETRY_AFTER_S);
    if (reply.statusCode === 409) reply.header('retry-after', RETRY_KEY_AFTER_S);
    return sendAnswer(reply.header('cache-control', 'no-store'), options, request, answered.text);
  };

  /** @param left called when it has ended. Not when the answer is sent: an operation that took too long still runs */
  async function respond(http: FastifyRequest, request: GovernedRequest, left: () => void): Promise<Answer> {
    try {
      const identifying = road.identify(request, authorizationOf(http.raw), () =>
        statedPurpose(http.headers[purposeHeader]),
      );
      if (identifying) await identifying;
      request.idempotencyKey = statedKey(http.headers[keyHeader]);
      const admitting = road.admit(request);
      if (admitting) await admitting;
      const leave = await road.turn(request);
      try {
        return await answer(http, request);
      } finally {
        leave();
      }
    } finally {
      left();
      request.settled();
    }
  }

  async function answer(http: FastifyRequest, request: GovernedRequest): Promise<Answer> {
    // It has waited so long that nobody waits for its answer.
    if (request.isGivenUp || http.raw.socket.destroyed) throw gatewayErrors.timeout(limits.operationMs);
    const { contract } = request;
    const shortWay = contract && shortWays.get(contract);
    if (!shortWay) throw gatewayErrors.internal();
    await road.grant(request);
    const { query } = Object(http.body);
    // Also for Apollo, which parses it before it comes to anything of ours.
    const approaching = typeof query === 'string' ? road.approach(request, { document: query }) : undefined;
    if (approaching) await approaching;
    const given = await shortWay.answer(http, request);
    return given ?? (await throughApollo(await apollos.get(contract), shortWay, http, request));
  }
}

async function throughApollo(
  apollo: Apollo,
  shortWay: ShortWay,
  http: FastifyRequest,
  request: GovernedRequest,
): Promise<Answer> {
  const blockedMs = request.blockedMs ?? 0;
  const before = performance.now();
  const { method, headers: sent } = http;
  const asked = { method, headers: sent, search: searchOf(http), body: namedOrNot(http.body) };
  const { status, headers, body } = await apollo.answer(asked, request);
  if (request.refusal) throw request.refusal;
  // An anonymous request is mostly parsed and refused in one go, so all of its time is charged. An authenticated one
  // may wait for a database, in which time others run.
  if (request.claims?.subject === '') request.blockedMs = blockedMs + performance.now() - before;
  if (body.kind !== 'complete') throw gatewayErrors.internal();
  const contentType = headers.get('content-type') ?? 'application/json; charset=utf-8';
  if ((status ?? 200) === 200) shortWay.negotiated(http.headers.accept, contentType);
  return { status: status ?? 200, contentType, headers, text: body.string };
}

/** An empty operation name means none; Apollo would look for an operation of that name. */
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

/** GraphQL over HTTP, section 6.4. An operation refused for lack of a token is a challenge (RFC 6750). */
function statusOf({ outcome, codes }: GovernedRequest, status: number, type: string): number {
  if (outcome === 'REFUSED' && codes.includes('UNAUTHENTICATED')) return 401;
  if (outcome === 'REFUSED' && codes.includes('SERVICE_UNAVAILABLE')) return 503;
  if (outcome === 'REFUSED' && codes.includes('IDEMPOTENCY_KEY_IN_USE')) return 409;
  if (outcome === 'REJECTED' && codes.length > 0 && codes.every((code) => wellFormed.has(code))) {
    return type.startsWith('application/json') ? 200 : 400;
  }
  return status;
}
