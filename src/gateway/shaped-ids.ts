import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { rowSourceOf, setRowSource } from '../governance/govern';
import { shapedId } from '../storage/ids';

type Shape = (value: unknown) => unknown;
type Values = Readonly<Record<string, unknown>>;

/**
 * Normalises every id in arguments, at any depth, to a form that every database engine compares alike: in one place,
 * for all present and future operations.
 */
export function shapeIds(schema: GraphQLSchema): void {
  const known = new Map<GraphQLInputObjectType, Shape>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const shape = shapeOfFields(field.args, known);
      const { resolve, subscribe } = field;
      if (!shape) continue;
      if (resolve)
        field.resolve = (source, args, context, info) => resolve(source, shape(args) as never, context, info);
      const source = rowSourceOf(field);
      if (source)
        setRowSource(field, {
          ...source,
          read: (request) => source.read({ ...request, args: shape(request.args) as Values }),
        });
      if (subscribe)
        field.subscribe = (source, args, context, info) => subscribe(source, shape(args) as never, context, info);
    }
  }
}

function holdsIds(type: GraphQLInputType, seen = new Set<GraphQLInputType>()): boolean {
  if (isNonNullType(type) || isListType(type)) return holdsIds(type.ofType, seen);
  if (!isInputObjectType(type)) return type.name === 'ID';
  if (seen.has(type)) return false;
  seen.add(type);
  return Object.values(type.getFields()).some((field) => holdsIds(field.type, seen));
}

function shapeOf(type: GraphQLInputType, known: Map<GraphQLInputObjectType, Shape>): Shape | undefined {
  if (isNonNullType(type)) return shapeOf(type.ofType, known);
  if (isListType(type)) {
    const item = shapeOf(type.ofType, known);
    return item && ((value) => (Array.isArray(value) ? value.map(item) : value));
  }
  if (!isInputObjectType(type)) {
    return type.name === 'ID' ? (value) => (typeof value === 'string' ? shapedId(value) : value) : undefined;
  }
  if (!holdsIds(type)) return undefined;
  const met = known.get(type);
  if (met) return met;
  // A recursive input type is met again before its shape is made.
  let made: Shape = (value) => value;
  known.set(type, (value) => made(value));
  made = shapeOfFields(Object.values(type.getFields()), known) ?? made;
  return made;
}

/** Shapes the ids among an object's values and keeps the others. */
function shapeOfFields(
  fields: ReadonlyArray<GraphQLArgument | GraphQLInputField>,
  known: Map<GraphQLInputObjectType, Shape>,
): Shape | undefined {
  const shapes = fields.flatMap(({ name, type }) => {
    const shape = shapeOf(type, known);
    return shape ? [[name, shape] as const] : [];
  });
  if (shapes.length === 0) return undefined;
  return (value) => {
    if (typeof value !== 'object' || value === null) return value;
    const shaped: Record<string, unknown> = { ...(value as Values) };
    for (const [name, shape] of shapes) if (name in shaped) shaped[name] = shape(shaped[name]);
    return shaped;
  };
}
