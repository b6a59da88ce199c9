import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/**
 * How many fields graphql-jit would write code for: one for each path and each concrete type along it, so that an
 * interface of two types under itself doubles them at each level (pitfall 21). Each selection set is counted once a
 * type, whatever it multiplies to.
 */
export function compiledSize(schema: GraphQLSchema, document: DocumentNode, root: GraphQLObjectType): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  const counted = new Map<SelectionSetNode, Map<string, number>>();
  let size = 0;
  for (const node of document.definitions) {
    if (node.kind === Kind.OPERATION_DEFINITION) size += count(node.selectionSet, root);
  }
  return size;

  function count(set: SelectionSetNode, type: GraphQLObjectType): number {
    const byType = counted.get(set) ?? new Map<string, number>();
    counted.set(set, byType);
    const known = byType.get(type.name);
    if (known !== undefined) return known;
    let total = 0;
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        total += 1 + (selection.selectionSet ? below(selection.selectionSet, type, selection.name.value) : 0);
        continue;
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      if (fragment && applies(fragment.typeCondition?.name.value, type)) total += count(fragment.selectionSet, type);
    }
    byType.set(type.name, total);
    return total;
  }

  function below(set: SelectionSetNode, parent: GraphQLObjectType, field: string): number {
    const type = getNamedType(parent.getFields()[field]?.type);
    const concrete = isAbstractType(type) ? schema.getPossibleTypes(type) : isObjectType(type) ? [type] : [];
    return concrete.reduce((total, possible) => total + count(set, possible), 0);
  }

  function applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const on = schema.getType(condition);
    return isAbstractType(on) && schema.isSubType(on, type);
  }
}
