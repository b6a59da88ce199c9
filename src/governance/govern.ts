import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  type OperationTypeNode,
  parse,
} from 'graphql';
import type { Access } from './access';
import { apolloGateway, type GovernedGateway } from './apollo-plugin';
import { CompiledOperation } from './compiled-operation';
import { type Cost, costOf, defaultLengths, enforceCost } from './cost';
import { type Decision, decide, decisionKey, purposeOf } from './decision';
import { Documents } from './documents';
import { Enforcement, type GovernanceReport } from './enforcement';
import { badUserInput, messageOf } from './errors';
import { type Explanation, explainDecision } from './explain';
import { type GovernedCoordinate, publicCoordinate } from './governed-coordinate';
import { guardSchema } from './guards';
import { LeastRecentlyUsed } from './least-recently-used';
import { defaultLimits, type Limits } from './limits';
import { isRefusal, mappedEvents } from './mapped-events';
import { fieldError } from './messages';
import { type OperationPlan, planOperation } from './operation-plan';
import { operationTitle } from './operation-title';
import { readSchemaPolicy, type SchemaPolicy } from './schema-policy';
import { coerceVariables } from './variables';

export type { Access, Prohibition, RowRefusal } from './access';
export type { GovernedGateway } from './apollo-plugin';
export type { Decision, Outcome, Verdict } from './decision';
export type { GovernanceReport } from './enforcement';
export { SchemaPolicyError } from './errors';
export type { Explanation } from './explain';
export type { GovernedCoordinate } from './governed-coordinate';
export type { Limits } from './limits';
export { governanceTypeDefs } from './type-defs';

export interface GovernOptions {
  /** The schema carries no directive of Remit, and is meant to: everything in it is given to everybody. Default false. */
  readonly ungoverned?: boolean;
  /** Bounds on documents; what is left out has its default. */
  readonly limits?: Partial<Limits>;
  /** Sources are plain rows, with no function or promise in a field that has no resolver: faster. Default false. */
  readonly plainSources?: boolean;
  /** Where a gateway request's access comes from. Default: the context's property `access`; absent, nobody asks. */
  readonly accessOf?: (contextValue: unknown) => Access | undefined;
  /**
   * Makes the context that resolvers get out of the request's own and its decision, before anything is fetched: so that
   * fetching can leave out what is withheld. Default: the request's own.
   */
  readonly contextWith?: (contextValue: unknown, decision: Decision) => unknown;
  /** Told of errors that callers get as "Internal server error". */
  readonly onInternalError?: (error: unknown) => void;
}

export interface ExecuteArguments {
  readonly document: string | DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
  readonly contextValue?: unknown;
  readonly rootValue?: unknown;
  readonly access: Access;
}

export type SubscribeArguments = Omit<ExecuteArguments, 'access' | 'rootValue'> & {
  /** Asked again for each event, so that rights that change end the stream. */
  readonly access: () => Access | Promise<Access>;
  /** The context of one event, asked for after its access; absent, all events share `contextValue`. */
  readonly contextOf?: () => unknown;
};

/** What a request brings to a planned operation. */
export type DecideArguments = Pick<ExecuteArguments, 'variableValues' | 'access'>;

/** An operation that may be asked for: a document that is sound, with all that does not depend on one request. */
export interface PlannedOperation {
  readonly document: DocumentNode;
  readonly kind: OperationTypeNode;
  /** What to call it where it is kept: its kind and root fields. */
  readonly title: string | undefined;
  /** Decides one request; a result is what ends it, such as a variable that is wrong. Never throws. */
  decide(args: DecideArguments): DecidedOperation | GovernedResult;
}

/** One request that has been decided. What it may not read, or that it is refused, is in its decision. */
export interface DecidedOperation {
  readonly decision: Decision;
  /** Runs it, or answers with its refusal. Never rejects: what goes wrong is in `errors`. */
  execute(args: Pick<ExecuteArguments, 'contextValue' | 'rootValue'>): Promise<GovernedResult>;
  /** Opens a subscription's events; a result instead is a refusal. Never rejects. */
  events(contextValue: unknown): Promise<AsyncIterable<unknown> | GovernedResult>;
}

export type GovernedResult = ExecutionResult<Record<string, unknown>, { governance: GovernanceReport }>;

export interface Governed {
  /** Executes one operation under the access given. Never rejects: what goes wrong is in `errors`. */
  execute(args: ExecuteArguments): Promise<GovernedResult>;
  /** Opens a subscription, deciding anew for each event; a result instead of a stream is a refusal. */
  subscribe(args: SubscribeArguments): Promise<AsyncGenerator<GovernedResult, void, void> | GovernedResult>;
  /**
   * The first of the three steps of {@link execute}, for callers that do something between them: plan, then
   * {@link PlannedOperation.decide}, then {@link DecidedOperation.execute}. A result is why it cannot be planned.
   */
  plan(
    source: string | DocumentNode,
    operationName: string | null | undefined,
    access: Access,
  ): PlannedOperation | GovernedResult;
  /** What to call an operation where it is kept, planned or not: nothing of what its caller calls it. */
  titleOf(source: string | DocumentNode, operationName: string | null | undefined): string | undefined;
  /** What each coordinate that the operation can reach would give under the access. Throws a GraphQLError on a wrong document. */
  explain(args: Pick<ExecuteArguments, 'document' | 'operationName' | 'access'>): Explanation[];
  /** The `gateway` option of Apollo Server: its executor is {@link execute}. */
  readonly gateway: GovernedGateway;
  /** Every coordinate that a rule stands on. */
  readonly coordinates: readonly GovernedCoordinate[];
  readonly policyVersion: string;
}

/** Decisions kept per plan; how many there can be is up to the tokens that its callers bring. */
const MOST_DECISIONS = 16;

/** A planned operation with what is kept between requests. */
interface Planned extends PlannedOperation {
  readonly plan: OperationPlan;
  readonly compiled: CompiledOperation;
  readonly cost: Cost | undefined;
  readonly decisions: LeastRecentlyUsed<string, Decision>;
  readonly byBasis: WeakMap<object, { purpose: string | undefined; decision: Decision }>;
}

/** A request that has been decided. */
interface Prepared {
  readonly planned: Planned;
  /** For the purpose that applies, wherever it was stated. */
  readonly access: Access;
  readonly decision: Decision;
  readonly variables: Readonly<Record<string, unknown>>;
  /** As they came: graphql's own subscribe reads them once more. */
  readonly variableValues: ExecuteArguments['variableValues'];
}

/**
 * Governs a schema: reads its directives into a policy, puts guards on its governed fields, and returns the one way in.
 * The schema is guarded in place, so that an executor which bypasses this one is given nothing governed.
 * @throws {SchemaPolicyError} where the directives are not sound, with every fault and its remedy
 */
export function govern(schema: GraphQLSchema, options: GovernOptions = {}): Governed {
  const policy = readSchemaPolicy(schema, options.ungoverned);
  guardSchema(policy, options.plainSources ?? false);
  const limits = { ...defaultLimits, ...options.limits };
  const documents = new Documents(schema, limits);
  const lengths = defaultLengths(schema);
  const plans = new WeakMap<DocumentNode, Map<string, Planned>>();
  const onInternalError = options.onInternalError ?? (() => undefined);

  function plan(
    source: string | DocumentNode,
    operationName: string | null | undefined,
    access: Access,
  ): Planned | GovernedResult {
    return orFailed(() => {
      const checked = documents.check(source, access.principal !== undefined);
      if ('errors' in checked) return { errors: checked.errors };
      const byName = plans.get(checked.document) ?? new Map<string, Planned>();
      plans.set(checked.document, byName);
      const known = byName.get(operationName ?? '');
      if (known) return known;
      const planned = planNew(checked.document, operationName);
      byName.set(operationName ?? '', planned);
      return planned;
    });
  }

  function planNew(document: DocumentNode, operationName: string | null | undefined): Planned {
    const operation = planOperation(policy, document, operationName);
    const planned: Planned = {
      document,
      kind: operation.operation.operation,
      title: operationTitle(schema, document, operationName),
      plan: operation,
      compiled: new CompiledOperation(schema, operation),
      cost: costOf(document, operation.operation, lengths),
      decisions: new LeastRecentlyUsed<string, Decision>(MOST_DECISIONS),
      byBasis: new WeakMap(),
      decide: (args) => orFailed(() => prepare(planned, args)),
    };
    return planned;
  }

  /** @param stated the purpose that applies, as {@link purposeOf} found it */
  function decideCached(planned: Planned, access: Access, stated: string | undefined): Decision {
    const { basis } = access;
    const known = basis && planned.byBasis.get(basis);
    if (known && known.purpose === stated) return known.decision;
    const key = decisionKey(policy, access, stated);
    const decision =
      planned.decisions.get(key) ?? planned.decisions.set(key, decide(policy, planned.plan, access, stated));
    if (basis) planned.byBasis.set(basis, { purpose: stated, decision });
    return decision;
  }

  function prepare(planned: Planned, args: DecideArguments): DecidedOperation | GovernedResult {
    const { plan, cost } = planned;
    const coerced = coerceVariables(schema, plan.operation.variableDefinitions ?? [], args.variableValues ?? {});
    if ('errors' in coerced) return { errors: coerced.errors };
    const variables = coerced.values;
    const unset = plan.conditions.find((name) => typeof variables[name] !== 'boolean');
    if (unset !== undefined) {
      return { errors: [badUserInput(`Variable "$${unset}" must not be null where @skip or @include depends on it.`)] };
    }
    if (cost) enforceCost(cost(variables), limits.cost);
    const stated = purposeOf(plan, args.access);
    const access = accessFor(stated, args.access);
    const decision = decideCached(planned, access, stated);
    const prepared: Prepared = { planned, access, decision, variables, variableValues: args.variableValues };
    return {
      decision,
      execute: (run) => executePrepared(prepared, run),
      events: (contextValue) => openEvents(prepared, contextValue),
    };
  }

  async function executePrepared(
    prepared: Prepared,
    args: Pick<ExecuteArguments, 'contextValue' | 'rootValue'>,
  ): Promise<GovernedResult> {
    try {
      if (prepared.decision.refusal) return refused(policy, prepared);
      const { contextWith = (contextValue) => contextValue } = options;
      return await run(prepared, contextWith(args.contextValue, prepared.decision), args.rootValue);
    } catch (error) {
      return failed(error);
    }
  }

  async function run(
    { planned, access, decision, variables }: Prepared,
    contextValue: unknown,
    rootValue: unknown,
  ): Promise<GovernedResult> {
    const enforcement = new Enforcement(decision, access, contextValue);
    const executed = await planned.compiled.run({ rootValue, contextValue: enforcement, variables });
    const errors = [
      ...(executed.errors ?? []).flatMap((error) => fieldError(error, onInternalError) ?? []),
      ...enforcement.errors(),
    ];
    const extensions = { governance: enforcement.report() };
    const data = executed.data as Record<string, unknown> | null;
    return errors.length > 0 ? { data, errors, extensions } : { data, extensions };
  }

  async function execute({ document, operationName, ...args }: ExecuteArguments): Promise<GovernedResult> {
    const planned = plan(document, operationName, args.access);
    const decided = 'decide' in planned ? planned.decide(args) : planned;
    return 'decision' in decided ? decided.execute(args) : decided;
  }

  /** A caller's own mistake is answered as it is; any other error is none of the caller's. */
  function orFailed<T>(work: () => T): T | GovernedResult {
    try {
      return work();
    } catch (error) {
      return error instanceof GraphQLError ? { errors: [error] } : failed(error);
    }
  }

  function failed(error: unknown): GovernedResult {
    onInternalError(error);
    return {
      data: null,
      errors: [new GraphQLError('Internal server error', { extensions: { code: 'INTERNAL_SERVER_ERROR' } })],
    };
  }

  async function subscribe(
    args: SubscribeArguments,
  ): Promise<AsyncGenerator<GovernedResult, void, void> | GovernedResult> {
    try {
      return await open(args);
    } catch (error) {
      return failed(error);
    }
  }

  async function open(args: SubscribeArguments): Promise<AsyncGenerator<GovernedResult, void, void> | GovernedResult> {
    const { variableValues } = args;
    const access = await args.access();
    const contextOf = args.contextOf ?? (() => args.contextValue);
    const contextValue = contextOf();
    const planned = plan(args.document, args.operationName, access);
    if (!('decide' in planned)) return planned;
    const decided = planned.decide({ variableValues, access });
    if (!('decision' in decided)) return decided;
    if (planned.kind !== 'subscription') return decided.execute({ contextValue });
    const events = await decided.events(contextValue);
    if (!isStream(events)) return events;
    const answer = async (event: unknown): Promise<GovernedResult> => {
      try {
        const anew = planned.decide({ variableValues, access: await args.access() });
        return 'decision' in anew ? await anew.execute({ rootValue: event, contextValue: contextOf() }) : anew;
      } catch (error) {
        return failed(error);
      }
    };
    const answered = async (event: unknown) => {
      const result = await answer(event);
      return { result, last: isRefusal(result) };
    };
    return mappedEvents(events, answered, failed);
  }

  async function openEvents(
    prepared: Prepared,
    contextValue: unknown,
  ): Promise<AsyncIterable<unknown> | GovernedResult> {
    try {
      if (prepared.decision.refusal) return refused(policy, prepared);
      const { document, operation } = prepared.planned.plan;
      const enforcement = new Enforcement(prepared.decision, prepared.access, contextValue);
      const source = await createSourceEventStream({
        schema,
        document,
        operationName: operation.name?.value,
        contextValue: enforcement,
        variableValues: prepared.variableValues ?? {},
      });
      if (isStream(source)) return source;
      const errors = (source.errors ?? []).flatMap((error) => fieldError(error, onInternalError) ?? []);
      return {
        data: null,
        errors: [...errors, ...enforcement.errors()],
        extensions: { governance: enforcement.report() },
      };
    } catch (error) {
      return failed(error);
    }
  }

  return {
    execute,
    subscribe,
    plan,
    titleOf: (source, operationName) => {
      try {
        const document =
          typeof source === 'string' ? parse(source, { maxTokens: limits.tokens, noLocation: true }) : source;
        return operationTitle(schema, document, operationName);
      } catch {
        return undefined;
      }
    },
    explain: (args) => {
      const planned = plan(args.document, args.operationName, args.access);
      if (!('plan' in planned)) throw planned.errors?.[0] ?? new GraphQLError('The document cannot be planned.');
      const stated = purposeOf(planned.plan, args.access);
      return explainDecision(policy, planned.plan, decideCached(planned, accessFor(stated, args.access), stated));
    },
    gateway: apolloGateway(schema, execute, options.accessOf),
    coordinates: policy.coordinates.map(publicCoordinate),
    policyVersion: policy.version,
  };
}

/** The caller's access for the purpose that applies; a purpose that only the document states may change it. */
function accessFor(stated: string | undefined, access: Access): Access {
  if (stated === undefined || access.purpose || !access.forPurpose) return access;
  return access.forPurpose(stated);
}

const isStream = <T extends object>(found: T | AsyncIterable<unknown>): found is AsyncIterable<unknown> =>
  Symbol.asyncIterator in found;

/** The answer to an operation that is refused as a whole: no data, one error, and what it would have read. */
function refused(policy: SchemaPolicy, { planned, decision }: Prepared): GovernedResult {
  const { code, rule } = decision.refusal ?? { code: 'PURPOSE_REQUIRED', rule: '' };
  const withheld = planned.plan.reach.flatMap((index) => {
    const coordinate = policy.coordinates[index];
    return coordinate?.governed ? coordinate.name : [];
  });
  const purpose = decision.purpose ?? null;
  const error = new GraphQLError(messageOf(code), { extensions: { code, purpose, rule } });
  const { id: decisionId, policyVersion } = decision;
  return {
    data: null,
    errors: [error],
    extensions: { governance: { purpose, decisionId, policyVersion, withheld, deidentified: [], auditId: null } },
  };
}
