import { allPurposes } from '../governance/vocabulary';
import type { WriteOutcome } from '../storage/write-outcome';

/** An error that answers a request before, or in place of, its GraphQL operation. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    readonly extensions: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

/** In how many seconds a request under the same idempotency key may have ended. */
export const RETRY_KEY_AFTER_S = '1';

/** The value of `www-authenticate` (RFC 6750, section 3). */
export const challenge = 'Bearer';

/** All refusals of the gateway: status, code and message. No message repeats what was sent. */
export const gatewayErrors = {
  invalidToken: (why: string) =>
    new GatewayError(401, 'UNAUTHENTICATED', why, {
      'www-authenticate': `${challenge} error="invalid_token", error_description="${why.replace(/["\\]/g, "'")}"`,
    }),
  notBearer: () =>
    gatewayErrors.invalidToken('Send one header of the form "Authorization: Bearer TOKEN", or none at all.'),
  issuerUnavailable: () =>
    new GatewayError(503, 'SERVICE_UNAVAILABLE', 'The token cannot be verified at the moment; try again.'),
  purpose: () =>
    new GatewayError(
      400,
      'BAD_USER_INPUT',
      `The header "processing-purpose" states exactly one of ${allPurposes.join(', ')}, spelled like this.`,
    ),
  idempotencyKey: () =>
    new GatewayError(
      400,
      'BAD_USER_INPUT',
      'The header "idempotency-key" holds one string of 1 to 128 printable ASCII characters, such as a new UUID.',
    ),
  idempotencyKeyReused: () =>
    new GatewayError(
      422,
      'IDEMPOTENCY_KEY_REUSED',
      'Something else was sent under this idempotency key: send this under a new one.',
      {},
      { write: 'NOT_DONE' },
    ),
  idempotencyKeyInUse: () =>
    new GatewayError(
      409,
      'IDEMPOTENCY_KEY_IN_USE',
      'A request under this idempotency key is under way; try again.',
      { 'retry-after': RETRY_KEY_AFTER_S },
      { write: 'UNKNOWN' },
    ),
  tooManyKeys: (limit: number) =>
    new GatewayError(
      429,
      'TOO_MANY_IDEMPOTENCY_KEYS',
      `No more than ${limit} idempotency keys of yours are kept; each is kept for a day.`,
      { 'retry-after': '3600' },
    ),
  encodedBody: () =>
    new GatewayError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the body as it is, without a content-encoding.', {
      'accept-encoding': 'identity',
    }),
  mediaType: () =>
    new GatewayError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json, in UTF-8.', {
      'accept-post': 'application/json',
    }),
  notUtf8: (what: string) =>
    new GatewayError(400, 'BAD_REQUEST', `${what} is not valid UTF-8; GraphQL and JSON are sent in no other encoding.`),
  binary: () => new GatewayError(400, 'BAD_REQUEST', 'Send messages as text in UTF-8, not as binary.'),
  bodyTooLarge: (limit: number) =>
    new GatewayError(413, 'PAYLOAD_TOO_LARGE', `The body exceeds the limit of ${limit} bytes.`),
  badRequest: (message: string) => new GatewayError(400, 'BAD_REQUEST', message),
  /** @param write what became of the operation's writes, if it has any */
  timeout: (ms: number, write?: WriteOutcome) =>
    new GatewayError(
      503,
      'TIMEOUT',
      `The operation took longer than ${ms / 1000} s; ask for less in one operation.`,
      {},
      write && { write },
    ),
  overloaded: () =>
    new GatewayError(503, 'SERVICE_UNAVAILABLE', 'The server is at its limit; try again.', {
      'retry-after': '1',
    }),
  tooMuch: (whose: string) =>
    new GatewayError(429, 'TOO_MANY_OPERATIONS', `Too many operations ${whose} are under way; wait for one to end.`, {
      'retry-after': '1',
    }),
  tooFast: () =>
    new GatewayError(429, 'TOO_MANY_MESSAGES', 'This connection sends more messages or bytes a second than allowed.'),
  expired: () => gatewayErrors.invalidToken('The token has expired.'),
  anonymousTooLong: () =>
    new GatewayError(401, 'UNAUTHENTICATED', 'A connection without a token is closed after a while; connect again.'),
  draining: () =>
    new GatewayError(503, 'SERVICE_UNAVAILABLE', 'The server is shutting down; connect again.', { 'retry-after': '1' }),
  metrics: () =>
    new GatewayError(503, 'SERVICE_UNAVAILABLE', 'Not every process has reported its metrics; try again.', {
      'retry-after': '1',
    }),
  origin: () =>
    new GatewayError(
      403,
      'FORBIDDEN',
      'WebSockets may be opened only from pages of this server or of an allowed origin.',
    ),
  notFound: () => new GatewayError(404, 'NOT_FOUND', 'There is nothing at this path; the API is at /graphql.'),
  method: (allowed: string) =>
    new GatewayError(405, 'METHOD_NOT_ALLOWED', `Only ${allowed} is answered here.`, { allow: allowed }),
  tooManyOperations: (limit: number) =>
    new GatewayError(429, 'TOO_MANY_OPERATIONS', `No more than ${limit} operations run at once on one connection.`),
  tooManySubscriptions: (limit: number) =>
    new GatewayError(
      429,
      'TOO_MANY_SUBSCRIPTIONS',
      `No more than ${limit} subscriptions of yours are open at once on a server process; end one first.`,
    ),
  signature: () => new GatewayError(401, 'UNAUTHENTICATED', 'The call is not signed by a recipient of this event.'),
  internal: () => new GatewayError(500, 'INTERNAL_SERVER_ERROR', 'Internal server error'),
};
