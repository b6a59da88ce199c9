import {
  type ArgumentNode,
  type ASTNode,
  type DefinitionNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLInputType,
  GraphQLScalarType,
  type GraphQLSchema,
  Kind,
  type SelectionNode,
  TypeInfo,
  type ValueNode,
  type VariableDefinitionNode,
  valueFromAST,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { compiledSize } from './compiled-size';
import type { OperationPlan } from './operation-plan';

type Variables = Readonly<Record<string, unknown>>;

/** A document as graphql-jit gets it, and the variables that go with it. */
export interface CompilableDocument {
  readonly document: DocumentNode;
  /** The request's coerced variables with the document's literals among them; undefined where a literal is invalid. */
  variables(coerced: Variables): Record<string, unknown> | undefined;
}

/** Fields: some 50 ms of compilation. */
const MAX_COMPILED_SIZE = 2_000;

/** Variables reach graphql-jit as graphql has coerced them: its own coercion forgets defaults of non-null variables. */
const coercedType = new GraphQLScalarType({ name: 'Remit__Coerced' });

/**
 * A copy of the planned operation for graphql-jit, which writes into the AST, with what it gets wrong left out:
 * - @skip and @include are applied (it mixes them up where a fragment is spread twice);
 * - what argument literals say goes in as variables: it pastes them into the code that it makes, so that a string which
 *   holds its mark for dates is run as code, and other scalars' values are lost;
 * - undefined where a response key has an underscore: it joins paths by that, and gives a resolver another field's info;
 * - undefined where it would write more code than that pays for.
 */
export function compilableDocument(
  schema: GraphQLSchema,
  plan: OperationPlan,
  variables: Variables,
): CompilableDocument | undefined {
  const included = includedPart(plan, variables);
  const root = schema.getRootType(plan.operation.operation);
  if (!included || !root || compiledSize(schema, included, root) > MAX_COMPILED_SIZE) return undefined;
  const literals: Array<{ name: string; node: ValueNode; type: GraphQLInputType }> = [];
  const typeInfo = new TypeInfo(schema);
  const extracted = visit(
    included,
    visitWithTypeInfo(typeInfo, {
      Argument(node): ArgumentNode | undefined {
        const type = typeInfo.getInputType();
        if (!type || node.value.kind === Kind.VARIABLE) return undefined;
        const name = `Remit__literal${literals.length}`;
        literals.push({ name, node: node.value, type });
        return { ...node, value: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } } };
      },
    }),
  );
  const names = [
    ...(plan.operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value),
    ...literals.map(({ name }) => name),
  ];
  const definitions = extracted.definitions.map((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION
      ? { ...definition, variableDefinitions: names.map(coercedDefinition) }
      : definition,
  );
  return {
    document: { ...extracted, definitions },
    variables: (coerced) => {
      const all: Record<string, unknown> = { ...coerced };
      for (const { name, node, type } of literals) {
        all[name] = valueFromAST(node, type, coerced);
        if (all[name] === undefined) return undefined;
      }
      return all;
    },
  };
}

/** The schema with the type of coerced variables beside its own. */
export function withCoercedType(schema: GraphQLSchema): GraphQLSchema {
  const getType: GraphQLSchema['getType'] = (name) => (name === coercedType.name ? coercedType : schema.getType(name));
  return Object.create(schema, { getType: { value: getType } });
}

const coercedDefinition = (name: string): VariableDefinitionNode => ({
  kind: Kind.VARIABLE_DEFINITION,
  variable: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } },
  type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: coercedType.name } },
});

/** A copy of the operation and its fragments without what @skip and @include leave out, or undefined, as said above. */
function includedPart({ document, operation }: OperationPlan, variables: Variables): DocumentNode | undefined {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  const spread = new Set<string>();
  let sound = true;
  const definitions: DefinitionNode[] = [copy(operation)];
  for (const name of spread) {
    const fragment = fragments.get(name);
    if (fragment) definitions.push(copy(fragment));
  }
  return sound ? { ...document, definitions } : undefined;

  function copy<T extends ASTNode>(node: T): T {
    if (node.kind === Kind.FRAGMENT_SPREAD) spread.add(node.name.value);
    if (node.kind === Kind.FIELD && isAmbiguous(node)) sound = false;
    const result: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(node)) {
      if (key === 'directives') result[key] = undefined;
      else if (key === 'selections') result[key] = value.filter(isIncluded).map(copy);
      else if (key !== 'loc' && Array.isArray(value)) result[key] = value.map(copy);
      else result[key] = key !== 'loc' && value !== null && typeof value === 'object' ? copy(value) : value;
    }
    return result as unknown as T;
  }

  function isIncluded(node: SelectionNode): boolean {
    return (node.directives ?? []).every((directive) => {
      const { value: name } = directive.name;
      if (name !== 'skip' && name !== 'include') return true;
      const value = directive.arguments?.find((argument) => argument.name.value === 'if')?.value;
      const truth =
        value?.kind === Kind.VARIABLE ? variables[value.name.value] : value?.kind === Kind.BOOLEAN && value.value;
      return (truth === true) === (name === 'include');
    });
  }
}

/** Such keys as `a_b`, which joins like `a { b }`, and `__proto__`. */
const isAmbiguous = ({ alias, name }: FieldNode): boolean =>
  (alias ?? name).value.includes('_') && (alias !== undefined || name.value !== '__typename');
