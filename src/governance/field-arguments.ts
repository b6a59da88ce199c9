import { type FieldNode, type GraphQLField, getArgumentValues, Kind, type ValueNode } from 'graphql';
import { eachNode } from './nodes';

type Variables = Readonly<Record<string, unknown>>;

/** Gives a field's arguments. If they depend on no variable they are coerced once, and copied for each call. */
export function argumentsFor(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode | undefined,
): (variables: Variables) => Record<string, unknown> {
  if (definition.args.length === 0 || !node) return () => ({});
  const coerce = (variables: Variables) => getArgumentValues(definition, node, variables);
  if ((node.arguments ?? []).some(({ value }) => isChanging(value))) return coerce;
  let known: Record<string, unknown> | undefined;
  return (variables) => {
    known ??= coerce(variables);
    return { ...known };
  };
}

/** Whether a value may differ between requests, or could be mutated by a resolver. */
function isChanging(value: ValueNode): boolean {
  let changing = false;
  eachNode(value, ({ kind }) => {
    if (kind === Kind.VARIABLE || kind === Kind.OBJECT || kind === Kind.LIST) changing = true;
  });
  return changing;
}
