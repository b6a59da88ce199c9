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
import { mappedEvents } from './mapped-events';
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
  /** Told of each decision before anything is fetched, so that fetching can leave out what is withheld. */
  readonly onDecision?: (contextValue: unknown, decision: Decision) => void;
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

export type GovernedResult = ExecutionResult<Record<string, unknown>, { governance: GovernanceReport }>;

export interface Governed {
  /** Executes one operation under the access given. Never rejects: what goes wrong is in `errors`. */
  execute(args: ExecuteArguments): Promise<GovernedResult>;
  /** Opens a subscription, deciding anew for each event; a result instead of a stream is a refusal. */
  subscribe(args: SubscribeArguments): Promise<AsyncGenerator<GovernedResult, void, void> | GovernedResult>;
  /** The operation that a text asks for, planned; undefined where it cannot be, which `execute` would explain. */
  operation(
    text: string,
    operationName: string | null | undefined,
    access: Access,
  ): { document: DocumentNode; kind: OperationTypeNode; title: string | undefined } | undefined;
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
interface Planned {
  readonly plan: OperationPlan;
  readonly compiled: CompiledOperation;
  readonly title: string | undefined;
  readonly cost: Cost | undefined;
  readonly decisions: LeastRecentlyUsed<string, Decision>;
  readonly byBasis: WeakMap<object, { purpose: string | undefined; decision: Decision }>;
}

/** A request that has been decided, or the result that ends it. */
type Prepared = {
  readonly planned: Planned;
  /** For the purpose that applies, wherever it was stated. */
  readonly access: Access;
  readonly decision: Decision;
  readonly variables: Readonly<Record<string, unknown>>;
};

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
  ): Planned | ExecutionResult {
    const checked = documents.check(source, access.principal !== undefined);
    if ('errors' in checked) return { errors: checked.errors };
    const byName = plans.get(checked.document) ?? new Map<string, Planned>();
    plans.set(checked.document, byName);
    const known = byName.get(operationName ?? '');
    if (known) return known;
    try {
      const operation = planOperation(policy, checked.document, operationName);
      const planned = {
        plan: operation,
        compiled: new CompiledOperation(schema, operation),
        title: operationTitle(schema, checked.document, operationName),
        cost: costOf(checked.document, operation.operation, lengths),
        decisions: new LeastRecentlyUsed<string, Decision>(MOST_DECISIONS),
        byBasis: new WeakMap(),
      };
      byName.set(operationName ?? '', planned);
      return planned;
    } catch (error) {
      return refusedInput(error);
    }
  }

  function decideCached(planned: Planned, access: Access): Decision {
    const { basis, purpose } = access;
    const known = basis && planned.byBasis.get(basis);
    if (known && known.purpose === purpose) return known.decision;
    const key = decisionKey(policy, access, purposeOf(planned.plan, access));
    const decision = planned.decisions.get(key) ?? planned.decisions.set(key, decide(policy, planned.plan, access));
    if (basis) planned.byBasis.set(basis, { purpose, decision });
    return decision;
  }

  function prepare(args: Omit<ExecuteArguments, 'rootValue'>): Prepared | ExecutionResult {
    const planned = plan(args.document, args.operationName, args.access);
    if (!('plan' in planned)) return planned;
    const definitions = planned.plan.operation.variableDefinitions ?? [];
    const coerced = coerceVariables(schema, definitions, args.variableValues ?? {});
    if ('errors' in coerced) return { errors: coerced.errors };
    const variables = coerced.values;
    const unset = planned.plan.conditions.find((name) => typeof variables[name] !== 'boolean');
    if (unset !== undefined) {
      return { errors: [badUserInput(`Variable "$${unset}" must not be null where @skip or @include depends on it.`)] };
    }
    try {
      if (planned.cost) enforceCost(planned.cost(variables), limits.cost);
      const access = accessFor(planned.plan, args.access);
      return { planned, access, decision: decideCached(planned, access), variables };
    } catch (error) {
      return refusedInput(error);
    }
  }

  async function run(prepared: Prepared, args: ExecuteArguments): Promise<GovernedResult> {
    const { planned, access, decision, variables } = prepared;
    const enforcement = new Enforcement(decision, access, args.contextValue);
    const executed = await planned.compiled.run({
      rootValue: args.rootValue,
      contextValue: enforcement,
      variables,
    });
    const errors = [
      ...(executed.errors ?? []).flatMap((error) => fieldError(error, onInternalError) ?? []),
      ...enforcement.errors(),
    ];
    const extensions = { governance: enforcement.report() };
    const data = executed.data as Record<string, unknown> | null;
    return errors.length > 0 ? { data, errors, extensions } : { data, extensions };
  }

  async function execute(args: ExecuteArguments): Promise<GovernedResult> {
    try {
      const prepared = prepare(args);
      if (!('planned' in prepared)) return prepared as GovernedResult;
      if (prepared.decision.refusal) return refused(policy, prepared);
      options.onDecision?.(args.contextValue, prepared.decision);
      return await run(prepared, args);
    } catch (error) {
      return failed(error);
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
    const access = await args.access();
    const contextValue = args.contextOf ? args.contextOf() : args.contextValue;
    const prepared = prepare({ ...args, access });
    if (!('planned' in prepared)) return prepared as GovernedResult;
    if (prepared.decision.refusal) return refused(policy, prepared);
    const { document, operation } = prepared.planned.plan;
    if (operation.operation !== 'subscription') return execute({ ...args, document, contextValue, access });
    const enforcement = new Enforcement(prepared.decision, prepared.access, contextValue);
    const source = await createSourceEventStream({
      schema,
      document,
      operationName: operation.name?.value,
      contextValue: enforcement,
      variableValues: args.variableValues ?? {},
    });
    if (!(Symbol.asyncIterator in source)) {
      const errors = (source.errors ?? []).flatMap((error) => fieldError(error, onInternalError) ?? []);
      return {
        data: null,
        errors: [...errors, ...enforcement.errors()],
        extensions: { governance: enforcement.report() },
      };
    }
    const answer = async (event: unknown) => {
      const result = await executeEvent(event, { ...args, document });
      return { result, last: isRefusal(result) };
    };
    return mappedEvents(source, answer, failed);
  }

  async function executeEvent(event: unknown, args: SubscribeArguments): Promise<GovernedResult> {
    try {
      const access = await args.access();
      const contextValue = args.contextOf ? args.contextOf() : args.contextValue;
      return await execute({ ...args, rootValue: event, contextValue, access });
    } catch (error) {
      return failed(error);
    }
  }

  return {
    execute,
    subscribe,
    operation: (text, operationName, access) => {
      const planned = plan(text, operationName, access);
      if (!('plan' in planned)) return undefined;
      const { document, operation } = planned.plan;
      return { document, kind: operation.operation, title: planned.title };
    },
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
      return explainDecision(policy, planned.plan, decideCached(planned, accessFor(planned.plan, args.access)));
    },
    gateway: apolloGateway(schema, execute, options.accessOf),
    coordinates: policy.coordinates.map(publicCoordinate),
    policyVersion: policy.version,
  };
}

/** A caller's own mistake is answered as it is; any other error is none of the caller's. */
function refusedInput(error: unknown): ExecutionResult {
  if (error instanceof GraphQLError) return { errors: [error] };
  throw error;
}

function accessFor(plan: OperationPlan, access: Access): Access {
  if (plan.purpose === undefined || access.purpose || !access.forPurpose) return access;
  return access.forPurpose(plan.purpose);
}

const isRefusal = (result: GovernedResult): boolean =>
  !result.data && (result.errors ?? []).some((error) => error.path === undefined);

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
