import { type ExecutionResult, execute, type GraphQLSchema, isAbstractType, isObjectType } from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import { compilableDocument, withCoercedType } from './compilable-document';
import type { OperationPlan } from './operation-plan';

export interface ExecutionArguments {
  readonly rootValue: unknown;
  readonly contextValue: unknown;
  /** As sent; they have been checked. */
  readonly rawVariables: Readonly<Record<string, unknown>>;
  /** As coerced, defaults filled in. */
  readonly variables: Readonly<Record<string, unknown>>;
}

type Run = (args: ExecutionArguments) => ExecutionResult | Promise<ExecutionResult>;

/** Compiled forms kept per plan: one for each truth of its conditions, up to this many; the rest is interpreted. */
const MAX_VARIANTS = 16;

/**
 * Executes a planned operation, compiled where that is sound. graphql-jit names what it compiles by the type's name
 * joined to the field's, so a schema where two coordinates join to one name is interpreted (a field would run with
 * another's guard). What it gets of the document, see {@link compilableDocument}.
 */
export class CompiledOperation {
  readonly #schema: GraphQLSchema;
  readonly #plan: OperationPlan;
  readonly #variants = new Map<string, Run>();
  readonly #interpret: Run;

  constructor(schema: GraphQLSchema, plan: OperationPlan) {
    this.#schema = schema;
    this.#plan = plan;
    this.#interpret = ({ rootValue, contextValue, rawVariables }) =>
      execute({
        schema,
        document: plan.document,
        operationName: plan.operation.name?.value,
        rootValue,
        contextValue,
        variableValues: rawVariables,
      });
  }

  run(args: ExecutionArguments): ExecutionResult | Promise<ExecutionResult> {
    const key = this.#plan.conditions.map((name) => (args.variables[name] ? '1' : '0')).join('');
    let run = this.#variants.get(key);
    if (!run) {
      run =
        this.#variants.size < MAX_VARIANTS && isCompilable(this.#schema)
          ? this.#compile(args.variables)
          : this.#interpret;
      if (this.#variants.size < MAX_VARIANTS) this.#variants.set(key, run);
    }
    return run(args);
  }

  #compile(variables: Readonly<Record<string, unknown>>): Run {
    const compilable = compilableDocument(this.#schema, this.#plan, variables);
    if (!compilable) return this.#interpret;
    const operationName = this.#plan.operation.name?.value ?? '';
    const compiled = compileQuery(withCoercedType(this.#schema), compilable.document, operationName, {
      disablingCapturingStackErrors: true,
    });
    if (!isCompiledQuery(compiled)) return this.#interpret;
    return (args) => {
      const all = compilable.variables(args.variables);
      return all ? compiled.query(args.rootValue, args.contextValue, all) : this.#interpret(args);
    };
  }
}

const compilable = new WeakMap<GraphQLSchema, boolean>();

/** Whether the schema may be compiled; asked first before it is guarded, since guards hide what is asynchronous. */
export function isCompilable(schema: GraphQLSchema): boolean {
  const known = compilable.get(schema);
  if (known !== undefined) return known;
  const joined = new Set<string>();
  let sound = true;
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    // Names of possible types are joined into paths by underscores too.
    if (isAbstractType(type) && schema.getPossibleTypes(type).some(({ name }) => name.includes('_'))) sound = false;
    const lazy = [(type as { resolveType?: unknown }).resolveType, (type as { isTypeOf?: unknown }).isTypeOf];
    if (lazy.some((resolver) => resolver?.constructor.name === 'AsyncFunction')) sound = false;
    if (!isObjectType(type)) continue;
    for (const name of Object.keys(type.getFields())) {
      if (joined.has(type.name + name)) sound = false;
      joined.add(type.name + name);
    }
  }
  compilable.set(schema, sound);
  return sound;
}
