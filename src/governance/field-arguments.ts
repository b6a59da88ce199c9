import { type FieldNode, type GraphQLField, getArgumentValues, type ValueNode, visit } from 'graphql';

type Variables = Readonly<Record<string, unknown>>;

/** A field's arguments; those that depend on no variable are coerced once, and copied: they are the resolver's own. */
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

/** Whether what a value says differs between requests, or could be changed by whoever gets it. */
function isChanging(value: ValueNode): boolean {
  let changing = false;
  const found = () => {
    changing = true;
  };
  visit(value, { Variable: found, ObjectValue: found, ListValue: found });
  return changing;
}
