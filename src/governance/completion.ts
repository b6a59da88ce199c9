import {
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import { abandon, type ExecutableFields, type Execution, fail, infoOf, type Path, type Place } from './execution';
import { PlaceError } from './messages';
import { isPromise } from './promises';

/** Turns a resolved value into the response's. `path` is the value's place. */
export type Completion = (value: unknown, execution: Execution, path: Path) => unknown;

export function completionOf(place: Place, type: GraphQLOutputType): Completion {
  if (isNonNullType(type)) {
    const complete = completionOf(place, type.ofType);
    const { parentType, definition } = place;
    return (value, execution, path) => {
      const done = complete(value, execution, path);
      if (done !== null) return done;
      throw new PlaceError(`Cannot return null for non-nullable field ${parentType.name}.${definition.name}.`);
    };
  }
  const complete = isLeafType(type)
    ? leafCompletion(type)
    : isListType(type)
      ? listCompletion(place, type.ofType)
      : isObjectType(type)
        ? objectCompletion(place, type)
        : abstractCompletion(place, type);
  return (value, execution, path) => {
    if (value instanceof Error) throw value;
    return value === null || value === undefined ? null : complete(value, execution, path);
  };
}

function leafCompletion(type: GraphQLLeafType): Completion {
  const isText = isSpecifiedScalarType(type) && (type.name === 'String' || type.name === 'ID');
  return (value) => {
    if (isText && typeof value === 'string') return value;
    const serialized = serializedBy(type, value);
    if (serialized !== null && serialized !== undefined) return serialized;
    throw new Error(`${type.name} gave nothing for a value.`);
  };
}

/** A scalar's own error may repeat the value, so it is wrapped and never answered, even if it has a code. */
function serializedBy(type: GraphQLLeafType, value: unknown): unknown {
  try {
    return type.serialize(value);
  } catch (cause) {
    throw new Error(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function listCompletion(place: Place, itemType: GraphQLOutputType): Completion {
  const complete = completionOf(place, itemType);
  const { parentType, definition } = place;
  return (list, execution, path) => {
    if (!isIterable(list)) {
      throw new GraphQLError(
        `Expected Iterable, but did not find one for field "${parentType.name}.${definition.name}".`,
      );
    }
    const items = itemsOf(list);
    const done: unknown[] = [];
    let pending: Promise<unknown>[] | undefined;
    try {
      for (const item of items) {
        const itemPath = { prev: path, key: done.length, typename: undefined };
        const value = completedItem(item, place, itemType, complete, execution, itemPath);
        if (isPromise(value)) {
          pending ??= [];
          pending.push(value);
        }
        done.push(value);
      }
    } catch (error) {
      abandon(pending);
      abandon(items);
      throw error;
    }
    return pending === undefined ? done : Promise.all(done);
  };
}

function itemsOf(list: Iterable<unknown>): readonly unknown[] {
  if (Array.isArray(list)) return list;
  const items: unknown[] = [];
  try {
    for (const item of list) items.push(item);
    return items;
  } catch (error) {
    abandon(items);
    throw error;
  }
}

function completedItem(
  item: unknown,
  place: Place,
  type: GraphQLOutputType,
  complete: Completion,
  execution: Execution,
  path: Path,
): unknown {
  try {
    const done = isPromise(item) ? completedLater(item, complete, execution, path) : complete(item, execution, path);
    return isPromise(done) ? itemCaught(done, place, type, execution, path) : done;
  } catch (error) {
    return fail(error, place, path, execution, type);
  }
}

const itemCaught = (
  done: Promise<unknown>,
  place: Place,
  type: GraphQLOutputType,
  execution: Execution,
  path: Path,
): Promise<unknown> => done.then(undefined, (error) => fail(error, place, path, execution, type));

/** The fields selected of each object type in a place, compiled when the type is first met. */
function fieldsByType({ executable, nodes }: Place): (type: GraphQLObjectType) => ExecutableFields {
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const known = new Map<GraphQLObjectType, ExecutableFields>();
  return (type) => {
    const fields = known.get(type) ?? executable.fieldsOf(type, sets);
    known.set(type, fields);
    return fields;
  };
}

function objectCompletion(place: Place, type: GraphQLObjectType, fieldsOf = fieldsByType(place)): Completion {
  const { isTypeOf } = type;
  if (!isTypeOf) return (value, execution, path) => fieldsOf(type).execute(value, execution, path);
  const checked = (is: boolean, value: unknown, execution: Execution, path: Path) => {
    if (is) return fieldsOf(type).execute(value, execution, path);
    throw new GraphQLError(`Expected value of type "${type.name}".`);
  };
  return (value, execution, path) => {
    const is = isTypeOf(value, execution.enforcement, infoOf(place, execution, path));
    return isPromise(is)
      ? is.then((settled) => checked(Boolean(settled), value, execution, path))
      : checked(is, value, execution, path);
  };
}

function abstractCompletion(place: Place, type: GraphQLAbstractType): Completion {
  const { schema } = place.executable.selections;
  const fieldsOf = fieldsByType(place);
  const byType = new Map<GraphQLObjectType, Completion>();
  const completeAs = (name: unknown, value: unknown, execution: Execution, path: Path) => {
    const concrete = typeof name === 'string' ? schema.getType(name) : undefined;
    if (!isObjectType(concrete) || !schema.isSubType(type, concrete)) {
      throw new GraphQLError(`Abstract type "${type.name}" was not resolved to one of its possible types.`);
    }
    const complete = byType.get(concrete) ?? objectCompletion(place, concrete, fieldsOf);
    byType.set(concrete, complete);
    return complete(value, execution, path);
  };
  return (value, execution, path) => {
    const name = type.resolveType?.(value, execution.enforcement, infoOf(place, execution, path), type);
    return isPromise(name)
      ? name.then((settled) => completeAs(settled, value, execution, path))
      : completeAs(name, value, execution, path);
  };
}

export const completedLater = (value: Promise<unknown>, complete: Completion, execution: Execution, path: Path) =>
  value.then((given) => complete(given, execution, path));

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
