import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { GraphQLError } from 'graphql';
import { InvalidTokenError, IssuerUnavailableError } from '../identity/token-errors';
import type { WriteOutcome } from '../storage/write-outcome';
import { GatewayError, gatewayErrors } from './errors';
import type { FailureLog } from './failure-log';
import { RETRY_AFTER_S, wordsForFailure } from './store-failures';
import { writeOf } from './told-writes';

const GRAPHQL_JSON = 'application/graphql-response+json';
const statusByCode = new Map([
  ['BAD_USER_INPUT', 400],
  ['UNAUTHENTICATED', 401],
  ['FORBIDDEN', 403],
  ['TRANSFER_NOT_AUTHORIZED', 403],
  ['NOT_FOUND', 404],
  ['CONFLICT', 409],
  ['TOO_MANY_EVENTS', 429],
  ['AUDIT_UNAVAILABLE', 503],
  ['SERVICE_UNAVAILABLE', 503],
]);

/** Answers every failure outside an operation as a GraphQL result with a code, so that clients parse one shape only. */
export function answerErrors(app: FastifyInstance, bodyBytes: number, log: FailureLog): void {
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    const error = gatewayErrorOf(thrown, bodyBytes);
    const isUnforeseen =
      error.code === 'INTERNAL_SERVER_ERROR' || !madeForCallers.some((kind) => thrown instanceof kind);
    if (error.status >= 500 && isUnforeseen) log.write(thrown, 'failed', { reqId: request.id });
    const { governedRequest: governed } = request;
    if (governed) governed.codes = [error.code];
    const write = governed && !governed.isGivenUp ? writeOf(governed) : undefined;
    return answerError(reply, write ? sayingWrite(error, write) : error);
  });
  app.setNotFoundHandler((_request, reply) => answerError(reply, gatewayErrors.notFound()));
}

export function answerError(reply: FastifyReply, error: GatewayError): FastifyReply {
  const accepted = reply.request.headers.accept ?? '';
  const type =
    accepted.includes(GRAPHQL_JSON) && !accepted.includes('application/json') ? GRAPHQL_JSON : 'application/json';
  const again = error.status === 503 ? { 'retry-after': RETRY_AFTER_S } : {};
  return reply
    .code(error.status)
    .headers({ 'cache-control': 'no-store', ...again, ...error.headers })
    .type(`${type}; charset=utf-8`)
    .send(
      JSON.stringify({ errors: [{ message: error.message, extensions: { code: error.code, ...error.extensions } }] }),
    );
}

/** After a mutation had begun, even an unforeseen error says what became of it; unless it knows better by itself. */
export const sayingWrite = (
  { status, code, message, headers, extensions }: GatewayError,
  write: WriteOutcome,
): GatewayError => new GatewayError(status, code, message, headers, { write, ...extensions });

const madeForCallers = [GatewayError, GraphQLError, InvalidTokenError, IssuerUnavailableError];

/** The error that a caller gets for a failure. Messages that were not written for callers stay inside. */
export function gatewayErrorOf(thrown: unknown, bodyBytes: number): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  if (thrown instanceof InvalidTokenError) return gatewayErrors.invalidToken(thrown.message);
  if (thrown instanceof IssuerUnavailableError) return gatewayErrors.issuerUnavailable();
  const told = thrown instanceof GraphQLError ? thrown : wordsForFailure(thrown);
  if (told) {
    const code = String(told.extensions.code);
    const status = statusByCode.get(code);
    if (status === undefined) return gatewayErrors.internal();
    return new GatewayError(status, code, told.message);
  }
  switch ((thrown as Partial<FastifyError>).code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return gatewayErrors.bodyTooLarge(bodyBytes);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_TYPE':
      return gatewayErrors.mediaType();
    default: {
      const status = (thrown as Partial<FastifyError>).statusCode;
      if (status === undefined || status >= 500) return gatewayErrors.internal();
      return gatewayErrors.badRequest('The request is not understood: send a JSON object with a "query".');
    }
  }
}
