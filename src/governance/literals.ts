import {
  type ASTNode,
  type ASTVisitor,
  GraphQLError,
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  Kind,
  type ObjectValueNode,
  specifiedRules,
  type ValidationContext,
  type ValidationRule,
  type ValueNode,
  ValuesOfCorrectTypeRule,
} from 'graphql';

type Parent = ASTNode | readonly ASTNode[] | undefined;

/**
 * graphql's rule on literals (spec, section 5.6.1) with messages of its own. Those of graphql and of scalars repeat
 * what was sent (docs/pitfalls.md, 14). These name only the place and the type.
 */
const literals: ValidationRule = (context) => {
  const leaf = (node: ValueNode, _key: unknown, parent: Parent) => {
    const type = context.getInputType();
    if (type && !takes(type, node)) context.reportError(unsuitable(type, node, parent));
  };
  const visitor: ASTVisitor = {
    ListValue(node, _key, parent) {
      if (isListType(getNullableType(context.getParentInputType()))) return undefined;
      leaf(node, _key, parent);
      return false;
    },
    ObjectValue(node, _key, parent) {
      if (isInputObjectType(getNamedType(context.getInputType()))) return incomplete(context, node);
      leaf(node, _key, parent);
      return false;
    },
    ObjectField(node) {
      const type = getNamedType(context.getParentInputType());
      if (context.getInputType() || !isInputObjectType(type)) return;
      const message = `Field "${node.name.value}" is not defined by type "${type.name}".`;
      context.reportError(new GraphQLError(message, { nodes: node }));
    },
    NullValue(node, _key, parent) {
      const type = context.getInputType();
      if (isNonNullType(type)) context.reportError(unsuitable(type, node, parent));
    },
    EnumValue: leaf,
    IntValue: leaf,
    FloatValue: leaf,
    StringValue: leaf,
    BooleanValue: leaf,
  };
  return visitor;
};

/** graphql's validation rules, none of which repeats a value. */
export const valueFreeRules: readonly ValidationRule[] = specifiedRules.map((rule) =>
  rule === ValuesOfCorrectTypeRule ? literals : rule,
);

function takes(type: GraphQLInputType, node: ValueNode): boolean {
  const named = getNamedType(type);
  if (!isLeafType(named)) return false;
  try {
    return named.parseLiteral(node, undefined) !== undefined;
  } catch {
    return false;
  }
}

function unsuitable(type: GraphQLInputType, node: ValueNode, parent: Parent): GraphQLError {
  const isNamed = parent && 'kind' in parent && (parent.kind === Kind.ARGUMENT || parent.kind === Kind.OBJECT_FIELD);
  const place = isNamed ? ` for "${parent.name.value}"` : '';
  return new GraphQLError(`Expected value of type "${type}"${place}.`, { nodes: node });
}

function incomplete(context: ValidationContext, node: ObjectValueNode): undefined {
  const type = getNamedType(context.getInputType());
  if (!isInputObjectType(type)) return;
  const given = new Map(node.fields.map(({ name, value }) => [name.value, value]));
  for (const field of Object.values(type.getFields())) {
    if (given.has(field.name) || !isRequiredInputField(field)) continue;
    const message = `Field "${type.name}.${field.name}" of required type "${field.type}" was not provided.`;
    context.reportError(new GraphQLError(message, { nodes: node }));
  }
  const [only, another] = [...given.values()];
  if (type.isOneOf && (!only || another || only.kind === Kind.NULL)) {
    const message = `Type "${type.name}" takes exactly one field, and not null.`;
    context.reportError(new GraphQLError(message, { nodes: node }));
  }
}
