import type { ExecutionResult } from 'graphql';
import { type AnswerWriter, compileWriter } from './answer-writer';
import type { Decision } from './decision';
import { MOST_VARIANTS, weightOfWriter } from './document-weight';
import type { Enforcement } from './enforcement';
import { type Executable, Execution } from './execution';
import { ObjectFields } from './executor';
import { LeastRecentlyUsed } from './least-recently-used';
import type { OperationPlan } from './operation-plan';
import type { SchemaPolicy } from './schema-policy';
import { Selections } from './selection';

type Variables = Readonly<Record<string, unknown>>;

export interface ExecutionArguments {
  readonly rootValue: unknown;
  readonly contextValue: Enforcement;
  /** After coercion, with defaults. */
  readonly variables: Variables;
}

/** Bytes of writers that are kept per operation. Their number depends on the callers' tokens and variables. */
const MOST_WRITER_BYTES = 2 * 1024 * 1024;
/** Fields of an operation, with fragments expanded, that a writer is compiled of. The executor answers larger ones. */
const MOST_WRITTEN_FIELDS = 400;

type Run = (args: ExecutionArguments) => Promise<ExecutionResult>;

/** Executes a planned operation. What does not depend on the request is compiled once and kept with the plan. */
export class CompiledOperation {
  readonly #policy: SchemaPolicy;
  readonly #plan: OperationPlan;
  readonly #variants = new LeastRecentlyUsed<string, Run>(MOST_VARIANTS);
  /** By decision and variant. */
  readonly #writers: LeastRecentlyUsed<string, { readonly writer: AnswerWriter | undefined }>;
  readonly #fields: number;

  constructor(policy: SchemaPolicy, plan: OperationPlan) {
    this.#policy = policy;
    this.#plan = plan;
    const { document, operation } = plan;
    this.#fields = document.fields.get(operation) ?? Number.POSITIVE_INFINITY;
    this.#writers = new LeastRecentlyUsed(MOST_WRITER_BYTES, (_key, { writer }) =>
      weightOfWriter(writer ? this.#fields : 0),
    );
    document.kept.push(this.#writers);
  }

  run(args: ExecutionArguments): Promise<ExecutionResult> {
    const key = this.#variantOf(args.variables);
    const run = this.#variants.get(key) ?? this.#variants.set(key, this.#compile(args.variables));
    return run(args);
  }

  /** What writes the answer under a decision; undefined where the operation has to be executed. */
  writerFor(decision: Decision, variables: Variables): AnswerWriter | undefined {
    if (this.#fields > MOST_WRITTEN_FIELDS) return undefined;
    const key = `${decision.id} ${this.#variantOf(variables)}`;
    const known = this.#writers.get(key);
    if (known) return known.writer;
    const { document, operation } = this.#plan;
    const selections = new Selections(this.#policy.schema, document, variables);
    return this.#writers.set(key, { writer: compileWriter(selections, operation, this.#policy, decision) }).writer;
  }

  #variantOf(variables: Variables): string {
    return this.#plan.conditions.map((name) => (variables[name] ? '1' : '0')).join('');
  }

  #compile(variables: Variables): Run {
    const { document, operation } = this.#plan;
    const { schema } = this.#policy;
    const root = schema.getRootType(operation.operation);
    const selections = new Selections(schema, document, variables);
    if (!root) throw new Error(`a ${operation.operation} was planned, and the schema has none`);
    const executable: Executable = {
      selections,
      operation,
      fragments: Object.fromEntries(document.fragments),
      fieldsOf: (type, sets) => new ObjectFields(executable, type, sets),
    };
    const fields = new ObjectFields(executable, root, [operation.selectionSet]);
    const isSerial = operation.operation === 'mutation';
    return async ({ rootValue, contextValue, variables: coerced }) => {
      const execution = new Execution(contextValue, rootValue, coerced);
      const { errors } = execution;
      try {
        const data = await (isSerial
          ? fields.executeInTurn(rootValue, execution)
          : fields.execute(rootValue, execution, undefined));
        return errors.length > 0 ? { data, errors } : { data };
      } catch (error) {
        return { data: null, errors: [...errors, error as (typeof errors)[number]] };
      }
    };
  }
}
