import {
  type ExecutionResult,
  execute,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
} from 'graphql';
import type { Enforcement } from './enforcement';
import { type Executable, Execution, ObjectFields } from './executor';
import type { OperationPlan } from './operation-plan';
import { Selections } from './selection';

export interface ExecutionArguments {
  readonly rootValue: unknown;
  readonly contextValue: Enforcement;
  /** As sent; they have been checked. */
  readonly rawVariables: Readonly<Record<string, unknown>>;
  /** As coerced, defaults filled in. */
  readonly variables: Readonly<Record<string, unknown>>;
}

type Run = (args: ExecutionArguments) => ExecutionResult | Promise<ExecutionResult>;

/** Compiled forms kept per plan: one for each truth of its conditions, up to this many; the rest is interpreted. */
const MAX_VARIANTS = 16;

/** Executes a planned operation: what does not depend on the request is worked out once, and kept with the plan. */
export class CompiledOperation {
  readonly #schema: GraphQLSchema;
  readonly #plan: OperationPlan;
  readonly #variants = new Map<string, Run>();

  constructor(schema: GraphQLSchema, plan: OperationPlan) {
    this.#schema = schema;
    this.#plan = plan;
  }

  run(args: ExecutionArguments): ExecutionResult | Promise<ExecutionResult> {
    const key = this.#plan.conditions.map((name) => (args.variables[name] ? '1' : '0')).join('');
    const known = this.#variants.get(key);
    if (known) return known(args);
    if (this.#variants.size >= MAX_VARIANTS) return this.#interpret(args);
    const run = this.#compile(args.variables);
    this.#variants.set(key, run);
    return run(args);
  }

  #interpret({ rootValue, contextValue, rawVariables }: ExecutionArguments) {
    const { document, operation } = this.#plan;
    const operationName = operation.name?.value;
    const variableValues = rawVariables;
    return execute({ schema: this.#schema, document, operationName, rootValue, contextValue, variableValues });
  }

  #compile(variables: Readonly<Record<string, unknown>>): Run {
    const { document, operation } = this.#plan;
    const root = this.#schema.getRootType(operation.operation);
    const fragments = document.definitions.filter(
      (node): node is FragmentDefinitionNode => node.kind === Kind.FRAGMENT_DEFINITION,
    );
    const byName = new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
    const selections = new Selections(this.#schema, byName, variables);
    const sets = [operation.selectionSet];
    if (!root || [...selections.fieldsOf(root, sets).values()].flat().some(isIntrospection)) {
      return (args) => this.#interpret(args);
    }
    const executable: Executable = { selections, operation, fragments: Object.fromEntries(byName) };
    const fields = new ObjectFields(executable, root, sets);
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

/** What introspection asks is graphql's to answer. */
const isIntrospection = ({ kind, name }: FieldNode): boolean =>
  kind === Kind.FIELD && (name.value === '__schema' || name.value === '__type');
