import { createSourceEventStream, GraphQLError } from 'graphql';
import type { Access } from './access';
import type { CompiledOperation } from './compiled-operation';
import type { Decision } from './decision';
import { Enforcement } from './enforcement';
import { messageOf, refusalOf } from './errors';
import type { Failures } from './failures';
import {
  type DecidedOperation,
  type GovernedResult,
  type GovernOptions,
  JsonText,
  type RunArguments,
  type WrittenResult,
} from './governed';
import type { OperationPlan } from './operation-plan';
import type { SchemaPolicy } from './schema-policy';

/** What all operations of one governed schema share. */
export interface Governing {
  readonly policy: SchemaPolicy;
  readonly options: GovernOptions;
  readonly failures: Failures;
}

/** A request for an operation: its caller and variables. */
interface Request {
  readonly plan: OperationPlan;
  readonly compiled: CompiledOperation;
  /** The caller's access for the purpose that applies. */
  readonly access: Access;
  /** After coercion, with defaults. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** As they were sent: graphql's own subscribe coerces them again. */
  readonly variableValues: Readonly<Record<string, unknown>> | null | undefined;
  readonly cost: number;
}

/** A request with its decision. */
export class Decided implements DecidedOperation {
  readonly decision: Decision;
  readonly cost: number;
  readonly #governing: Governing;
  readonly #request: Request;

  constructor(governing: Governing, decision: Decision, request: Request) {
    this.#governing = governing;
    this.decision = decision;
    this.cost = request.cost;
    this.#request = request;
  }

  async execute({ contextValue, rootValue }: RunArguments): Promise<GovernedResult> {
    const { failures } = this.#governing;
    const { compiled, variables } = this.#request;
    try {
      if (this.decision.refusal) return this.#refused();
      const enforcement = this.#enforce(this.#contextWith(contextValue));
      const executed = await compiled.run({ rootValue, contextValue: enforcement, variables });
      return this.#result(executed.data as Record<string, unknown> | null, executed.errors, enforcement);
    } catch (error) {
      return failures.answer(error);
    }
  }

  async write(args: RunArguments): Promise<WrittenResult> {
    return (await this.#written(args)) ?? this.execute(args);
  }

  /** @returns undefined where the executor must answer, also where writing fails: that is reported */
  async #written({ contextValue }: RunArguments): Promise<WrittenResult | undefined> {
    const { compiled, variables } = this.#request;
    try {
      const writer = this.decision.refusal ? undefined : compiled.writerFor(this.decision, variables);
      if (!writer) return undefined;
      const enforcement = this.#enforce(this.#contextWith(contextValue));
      const written = await writer.write(enforcement, variables);
      return written && this.#result(new JsonText(written.text), written.errors, enforcement);
    } catch (error) {
      this.#governing.failures.report(error);
      return undefined;
    }
  }

  #contextWith(contextValue: unknown): unknown {
    const { contextWith } = this.#governing.options;
    return contextWith ? contextWith(contextValue, this.decision) : contextValue;
  }

  #result<D>(data: D, failed: readonly GraphQLError[] | undefined, enforcement: Enforcement) {
    const errors = this.#governing.failures.errorsOf(failed, enforcement);
    const extensions = { governance: enforcement.report() };
    return errors.length > 0 ? { data, errors, extensions } : { data, extensions };
  }

  async events(contextValue: unknown, rootValue?: unknown): Promise<AsyncIterable<unknown> | GovernedResult> {
    const { failures, policy } = this.#governing;
    const { plan, variableValues } = this.#request;
    try {
      if (this.decision.refusal) return this.#refused();
      const enforcement = this.#enforce(contextValue);
      const source = await createSourceEventStream({
        schema: policy.schema,
        document: plan.document.node,
        rootValue,
        operationName: plan.operation.name?.value,
        contextValue: enforcement,
        variableValues: variableValues ?? {},
      });
      if (Symbol.asyncIterator in source) return source;
      const errors = failures.errorsOf(source.errors, enforcement);
      return { data: null, errors, extensions: { governance: enforcement.report() } };
    } catch (error) {
      return failures.answer(error);
    }
  }

  #enforce(contextValue: unknown): Enforcement {
    return new Enforcement(this.decision, this.#request.access, contextValue, this.#governing.options.pseudonymKey);
  }

  /** The answer to an operation that is refused as a whole: no data, one error, and the fields it would have read. */
  #refused(): GovernedResult {
    const { policy } = this.#governing;
    const { code, rule } = this.decision.refusal ?? refusalOf('PURPOSE_REQUIRED');
    const withheld = this.#request.plan.reach.flatMap((index) => {
      const coordinate = policy.coordinates[index];
      return coordinate?.governed ? coordinate.name : [];
    });
    const { id: decisionId, policyVersion, purpose = null } = this.decision;
    const error = new GraphQLError(messageOf(code), { extensions: { code, purpose, rule } });
    return {
      data: null,
      errors: [error],
      extensions: { governance: { purpose, decisionId, policyVersion, withheld, deidentified: [], auditId: null } },
    };
  }
}
