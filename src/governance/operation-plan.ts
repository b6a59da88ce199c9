import {
  type DirectiveNode,
  type FieldNode,
  GraphQLError,
  type GraphQLObjectType,
  getNamedType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { fieldsInDefault, fieldsInLiteral } from './argument-bindings';
import type { ExecutableDocument } from './executable-document';
import type { SchemaPolicy } from './schema-policy';

/** What one operation can reach, for any variables and any caller. */
export interface OperationPlan {
  readonly document: ExecutableDocument;
  readonly operation: OperationDefinitionNode;
  /** Indices of the coordinates it can reach, by selection or through an argument, in ascending order. */
  readonly reach: readonly number[];
  /** The purpose that @purpose states on the operation. */
  readonly purpose: string | undefined;
  /** Object type → its fields that are selected anywhere in the operation. */
  readonly selected: ReadonlyMap<string, ReadonlySet<string>>;
  /** Boolean variables that @skip and @include depend on. */
  readonly conditions: readonly string[];
  /** Coordinates that may be read more than once of one row: under two response keys, or through an argument. */
  readonly recurring: ReadonlySet<number>;
}

/**
 * Plans an operation by walking sets of concrete types through its selections. This covers fragments, aliases,
 * interfaces and unions. Each selection set is visited once per set of types, so fan-out costs nothing. @skip and
 * @include are ignored: they never change what is allowed.
 * @throws {GraphQLError} if the operation cannot be found
 */
export function planOperation(
  policy: SchemaPolicy,
  document: ExecutableDocument,
  operationName?: string | null,
): OperationPlan {
  const operation = document.operation(operationName);
  const root = policy.schema.getRootType(operation.operation);
  if (!root) throw new GraphQLError(`The schema has no ${operation.operation} type.`);

  const walk = new Walk(policy, document);
  walk.selections(operation.selectionSet, [root]);
  return {
    document,
    operation,
    reach: [...walk.reached].sort((a, b) => a - b),
    purpose: statedPurpose(policy, operation),
    selected: walk.selected,
    conditions: [...walk.conditions].sort(),
    recurring: walk.recurring,
  };
}

function statedPurpose({ purposes }: SchemaPolicy, operation: OperationDefinitionNode): string | undefined {
  const directive = operation.directives?.find((node) => node.name.value === 'purpose');
  const value = directive?.arguments?.find((arg) => arg.name.value === 'is')?.value;
  return value?.kind === Kind.ENUM && purposes.has(value.value) ? value.value : undefined;
}

class Walk {
  readonly reached = new Set<number>();
  readonly selected = new Map<string, Set<string>>();
  readonly conditions = new Set<string>();
  readonly recurring = new Set<number>();
  readonly #responseKeys = new Map<number, string>();
  readonly #policy: SchemaPolicy;
  readonly #document: ExecutableDocument;
  readonly #visited = new Map<SelectionSetNode, Set<string>>();

  constructor(policy: SchemaPolicy, document: ExecutableDocument) {
    this.#policy = policy;
    this.#document = document;
  }

  selections(set: SelectionSetNode, types: readonly GraphQLObjectType[]): void {
    if (types.length === 0 || !this.#enter(set, types)) return;
    for (const selection of set.selections) {
      this.#noteConditions(selection.directives);
      if (selection.kind === Kind.FIELD) this.#field(selection, types);
      else {
        const fragment = this.#document.fragmentOf(selection);
        if (fragment) this.selections(fragment.selectionSet, this.#narrow(types, fragment.typeCondition?.name.value));
      }
    }
  }

  #field(node: FieldNode, types: readonly GraphQLObjectType[]): void {
    const name = node.name.value;
    const inner = new Set<GraphQLObjectType>();
    for (const type of types) {
      const field = type.getFields()[name];
      if (!field) continue;
      const fields = this.selected.get(type.name);
      if (fields) fields.add(name);
      else this.selected.set(type.name, new Set([name]));
      this.#reach(type.name, name);
      this.#noteResponseKey(type.name, node);
      this.#arguments(node, type.name);
      if (node.selectionSet) {
        for (const possible of this.#policy.possibleTypes(getNamedType(field.type).name)) inner.add(possible);
      }
    }
    if (node.selectionSet) this.selections(node.selectionSet, [...inner]);
  }

  #reach(type: string, field: string): void {
    const coordinate = this.#policy.coordinate(type, field);
    if (!coordinate || this.reached.has(coordinate.index)) return;
    this.reached.add(coordinate.index);
    for (const source of coordinate.sources) {
      const { type: sourceType, field: sourceField } = this.#policy.coordinates[source] ?? coordinate;
      this.#reach(sourceType, sourceField);
    }
  }

  #noteResponseKey(type: string, node: FieldNode): void {
    const index = this.#policy.coordinate(type, node.name.value)?.index;
    if (index === undefined) return;
    const key = node.alias?.value ?? node.name.value;
    const known = this.#responseKeys.get(index);
    if (known === undefined) this.#responseKeys.set(index, key);
    else if (known !== key) this.recurring.add(index);
  }

  #arguments(node: FieldNode, type: string): void {
    const bindings = this.#policy.bindings(type, node.name.value);
    if (!bindings) return;
    const read = new Set<string>();
    for (const [name, binding] of bindings) {
      const written = node.arguments?.find((arg) => arg.name.value === name);
      if (written) fieldsInLiteral(binding, written.value, read);
      else fieldsInDefault(binding, read);
    }
    for (const coordinate of read) {
      const [readType = '', readField = ''] = coordinate.split('.');
      for (const possible of this.#policy.possibleTypes(readType)) {
        this.#reach(possible.name, readField);
        const index = this.#policy.coordinate(possible.name, readField)?.index;
        if (index !== undefined) this.recurring.add(index);
      }
    }
  }

  #noteConditions(directives: readonly DirectiveNode[] | undefined): void {
    for (const directive of directives ?? []) {
      if (directive.name.value !== 'skip' && directive.name.value !== 'include') continue;
      const value = directive.arguments?.find((arg) => arg.name.value === 'if')?.value;
      if (value?.kind === Kind.VARIABLE) this.conditions.add(value.name.value);
    }
  }

  #narrow(types: readonly GraphQLObjectType[], condition: string | undefined): readonly GraphQLObjectType[] {
    if (condition === undefined) return types;
    const possible = this.#policy.possibleTypes(condition);
    return types.filter((type) => possible.includes(type));
  }

  #enter(set: SelectionSetNode, types: readonly GraphQLObjectType[]): boolean {
    const key = types
      .map(({ name }) => name)
      .sort()
      .join();
    const keys = this.#visited.get(set) ?? new Set();
    this.#visited.set(set, keys);
    if (keys.has(key)) return false;
    keys.add(key);
    return true;
  }
}
