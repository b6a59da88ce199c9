import type { WebSocket } from '@fastify/websocket';
import type { FastifyRequest } from 'fastify';
import { GraphQLError, GraphQLSchema, parse } from 'graphql';
import { makeServer } from 'graphql-ws';
import { type GovernedResult, isRefusal, mappedEvents, type PlannedOperation } from '../governance/govern';
import { logSocketRequest } from './access-log';
import { authenticate } from './bearer';
import { withDeadline } from './deadline';
import { gatewayErrorOf } from './error-answers';
import { type GatewayError, gatewayErrors } from './errors';
import { type Executions, once } from './executions';
import { FailureLog } from './failure-log';
import type { GovernedRequest } from './governed-request';
import type { ServerLimits } from './limits';
import type { Metrics } from './metrics';
import type { OpenSocket, OpenSockets } from './open-sockets';
import { purposeHeader, statedPurpose } from './purpose';
import type { Operation, Road } from './road';
import type { ServerOptions } from './server-options';
import { closeFor, connectSocket } from './socket';

/** What a socket was opened with. It is verified again for each operation and each event. */
interface Credentials {
  readonly authorization: string | undefined;
  readonly purpose: string | undefined;
}

interface Extra {
  readonly socket: WebSocket;
  readonly open: OpenSocket;
  /** Resumes reading from the socket before its operation has ended. */
  readonly goOn: () => void;
  /** Running operations and open subscriptions. */
  underWay: number;
  credentials?: Credentials;
}

/** The longest operation id, which every answer repeats. */
const LONGEST_ID = 128;

type Events = AsyncGenerator<GovernedResult, void, void>;

// graphql-ws needs a parsed operation; the governance core reads the text itself.
const placeholder = { schema: new GraphQLSchema({}), document: parse('subscription { event }') };

const isEvents = <Event>(result: GovernedResult | AsyncIterable<Event>): result is AsyncIterable<Event> =>
  Symbol.asyncIterator in result;

/**
 * GraphQL over WebSocket (graphql-transport-ws): queries, mutations and subscriptions, all by the one road. Each event
 * is a request of its own. The token is verified and rights are looked up again, so that a withdrawn right or an
 * expired token ends the stream (docs/pitfalls.md, 16).
 */
export function graphqlOverSocket(
  road: Road,
  options: ServerOptions,
  limits: ServerLimits,
  metrics: Metrics,
  executions: Executions,
  sockets: OpenSockets,
): (socket: WebSocket, request: FastifyRequest) => void {
  const log = new FailureLog(options.logger);
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: limits.initialisationMs,
    async onConnect({ connectionParams, extra }) {
      extra.credentials = credentialsOf(connectionParams ?? {});
      const { subject } = await authenticate(extra.credentials.authorization, options.verifier);
      if (subject !== '') extra.open.know();
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
    const request = road.begin('websocket');
    let leave = () => {};
    const left = await arrive(extra, request).catch((error: unknown) => {
      request.settled();
      ended();
      throw error;
    });

    const open = async (): Promise<GovernedResult | Events> => {
      leave = await road.turn(request);
      extra.goOn();
      await road.grant(request);
      const plan = road.plan(request, operation);
      road.charge(request);
      if (!('kind' in plan) || plan.kind !== 'subscription') {
        return record(request, operation, await road.execute(request, operation));
      }
      const events = await road.subscribe(request, operation);
      if (!isEvents(events)) return record(request, operation, events);
      return mappedEvents(events, (event) => answerEvent(extra, plan, operation, event), brokenEvents);
    };

    const opening = open().finally(() => request.settled());
    // Not when the answer is sent: an operation that took too long still runs.
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
    return isEvents(result) ? endingWith(result, ended) : result;
  }

  /** Answers one event as a request of its own, by the plan of the subscription. */
  async function answerEvent(extra: Extra, plan: PlannedOperation, operation: Operation, event: unknown) {
    const request = road.begin('websocket');
    let leave = () => {};
    try {
      await identify(extra, request);
      leave = await road.turn(request);
      await road.grant(request);
      request.plan = plan;
      const result = await road.execute(request, operation, event);
      return { result: await record(request, operation, result), last: isRefusal(result) };
    } catch (error) {
      throw failed(extra.socket, error);
    } finally {
      request.settled();
      leave();
    }
  }

  function brokenEvents(error: unknown): GovernedResult {
    log.write(error, 'the events of a subscription broke off');
    return { data: null, errors: [asGraphQLError(gatewayErrorOf(error, limits.bodyBytes))] };
  }

  async function arrive(extra: Extra, request: GovernedRequest): Promise<() => void> {
    await identify(extra, request);
    return executions.arrive(extra.open.address);
  }

  async function identify({ credentials }: Extra, request: GovernedRequest): Promise<void> {
    await road.identify(request, credentials?.authorization, () => credentials?.purpose);
  }

  async function record(
    request: GovernedRequest,
    operation: Operation,
    result: GovernedResult,
  ): Promise<GovernedResult> {
    const recorded = await road.record(request, result, operation, (error, extensions) => ({
      data: null,
      errors: [error],
      extensions,
    }));
    logSocketRequest(options.logger, metrics, request);
    return recorded;
  }

  /** The error for the client. An invalid token closes the whole connection. */
  function failed(socket: WebSocket, error: unknown): GraphQLError {
    const told = gatewayErrorOf(error, limits.bodyBytes);
    if (told.status === 401) closeFor(socket, told);
    else if (told.status >= 500) log.write(error, 'an operation on a WebSocket failed', { code: told.code });
    else options.logger.warn({ err: error, code: told.code }, 'an operation on a WebSocket failed');
    return asGraphQLError(told);
  }
}

/** The payload of `connection_init` replaces HTTP's headers. A doubled key is an error, as a doubled header is. */
function credentialsOf(payload: Record<string, unknown>): Credentials {
  const authorization = theOne(payload, 'authorization', gatewayErrors.notBearer);
  if (authorization !== undefined && typeof authorization !== 'string') throw gatewayErrors.notBearer();
  return { authorization, purpose: statedPurpose(theOne(payload, purposeHeader, gatewayErrors.purpose)) };
}

/** A stream that reports its end, however it ends. */
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

function asGraphQLError({ message, code }: GatewayError): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}
