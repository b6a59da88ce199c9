import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  parse,
} from 'graphql';
import type { Access } from './access';
import { apolloGateway, type GovernedGateway } from './apollo-gateway';
import { type DefaultLengths, defaultLengths, enforceCost } from './cost';
import type { Decision } from './decision';
import { Documents } from './documents';
import { Enforcement } from './enforcement';
import { envelopPlugin, type GovernedPlugin } from './envelop-plugin';
import { badUserInput, internalError, messageOf, refusalOf } from './errors';
import { ExecutableDocument } from './executable-document';
import { type Explanation, explainDecision } from './explain';
import type {
  ExecuteArguments,
  Governed,
  GovernedResult,
  GovernedStream,
  GovernOptions,
  SubscribeArguments,
} from './governed';
import { type GovernedCoordinate, publicCoordinates } from './governed-coordinate';
import { guardSchema } from './guards';
import { defaultLimits, type Limits } from './limits';
import { mappedEvents } from './mapped-events';
import { fieldError } from './messages';
import { operationTitle } from './operation-title';
import { PlannedOperation } from './planned-operation';
import { readSchemaPolicy, type SchemaPolicy } from './schema-policy';
import { coerceVariables } from './variables';

/** A request that has been decided. */
interface Prepared {
  readonly planned: PlannedOperation;
  /** For the purpose that applies, wherever it was stated. */
  readonly access: Access;
  readonly decision: Decision;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** A schema under its policy. An operation is planned, prepared for its caller, decided and executed, in this order. */
export class GovernedSchema implements Governed {
  readonly gateway: GovernedGateway;
  readonly envelop: GovernedPlugin;
  readonly coordinates: readonly GovernedCoordinate[];
  readonly policyVersion: string;
  readonly #policy: SchemaPolicy;
  readonly #options: GovernOptions;
  readonly #limits: Limits;
  readonly #documents: Documents;
  readonly #lengths: DefaultLengths;
  readonly #planned = new WeakMap<ExecutableDocument, Map<string, PlannedOperation>>();
  readonly #onInternalError: (error: unknown) => void;

  /** @throws {SchemaPolicyError} where the directives are not sound, with every fault and its remedy */
  constructor(schema: GraphQLSchema, options: GovernOptions) {
    this.#options = options;
    this.#onInternalError = options.onInternalError ?? (() => undefined);
    this.#policy = readSchemaPolicy(schema, options);
    guardSchema(this.#policy, options.plainSources ?? false);
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#documents = new Documents(schema, this.#limits);
    this.#lengths = defaultLengths(schema);
    this.gateway = apolloGateway(schema, this.execute, options.accessOf);
    this.envelop = envelopPlugin(this, this.#limits.tokens, options.accessOf);
    this.coordinates = publicCoordinates(this.#policy);
    this.policyVersion = this.#policy.version;
  }

  // Bound to the schema, since executors are handed on alone.
  readonly execute = async (args: ExecuteArguments): Promise<GovernedResult> => {
    try {
      const prepared = this.#prepare(args);
      if (!('planned' in prepared)) return prepared;
      if (prepared.decision.refusal) return refused(this.#policy, prepared);
      this.#options.onDecision?.(args.contextValue, prepared.decision);
      return await this.#run(prepared, args);
    } catch (error) {
      return this.#failed(error);
    }
  };

  readonly subscribe = async (args: SubscribeArguments): Promise<GovernedStream | GovernedResult> => {
    try {
      return await this.#open(args);
    } catch (error) {
      return this.#failed(error);
    }
  };

  validate(document: DocumentNode): readonly GraphQLError[] {
    const checked = this.#documents.check(document, false);
    return 'errors' in checked ? checked.errors : [];
  }

  operation(text: string, operationName: string | null | undefined, access: Access) {
    const planned = this.#plan(text, operationName, access);
    if (!(planned instanceof PlannedOperation)) return undefined;
    const { document, operation } = planned.plan;
    return { document: document.node, kind: operation.operation, title: planned.title };
  }

  titleOf(source: string | DocumentNode, operationName: string | null | undefined): string | undefined {
    try {
      const node =
        typeof source === 'string' ? parse(source, { maxTokens: this.#limits.tokens, noLocation: true }) : source;
      return operationTitle(this.#policy.schema, new ExecutableDocument(node), operationName);
    } catch {
      return undefined;
    }
  }

  explain(args: Pick<ExecuteArguments, 'document' | 'operationName' | 'access'>): Explanation[] {
    const planned = this.#plan(args.document, args.operationName, args.access);
    if (!(planned instanceof PlannedOperation)) {
      throw planned.errors?.[0] ?? new GraphQLError('The document cannot be planned.');
    }
    return explainDecision(this.#policy, planned.plan, planned.decide(planned.accessFor(args.access)));
  }

  #plan(
    source: string | DocumentNode,
    operationName: string | null | undefined,
    access: Access,
  ): PlannedOperation | ExecutionResult {
    const checked = this.#documents.check(source, access.principal !== undefined);
    if ('errors' in checked) return { errors: checked.errors };
    const byName = this.#planned.get(checked.document) ?? new Map<string, PlannedOperation>();
    this.#planned.set(checked.document, byName);
    const known = byName.get(operationName ?? '');
    if (known) return known;
    try {
      const planned = new PlannedOperation(this.#policy, checked.document, operationName, this.#lengths);
      byName.set(operationName ?? '', planned);
      return planned;
    } catch (error) {
      return refusedInput(error);
    }
  }

  #prepare(args: Omit<ExecuteArguments, 'rootValue'>): Prepared | GovernedResult {
    const planned = this.#plan(args.document, args.operationName, args.access);
    if (!(planned instanceof PlannedOperation)) return planned as GovernedResult;
    const { plan, cost } = planned;
    const definitions = plan.operation.variableDefinitions ?? [];
    const coerced = coerceVariables(this.#policy.schema, definitions, args.variableValues ?? {});
    if ('errors' in coerced) return { errors: coerced.errors };
    const variables = coerced.values;
    const unset = plan.conditions.find((name) => typeof variables[name] !== 'boolean');
    if (unset !== undefined) {
      return { errors: [badUserInput(`Variable "$${unset}" must not be null where @skip or @include depends on it.`)] };
    }
    try {
      if (cost) enforceCost(cost(variables), this.#limits.cost);
      const access = planned.accessFor(args.access);
      return { planned, access, decision: planned.decide(access), variables };
    } catch (error) {
      return refusedInput(error);
    }
  }

  #enforce({ decision, access }: Prepared, contextValue: unknown): Enforcement {
    return new Enforcement(decision, access, contextValue, this.#options.pseudonymKey);
  }

  async #run(prepared: Prepared, { rootValue, contextValue }: ExecuteArguments): Promise<GovernedResult> {
    const enforcement = this.#enforce(prepared, contextValue);
    const { variables } = prepared;
    const executed = await prepared.planned.compiled.run({ rootValue, contextValue: enforcement, variables });
    const errors = this.#errorsOf(executed.errors, enforcement);
    const extensions = { governance: enforcement.report() };
    const data = executed.data as Record<string, unknown> | null;
    return errors.length > 0 ? { data, errors, extensions } : { data, extensions };
  }

  #errorsOf(errors: readonly GraphQLError[] | undefined, enforcement: Enforcement): GraphQLError[] {
    const own = (errors ?? []).flatMap((error) => fieldError(error, this.#onInternalError) ?? []);
    return [...own, ...enforcement.errors()];
  }

  async #open(args: SubscribeArguments): Promise<GovernedStream | GovernedResult> {
    const access = await args.access();
    const contextValue = args.contextOf ? args.contextOf() : args.contextValue;
    const prepared = this.#prepare({ ...args, access });
    if (!('planned' in prepared)) return prepared;
    if (prepared.decision.refusal) return refused(this.#policy, prepared);
    const { document, operation } = prepared.planned.plan;
    if (operation.operation !== 'subscription') {
      return this.execute({ ...args, document: document.node, contextValue, access });
    }
    const enforcement = this.#enforce(prepared, contextValue);
    const source = await createSourceEventStream({
      schema: this.#policy.schema,
      document: document.node,
      rootValue: args.rootValue,
      operationName: operation.name?.value,
      contextValue: enforcement,
      variableValues: args.variableValues ?? {},
    });
    if (!(Symbol.asyncIterator in source)) {
      const errors = this.#errorsOf(source.errors, enforcement);
      return { data: null, errors, extensions: { governance: enforcement.report() } };
    }
    const answer = async (event: unknown) => {
      const result = await this.#executeEvent(event, { ...args, document: document.node });
      return { result, last: isRefusal(result) };
    };
    return mappedEvents(source, answer, (error) => this.#failed(error));
  }

  async #executeEvent(event: unknown, args: SubscribeArguments): Promise<GovernedResult> {
    try {
      const access = await args.access();
      const contextValue = args.contextOf ? args.contextOf() : args.contextValue;
      return await this.execute({ ...args, rootValue: event, contextValue, access });
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): GovernedResult {
    this.#onInternalError(error);
    return { data: null, errors: [internalError()] };
  }
}

/** A caller's own mistake is answered as it is; any other error is none of the caller's. */
function refusedInput(error: unknown): GovernedResult {
  if (error instanceof GraphQLError) return { errors: [error] };
  throw error;
}

const isRefusal = (result: GovernedResult): boolean =>
  !result.data && (result.errors ?? []).some((error) => error.path === undefined);

/** The answer to an operation that is refused as a whole: no data, one error, and what it would have read. */
function refused(policy: SchemaPolicy, { planned, decision }: Prepared): GovernedResult {
  const { code, rule } = decision.refusal ?? refusalOf('PURPOSE_REQUIRED');
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
