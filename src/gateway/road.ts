import { type DocumentNode, GraphQLError, print } from 'graphql';
import type {
  DecidedOperation,
  Governed,
  GovernedResult,
  PlannedOperation,
  RunArguments,
  WrittenResult,
} from '../governance/govern';
import type { TokenClaims } from '../identity/caller';
import type { RequestContext } from '../identity/request-context';
import { authenticate, authenticated } from './bearer';
import { gatewayErrorOf } from './error-answers';
import { gatewayErrors } from './errors';
import type { Executions } from './executions';
import { FailureLog } from './failure-log';
import { beginRequest, type GovernedRequest } from './governed-request';
import { recordRequest } from './request-record';
import type { ServerOptions } from './server-options';
import { sayingOutcome, writeOf } from './told-writes';

/** What an operation is asked by. */
export interface Operation {
  readonly document: string | DocumentNode;
  readonly operationName: string | null | undefined;
  readonly variableValues: Readonly<Record<string, unknown>> | null | undefined;
}

type RoadOptions = Pick<
  ServerOptions,
  'rates' | 'idempotency' | 'audit' | 'contextFor' | 'contractOf' | 'contracts' | 'logger' | 'verifier'
>;

/**
 * The one road for a request: caller, turn, rights, plan, decision, execution, record. However a request arrives, it
 * takes these steps in this order and each of them once, and each fills its part of the request (docs/request-path.md).
 */
export class Road {
  readonly #options: RoadOptions;
  readonly #executions: Executions;
  readonly #log: FailureLog;

  constructor(options: RoadOptions, executions: Executions) {
    this.#options = options;
    this.#executions = executions;
    this.#log = new FailureLog(options.logger);
  }

  /** The ledger does not wait for its entry until it has its turn: see {@link announce}. */
  begin(transport: GovernedRequest['transport']): GovernedRequest {
    return beginRequest(transport);
  }

  /** From now on the ledger writes no group of entries without this request's, unless it takes long. */
  announce(request: GovernedRequest): void {
    if (this.#options.audit) request.settled = this.#options.audit.begin();
  }

  /**
   * Caller: who asks, by which contract, for which purpose.
   * @param stated reads the header's purpose, once the caller is known
   * @returns a promise where the token must be verified first
   * @throws {GatewayError} 401, 503, or what `stated` throws
   */
  identify(
    request: GovernedRequest,
    authorization: string | undefined,
    stated: () => string | undefined,
  ): undefined | Promise<void> {
    const { verifier, contractOf } = this.#options;
    const identified = (claims: TokenClaims) => {
      request.claims = claims;
      request.purpose = stated();
      request.contract = contractOf(claims);
      return undefined;
    };
    const known = authenticated(authorization, verifier);
    return known ? identified(known) : authenticate(authorization, verifier).then(identified);
  }

  /**
   * The budget of operations that the caller and its client have for a while. An event of a subscription takes none.
   * @returns a promise where other processes have to be asked
   * @throws {GatewayError} 429
   */
  admit({ claims }: GovernedRequest): undefined | Promise<void> {
    return claims && this.#options.rates?.take(claims, 'operations', 1);
  }

  /**
   * Turn: waits until the caller may run another operation.
   * @returns to be called when the operation has ended; it charges the caller for what it kept the process for
   * @throws {GatewayError} 429
   */
  async turn(request: GovernedRequest): Promise<() => void> {
    const { claims } = request;
    const leave = await this.#executions.turn(claims?.subject ?? '', clientOf(claims));
    this.announce(request);
    return () => {
      const { blockedMs = 0, leaveAlone } = request;
      const keptMs = Math.max(blockedMs, leaveAlone?.() ?? 0);
      this.#executions.charge(claims?.subject ?? '', keptMs, clientOf(claims), leaveAlone !== undefined);
      leave();
    };
  }

  /** The same for events of a client's subscribers, which take turns with its callers as one of them. */
  async turnForEvents(client: string): Promise<() => void> {
    return this.#executions.turn(client === '' ? '' : SUBSCRIBERS, client);
  }

  /** Rights: what the caller may do now. Looked up after the turn has come, so that they are not out of date. */
  async grant(request: GovernedRequest): Promise<RequestContext> {
    const { claims, purpose } = request;
    if (!claims) throw gatewayErrors.internal();
    request.context = await this.#options.contextFor(claims, purpose);
    return request.context;
  }

  /**
   * Before the plan: to validate a long document that is new keeps the process for long.
   * @returns a promise where it has to wait
   * @throws {GatewayError} where its caller was answered meanwhile
   */
  approach(request: GovernedRequest, { document }: Pick<Operation, 'document'>): undefined | Promise<void> {
    if (request.plan || typeof document !== 'string' || document.length < LONG_DOCUMENT) return undefined;
    return this.governedFor(request).knows(document) ? undefined : this.#alone(request);
  }

  async #alone(request: GovernedRequest): Promise<void> {
    const { claims } = request;
    if (request.leaveAlone) return;
    // Nobody's entries wait for one that waits.
    request.settled();
    request.leaveAlone = await this.#executions.alone(claims?.subject ?? '', clientOf(claims));
    this.announce(request);
    requireWanted(request);
    // It may have waited for seconds, and rights are those of the moment.
    await this.grant(request);
    delete request.decided;
  }

  /** Decides an operation, at once if it is known and not dear. */
  #mayNow(request: GovernedRequest, operation: Operation, isEvent: boolean) {
    if (request.leaveAlone || (!request.decided && !request.plan)) return undefined;
    const decided = this.decide(request, operation);
    return 'decision' in decided && !isEvent && decided.cost >= DEAR ? undefined : decided;
  }

  /** Waits until a dear operation may go on, and decides it. Others have their turn between its steps. */
  async #whenItMay(request: GovernedRequest, operation: Operation, isEvent: boolean) {
    const approaching = this.approach(request, operation);
    if (approaching) await approaching;
    const decided = this.decide(request, operation);
    if ('decision' in decided && !isEvent && decided.cost >= DEAR) await this.#alone(request);
    if (request.leaveAlone) await others();
    requireWanted(request);
    return this.decide(request, operation);
  }

  /** Plan: what is asked for. */
  plan(request: GovernedRequest, { document, operationName }: Operation): PlannedOperation | GovernedResult {
    if (request.plan) return request.plan;
    const { access } = contextOf(request);
    request.plan = timed(request, () => this.governedFor(request).plan(document, operationName, access));
    return request.plan;
  }

  /** Decision: what of it may be given. */
  decide(request: GovernedRequest, operation: Operation): DecidedOperation | GovernedResult {
    if (request.decided) return request.decided;
    const plan = this.plan(request, operation);
    const { access } = contextOf(request);
    const { variableValues } = operation;
    request.decided = 'decide' in plan ? timed(request, () => plan.decide({ access, variableValues })) : plan;
    return request.decided;
  }

  /**
   * Execution.
   * @param event the event that a subscription's operation runs on
   * @param context what resolvers get, in place of the request's own
   * @throws {GatewayError} 429 where it costs more than is left of a budget
   */
  execute(
    request: GovernedRequest,
    operation: Operation,
    event?: unknown,
    context?: RequestContext,
  ): Promise<GovernedResult> {
    return this.#run(request, operation, event, context, (decided, args) => decided.execute(args));
  }

  /** The same for a caller that sends the answer as JSON: its data may be text already. */
  write(request: GovernedRequest, operation: Operation): Promise<WrittenResult> {
    return this.#run(request, operation, undefined, undefined, (decided, args) => decided.write(args));
  }

  async #run<R extends WrittenResult>(
    request: GovernedRequest,
    operation: Operation,
    event: unknown,
    context: RequestContext | undefined,
    run: (decided: DecidedOperation, args: RunArguments) => Promise<R>,
  ): Promise<R | GovernedResult> {
    requireWanted(request);
    const isEvent = event !== undefined;
    const decided = this.#mayNow(request, operation, isEvent) ?? (await this.#whenItMay(request, operation, isEvent));
    if (!('decision' in decided)) return decided;
    const { claims, idempotencyKey } = request;
    const taking = !isEvent && claims ? this.#options.rates?.take(claims, 'cost', decided.cost) : undefined;
    if (taking) await taking;
    const keyed = idempotencyKey === undefined ? undefined : await this.#keyed(request, operation, decided);
    try {
      const own = context ?? contextOf(request);
      const contextValue = keyed ? { ...own, once: keyed.once } : own;
      const result = await timed(request, () => run(decided, { contextValue, rootValue: event }));
      if (request.leaveAlone) await others();
      if (keyed) request.isRepeated = keyed.isRepeated;
      return wholeOrNothing(request, result, keyed?.isTakenOver);
    } finally {
      if (keyed) {
        await keyed.settle().catch((error: unknown) => this.#log.write(error, 'an idempotency key was not released'));
      }
    }
  }

  /** A mutation that came with an idempotency key. */
  async #keyed(request: GovernedRequest, operation: Operation, decided: DecidedOperation) {
    const { idempotency } = this.#options;
    const { auditId: id, idempotencyKey: key, plan } = request;
    if (!idempotency || key === undefined || !plan || !('decide' in plan) || plan.kind !== 'mutation') return undefined;
    if (decided.decision.refusal || request.claims?.subject === '') return undefined;
    const { document, operationName, variableValues } = operation;
    const text = typeof document === 'string' ? document : print(document);
    const sent = [text, operationName ?? null, variableValues ?? null, request.purpose ?? null];
    try {
      const keyed = await idempotency.begin({ id, key, context: contextOf(request), sent });
      request.isKeyOpen = true;
      return keyed;
    } catch (error) {
      const told = gatewayErrorOf(error, 0);
      if (told !== error) this.#log.write(error, 'an idempotency key could not be claimed');
      throw told;
    }
  }

  /** In place of an execution: opens the events of a subscription. */
  async subscribe(request: GovernedRequest, operation: Operation): Promise<AsyncIterable<unknown> | GovernedResult> {
    const decided = this.decide(request, operation);
    return 'decision' in decided ? decided.events(contextOf(request)) : decided;
  }

  /** Record: the request's entry is durable before its answer leaves. See {@link recordRequest}. */
  record<R extends Parameters<typeof recordRequest>[4]>(
    request: GovernedRequest,
    result: R,
    asked: Parameters<typeof recordRequest>[5],
    refused: Parameters<typeof recordRequest<R>>[6],
  ): Promise<R> {
    return recordRequest(this.#options, this.#log, this.governedFor(request), request, result, asked, refused);
  }

  /** The schema that serves the caller. */
  governedFor({ contract }: GovernedRequest): Governed {
    if (contract === undefined) throw gatewayErrors.internal();
    return this.#options.contracts[contract];
  }
}

/**
 * Before an operation begins: where it was answered with a timeout meanwhile, what its caller was told must stay true.
 * @throws {GatewayError}
 */
function requireWanted({ isGivenUp }: GovernedRequest): void {
  if (isGivenUp) throw gatewayErrors.draining();
}

/** Lets others have the process between two steps. */
const others = () => new Promise((resolve) => setImmediate(resolve));

/** Shorter documents are validated in a millisecond or two. Characters. */
const LONG_DOCUMENT = 1_000;
/** An operation of so many fields keeps the process for some ten milliseconds. */
const DEAR = 1_000;

/** All subscribers of a client, as one of its callers. */
const SUBSCRIBERS = 'subscribers';

/** Whose turn it counts as: that of the client that the token names, or of a principal that belongs to none. */
export const clientOf = (claims: GovernedRequest['claims']): string => claims?.tenant ?? claims?.subject ?? '';

/**
 * Where a database was away for one field, nothing is given: half of an answer looks like all of it. Nor where another
 * request under the same idempotency key executes the rest of it.
 */
function wholeOrNothing<R extends WrittenResult>(
  request: GovernedRequest,
  result: R,
  isTakenOver = false,
): R | GovernedResult {
  const away = isTakenOver
    ? inUse()
    : result.errors?.find(({ extensions }) => extensions.code === 'SERVICE_UNAVAILABLE');
  if (!away) return result;
  const governance = result.extensions && { ...result.extensions.governance, withheld: [], deidentified: [] };
  const write = isTakenOver ? undefined : writeOf(request);
  const told = write ? sayingOutcome('A database does not answer.', away.extensions, write) : away;
  const errors = [new GraphQLError(told.message, { extensions: told.extensions })];
  return { data: null, errors, ...(governance && { extensions: { governance } }) };
}

function inUse(): GraphQLError {
  const { message, code, extensions } = gatewayErrors.idempotencyKeyInUse();
  return new GraphQLError(message, { extensions: { code, ...extensions } });
}

/** Adds how long a step kept the process, until it waited for something or was done. */
function timed<R>(request: GovernedRequest, step: () => R): R {
  const before = performance.now();
  try {
    return step();
  } finally {
    request.blockedMs = (request.blockedMs ?? 0) + performance.now() - before;
  }
}

export function contextOf({ context }: GovernedRequest): RequestContext {
  if (!context) throw gatewayErrors.internal();
  return context;
}
