import type { ExecutionResult, GraphQLSchema } from 'graphql';
import { MOST_VARIANTS } from './document-weight';
import type { Enforcement } from './enforcement';
import { type Executable, Execution } from './execution';
import { ObjectFields } from './executor';
import { LeastRecentlyUsed } from './least-recently-used';
import type { OperationPlan } from './operation-plan';
import { Selections } from './selection';

export interface ExecutionArguments {
  readonly rootValue: unknown;
  readonly contextValue: Enforcement;
  /** After coercion, with defaults. */
  readonly variables: Readonly<Record<string, unknown>>;
}

type Run = (args: ExecutionArguments) => Promise<ExecutionResult>;

/** Executes a planned operation. What does not depend on the request is compiled once and kept with the plan. */
export class CompiledOperation {
  readonly #schema: GraphQLSchema;
  readonly #plan: OperationPlan;
  readonly #variants = new LeastRecentlyUsed<string, Run>(MOST_VARIANTS);

  constructor(schema: GraphQLSchema, plan: OperationPlan) {
    this.#schema = schema;
    this.#plan = plan;
  }

  run(args: ExecutionArguments): Promise<ExecutionResult> {
    const key = this.#plan.conditions.map((name) => (args.variables[name] ? '1' : '0')).join('');
    const run = this.#variants.get(key) ?? this.#variants.set(key, this.#compile(args.variables));
    return run(args);
  }

  #compile(variables: Readonly<Record<string, unknown>>): Run {
    const { document, operation } = this.#plan;
    const root = this.#schema.getRootType(operation.operation);
    const selections = new Selections(this.#schema, document, variables);
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
