import type { WebSocket } from '@fastify/websocket';
import type { FastifyRequest } from 'fastify';
import { GraphQLError, GraphQLSchema, parse } from 'graphql';
import { makeServer } from 'graphql-ws';
import { hashOfText } from '../audit/operation-hash';
import { defaultLimits, type GovernedResult, mappedEvents } from '../governance/govern';
import type { RequestContext } from '../identity/request-context';
import { logSocketExchange } from './access-log';
import { concludeAudited } from './auditing';
import { authenticate } from './bearer';
import { withDeadline } from './deadline';
import { gatewayErrorOf } from './error-answers';
import { type GatewayError, gatewayErrors } from './errors';
import { beginExchange, rememberExchange } from './exchange';
import { type Executions, once } from './executions';
import type { ServerLimits } from './limits';
import type { Metrics } from './metrics';
import type { OpenSocket, OpenSockets } from './open-sockets';
import { purposeHeader, statedPurpose } from './purpose';
import { contextFor } from './request-contexts';
import type { ServerOptions } from './server-options';
import { closeFor, connectSocket } from './socket';

/** What a socket was opened with; who that is, is asked anew for each operation and each event. */
interface Credentials {
  readonly authorization: string | undefined;
  readonly purpose: string | undefined;
}

interface Extra {
  readonly socket: WebSocket;
  readonly open: OpenSocket;
  /** Lets the socket be read on, before the operation that it has sent has ended. */
  readonly goOn: () => void;
  /** Operations that run and subscriptions that are open. */
  underWay: number;
  credentials?: Credentials;
}

/** An id comes back with each answer. */
const LONGEST_ID = 128;

type Events = AsyncGenerator<GovernedResult, void, void>;

// graphql-ws wants an operation to look at before it asks for results; the governed executor reads the text itself.
const placeholder = { schema: new GraphQLSchema({}), document: parse('subscription { event }') };

/**
 * GraphQL over WebSocket (graphql-transport-ws): queries, mutations and subscriptions, all through the governed
 * executor's one entry. Rights are asked for again with each event, so that one withdrawn, or a token that has lapsed,
 * ends the stream (pitfall 16).
 */
export function graphqlOverSocket(
  options: ServerOptions,
  limits: ServerLimits,
  metrics: Metrics,
  executions: Executions,
  sockets: OpenSockets,
): (socket: WebSocket, request: FastifyRequest) => void {
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: limits.initialisationMs,
    async onConnect({ connectionParams, extra }) {
      extra.credentials = credentialsOf(connectionParams ?? {});
      const { subject } = await authenticate(extra.credentials.authorization, options.verifier);
      extra.open.isAnonymous = subject === '';
    },
    async onSubscribe({ extra }, id, { query, operationName, variables }) {
      if (id.length > LONGEST_ID) throw gatewayErrors.badRequest('The id of an operation is too long.');
      if (extra.underWay >= limits.operationsPerSocket) {
        return [asGraphQLError(gatewayErrors.tooManyOperations(limits.operationsPerSocket))];
      }
      extra.underWay++;
      const ended = once(() => extra.underWay--);
      try {
        const answered = await answer(extra, { document: query, operationName, variableValues: variables }, ended);
        if (isEvents(answered) || 'data' in answered) return { ...placeholder, contextValue: { answered } };
        return answered.errors ?? [asGraphQLError(gatewayErrors.internal())];
      } catch (error) {
        return [failed(extra.socket, error)];
      }
    },
    subscribe: ({ contextValue }) => (contextValue as { answered: GovernedResult | Events }).answered,
  });
  return (socket, request) => {
    const refusal = sockets.refusal(request.ip);
    if (refusal) return closeFor(socket, refusal);
    const open = sockets.add(socket, request.ip);
    metrics.sockets.inc();
    socket.once('close', () => metrics.sockets.dec());
    connectSocket(socket, limits, open.receive, (adapter, goOn) =>
      server.opened(adapter, { socket, open, goOn, underWay: 0 }),
    );
  };

  /** @param ended called when the operation has really ended, which may be after its answer */
  async function answer(extra: Extra, operation: Operation, ended: () => void): Promise<GovernedResult | Events> {
    const { authorization, purpose } = extra.credentials ?? { authorization: undefined, purpose: undefined };
    const { contract, left } = await arrive(extra, authorization).catch((error: unknown) => {
      ended();
      throw error;
    });
    const governed = options.contracts[contract];
    const title = governed.titleOf(operation.document, operation.operationName);
    let exchange = beginExchange('websocket');
    let context: RequestContext | undefined;

    // The governed executor answers a failure to say who asks with an internal error; here it has a name.
    let lapse: unknown;
    let leave = () => {};
    const access = async () => {
      exchange = beginExchange('websocket');
      try {
        const claims = await authenticate(authorization, options.verifier);
        leave = await executions.turn(claims.subject);
        extra.goOn();
        context = await contextFor(options, claims, purpose);
        Object.assign(exchange, { claims, contract, purpose, operation: title });
        rememberExchange(exchange, context);
        const before = performance.now();
        governed.operation(operation.document, operation.operationName, context.access);
        executions.charge(claims.subject, performance.now() - before);
        return context.access;
      } catch (error) {
        lapse = error;
        throw error;
      }
    };
    let operationHash: string | undefined;
    const conclude = async (result: GovernedResult): Promise<GovernedResult> => {
      if (lapse !== undefined) throw lapse;
      operationHash ??= hashOfText(operation.document, defaultLimits.tokens);
      const concluded = await concludeAudited(
        options,
        exchange,
        result,
        { governed, context, operationHash },
        (error, extensions) => ({ data: null, errors: [error], extensions }),
      );
      logSocketExchange(options.logger, metrics, exchange);
      return concluded;
    };

    const opening = governed.subscribe({ ...operation, access, contextOf: () => context });
    // Not with the answer: what took too long goes on.
    const settled = (opened?: GovernedResult | Events) => {
      left();
      leave();
      if (!opened || !isEvents(opened)) ended();
    };
    opening.then(settled, () => settled());
    const result = await withDeadline(
      opening,
      limits.operationMs,
      () => gatewayErrors.timeout(limits.operationMs),
      (late) => {
        if (isEvents(late)) void late.return();
        ended();
      },
    );
    if (!isEvents(result)) return conclude(result);
    const answers = mappedEvents(result, async (event) => {
      try {
        return { result: await conclude(event), last: false };
      } catch (error) {
        throw failed(extra.socket, error);
      } finally {
        leave();
      }
    });
    return endingWith(answers, ended);
  }

  async function arrive(extra: Extra, authorization: string | undefined) {
    const contract = options.contractOf(await authenticate(authorization, options.verifier));
    return { contract, left: executions.arrive(extra.open.address) };
  }

  /** What the operation is told. A token that no longer holds ends the whole connection. */
  function failed(socket: WebSocket, error: unknown): GraphQLError {
    const told = gatewayErrorOf(error, limits.bodyBytes);
    if (told.status === 401) closeFor(socket, told);
    else options.logger.warn({ err: error, code: told.code }, 'an operation on a WebSocket failed');
    return asGraphQLError(told);
  }
}

interface Operation {
  readonly document: string;
  readonly operationName: string | null | undefined;
  readonly variableValues: Record<string, unknown> | null | undefined;
}

/** `connection_init` says in its payload what headers say over HTTP; a key written twice is as wrong as a header. */
function credentialsOf(payload: Record<string, unknown>): Credentials {
  const authorization = theOne(payload, 'authorization', gatewayErrors.notBearer);
  if (authorization !== undefined && typeof authorization !== 'string') throw gatewayErrors.notBearer();
  return { authorization, purpose: statedPurpose(theOne(payload, purposeHeader, gatewayErrors.purpose)) };
}

/** A stream that tells when it has ended, however it does. */
function endingWith(events: Events, ended: () => void): Events {
  return {
    ...events,
    async next() {
      try {
        const step = await events.next();
        if (step.done) ended();
        return step;
      } catch (error) {
        ended();
        throw error;
      }
    },
    return(value) {
      ended();
      return events.return(value);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function theOne(payload: Record<string, unknown>, name: string, doubled: () => Error): unknown {
  const values = Object.entries(payload).filter(([key]) => key.toLowerCase() === name);
  if (values.length > 1) throw doubled();
  return values[0]?.[1];
}

function isEvents(result: GovernedResult | Events): result is Events {
  return Symbol.asyncIterator in result;
}

function asGraphQLError({ message, code }: GatewayError): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}
