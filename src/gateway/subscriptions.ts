import type { WebSocket } from '@fastify/websocket';
import type { FastifyRequest } from 'fastify';
import { GraphQLError, GraphQLSchema, parse } from 'graphql';
import { makeServer } from 'graphql-ws';
import { type GovernedResult, isRefusal, type PlannedOperation } from '../governance/govern';
import { failureOf } from '../storage/failures';
import type { WriteOutcome } from '../storage/write-outcome';
import { logSocketRequest } from './access-log';
import { authenticate } from './bearer';
import { withDeadline } from './deadline';
import { gatewayErrorOf, sayingWrite } from './error-answers';
import { type GatewayError, gatewayErrors } from './errors';
import { EventRounds } from './event-rounds';
import { type Executions, once } from './executions';
import { FailureLog } from './failure-log';
import type { GovernedRequest } from './governed-request';
import { keyHeader, statedKey } from './idempotency/header';
import type { ServerLimits } from './limits';
import { LogLines } from './log-lines';
import type { Metrics } from './metrics';
import type { OpenSocket, OpenSockets } from './open-sockets';
import type { OpenSubscriptions } from './open-subscriptions';
import { purposeHeader, statedPurpose } from './purpose';
import { clientOf, type Operation, type Road } from './road';
import type { ServerOptions } from './server-options';
import { type Credentials, digestOf, SharedAnswers, type ToldEvent } from './shared-answers';
import { closeFor, connectSocket, type SocketParts } from './socket';
import { type AnsweredEvent, type EventAnswers, SocketSubscription } from './socket-subscription';
import { writeOf, writeSoFar } from './told-writes';
import { traced } from './tracing';

interface Extra extends SocketParts {
  readonly socket: WebSocket;
  readonly open: OpenSocket;
  /** Running operations and open subscriptions. */
  underWay: number;
  /** The open subscriptions. They end with the socket. */
  readonly subscriptions: Set<Subscription>;
  credentials?: Credentials;
}

/** What a subscription keeps of the operation that opened it. */
interface Terms {
  readonly extra: Extra;
  /** The operation's id on the socket, as JSON. */
  readonly id: string;
  readonly client: string;
  readonly plan: PlannedOperation;
  readonly operation: Operation;
  readonly variables: string;
  /** Each is called when it has ended. */
  readonly endings: ReadonlyArray<() => void>;
}

type Subscription = SocketSubscription<Terms>;

/** What operations over WebSockets go by. */
export interface SocketOperations {
  readonly road: Road;
  readonly options: ServerOptions;
  readonly limits: ServerLimits;
  readonly metrics: Metrics;
  readonly executions: Executions;
  readonly sockets: OpenSockets;
  readonly subscriptions: OpenSubscriptions;
}

/** The longest operation id, which every answer repeats. */
const LONGEST_ID = 128;
/** The first pause before an event is tried again, and the longest. Milliseconds. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

// graphql-ws needs a parsed operation; the governance core reads the text itself.
const placeholder = { schema: new GraphQLSchema({}), document: parse('subscription { event }') };

const isEvents = <Event>(result: GovernedResult | AsyncIterable<Event>): result is AsyncIterable<Event> =>
  Symbol.asyncIterator in result;

/**
 * GraphQL over WebSocket (graphql-transport-ws): queries, mutations and subscriptions, all by the one road. Each event
 * is a request of its own. The token is verified and rights are looked up again, so that a withdrawn right or an
 * expired token ends the stream (docs/pitfalls.md, 16).
 */
export function graphqlOverSocket(parts: SocketOperations): (socket: WebSocket, request: FastifyRequest) => void {
  const { road, options, limits, metrics, executions, sockets, subscriptions } = parts;
  const lines = new LogLines(options.logger);
  const shared = new SharedAnswers(road, (request) => logSocketRequest(lines, metrics, request));
  const rounds = new EventRounds<ToldEvent>(
    (client) => road.turnForEvents(client),
    (round) => shared.answer(round),
  );
  const answers: EventAnswers<Terms> = { answer: answerEvent, broken: brokenEvents, send, ended };
  const log = new FailureLog(options.logger);
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: limits.initialisationMs,
    async onConnect({ connectionParams, extra }) {
      extra.credentials = credentialsOf(connectionParams ?? {});
      const { subject, expiresAt } = await authenticate(extra.credentials.authorization, options.verifier);
      if (subject !== '') extra.open.know(expiresAt);
    },
    async onSubscribe({ extra }, id, { query, operationName, variables, extensions }) {
      if (id.length > LONGEST_ID) throw gatewayErrors.badRequest('The id of an operation is too long.');
      if (extra.underWay >= limits.operationsPerSocket) {
        return [asGraphQLError(gatewayErrors.tooManyOperations(limits.operationsPerSocket))];
      }
      extra.underWay++;
      const ended = once(() => extra.underWay--);
      try {
        const operation = { document: query, operationName, variableValues: variables };
        const answered = await answer(extra, id, operation, extensions ?? {}, ended);
        if (isEvents(answered) || 'data' in answered) return { ...placeholder, contextValue: { answered } };
        return answered.errors ?? [asGraphQLError(gatewayErrors.internal())];
      } catch (error) {
        return [failed(extra.socket, error)];
      }
    },
    subscribe: ({ contextValue }) => (contextValue as { answered: GovernedResult | Subscription }).answered,
  });
  return (socket, request) => {
    const refusal = sockets.refusal(request.ip);
    if (refusal) return closeFor(socket, refusal);
    const open = sockets.add(socket, request.ip);
    metrics.sockets.inc();
    const opened = new Set<Subscription>();
    socket.once('close', () => {
      metrics.sockets.dec();
      for (const subscription of opened) void subscription.return();
    });
    connectSocket(socket, request.raw.socket, limits, open.receive, (adapter, parts) =>
      server.opened(adapter, { ...parts, socket, open, underWay: 0, subscriptions: opened }),
    );
  };

  /**
   * @param extensions what HTTP's headers say of one request: `idempotency-key`, `traceparent`
   * @param ended called when the operation has really ended, which may be after its answer
   */
  async function answer(
    extra: Extra,
    id: string,
    operation: Operation,
    extensions: Readonly<Record<string, unknown>>,
    ended: () => void,
  ): Promise<GovernedResult | Subscription> {
    const request = road.begin('websocket');
    let leave = () => {};
    const left = await arrive(extra, request, extensions).catch((error: unknown) => {
      request.settled();
      ended();
      throw error;
    });

    const open = async (): Promise<GovernedResult | Subscription> => {
      await road.admit(request);
      leave = await road.turn(request);
      extra.goOn();
      await road.grant(request);
      await road.approach(request, operation);
      const plan = road.plan(request, operation);
      if (!('kind' in plan) || plan.kind !== 'subscription') {
        return record(request, operation, await road.execute(request, operation));
      }
      const closed = subscriptions.open(request.claims?.subject ?? '');
      const events = await road.subscribe(request, operation).catch((error: unknown) => {
        closed();
        throw error;
      });
      if (isEvents(events)) {
        request.outcome = 'ANSWERED';
        const kept = { extra, id: JSON.stringify(id), client: clientOf(request.claims), plan, operation };
        return opened(events, { ...kept, variables: digestOf(operation.variableValues), endings: [ended, closed] });
      }
      closed();
      return record(request, operation, events);
    };

    const opening = traced(extensions, request, open).finally(() => request.settled());
    // Not when the answer is sent: an operation that took too long still runs.
    const settled = (result?: GovernedResult | Subscription) => {
      left();
      leave();
      if (!(result instanceof SocketSubscription)) ended();
    };
    opening.then(settled, () => settled());
    return withDeadline(
      opening,
      limits.operationMs,
      () => {
        request.isGivenUp = true;
        return gatewayErrors.timeout(limits.operationMs, writeSoFar(request));
      },
      (late) => {
        if (late instanceof SocketSubscription) void late.return();
      },
    ).catch((error: unknown) => {
      const write = request.isGivenUp ? undefined : writeOf(request);
      return { errors: [failed(extra.socket, error, write)] };
    });
  }

  function opened(events: AsyncIterable<unknown>, terms: Terms): Subscription {
    const subscription = new SocketSubscription(events, terms, answers);
    const { socket, subscriptions: ofSocket } = terms.extra;
    ofSocket.add(subscription);
    // Where a client reuses the id of an operation that is being opened, graphql-ws forgets the earlier stream.
    if (socket.readyState !== socket.OPEN) void subscription.return();
    return subscription;
  }

  function ended(subscription: Subscription): void {
    const { extra, endings } = subscription.terms;
    extra.subscriptions.delete(subscription);
    for (const end of endings) end();
  }

  /**
   * Answers an event by the rights of its moment. Where the installation is away for a while, the subscription outlives
   * that: the event is tried again until it can be answered.
   */
  async function answerEvent(subscription: Subscription, event: unknown): Promise<AnsweredEvent> {
    const { extra } = subscription.terms;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      let away: unknown;
      try {
        const { result, payload } = await answerOnce(subscription.terms, event);
        if (!isAway(result) || subscription.isOver) return { payload, last: isRefusal(result) };
      } catch (error) {
        const { status } = gatewayErrorOf(error, limits.bodyBytes);
        // 429: the caller's operations have taken all turns for the moment.
        if (status !== 503 && status !== 429 && failureOf(error) === undefined) throw failed(extra.socket, error);
        away = error;
      }
      if (subscription.isOver) throw failed(extra.socket, away);
      await subscription.pause(pause * (0.5 + 0.5 * Math.random()));
    }
  }

  /** Answers one event as a request of its own, together with others. */
  function answerOnce(terms: Terms, event: unknown): Promise<{ result: GovernedResult; payload: string }> {
    const { extra, client, plan, operation, variables } = terms;
    return new Promise((resolve, fail) => {
      const answered = (result: GovernedResult, payload: string) => resolve({ result, payload });
      const { socket, credentials } = extra;
      rounds.add({ client, socket, credentials, plan, operation, variables, event, answered, fail });
    });
  }

  function send({ terms: { extra, id } }: Subscription, payload: string): Promise<void> {
    return extra.send(`{"id":${id},"type":"next","payload":${payload}}`);
  }

  function brokenEvents(error: unknown): string {
    const told = gatewayErrorOf(error, limits.bodyBytes);
    if (told.status >= 500) log.write(error, 'the events of a subscription broke off');
    return JSON.stringify({ data: null, errors: [asGraphQLError(told)] });
  }

  async function arrive(
    extra: Extra,
    request: GovernedRequest,
    extensions: Readonly<Record<string, unknown>>,
  ): Promise<() => void> {
    await identify(extra, request);
    request.idempotencyKey = statedKey(extensions[keyHeader]);
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
    logSocketRequest(lines, metrics, request);
    return recorded;
  }

  /** The error for the client. An invalid token closes the whole connection. */
  function failed(socket: WebSocket, error: unknown, write?: WriteOutcome): GraphQLError {
    const told = gatewayErrorOf(error, limits.bodyBytes);
    if (told.status === 401) closeFor(socket, told);
    else if (told.status >= 500) log.write(error, 'an operation on a WebSocket failed', { code: told.code });
    else options.logger.warn({ err: error, code: told.code }, 'an operation on a WebSocket failed');
    return asGraphQLError(write ? sayingWrite(told, write) : told);
  }
}

/** Codes of answers that say the installation is away for a while. */
const awayCodes: ReadonlySet<unknown> = new Set(['SERVICE_UNAVAILABLE', 'AUDIT_UNAVAILABLE']);

const isAway = ({ errors = [] }: GovernedResult): boolean =>
  errors.some(({ extensions }) => awayCodes.has(extensions.code));

/** The payload of `connection_init` replaces HTTP's headers. A doubled key is an error, as a doubled header is. */
function credentialsOf(payload: Record<string, unknown>): Credentials {
  const authorization = theOne(payload, 'authorization', gatewayErrors.notBearer);
  if (authorization !== undefined && typeof authorization !== 'string') throw gatewayErrors.notBearer();
  return { authorization, purpose: statedPurpose(theOne(payload, purposeHeader, gatewayErrors.purpose)) };
}

function theOne(payload: Record<string, unknown>, name: string, doubled: () => Error): unknown {
  const values = Object.entries(payload).filter(([key]) => key.toLowerCase() === name);
  if (values.length > 1) throw doubled();
  return values[0]?.[1];
}

function asGraphQLError({ message, code, extensions }: GatewayError): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...extensions } });
}
