import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  getNullableType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  locatedError,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql';
import { type Enforcement, responsePath } from './enforcement';
import { argumentsFor } from './field-arguments';
import { plainGuardOf, releaseProperty } from './guards';
import { PlaceError } from './messages';
import type { Selections } from './selection';

type Path = NonNullable<GraphQLResolveInfo['path']>;
type Source = Readonly<Record<string, unknown>> | null | undefined;
/** What a field of an object gives: its completed value, or a promise of it. */
type Field = (source: unknown, execution: Execution, parent: Path | undefined) => unknown;
/** Makes of a resolved value what the response says. `path` is the value's place. */
type Completion = (value: unknown, execution: Execution, path: Path) => unknown;

/** The parts of an operation that its execution and its resolvers' `info` are made of. */
export interface Executable {
  readonly selections: Selections;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Record<string, FragmentDefinitionNode>;
}

/** One run of an operation. */
export class Execution {
  readonly errors: GraphQLError[] = [];

  constructor(
    readonly enforcement: Enforcement,
    readonly rootValue: unknown,
    readonly variables: Readonly<Record<string, unknown>>,
  ) {}
}

type Data = Record<string, unknown>;

interface NamedField {
  readonly key: string;
  readonly execute: Field;
}

/**
 * Fields of one object type in one place of an operation. Executing them follows graphql's algorithm (spec, section 6):
 * a field's error becomes null where that is allowed, and the parent's where it is not.
 */
export class ObjectFields {
  readonly #fields: readonly NamedField[];
  readonly #Result = responseObject();

  constructor(executable: Executable, type: GraphQLObjectType, sets: readonly SelectionSetNode[]) {
    const fields = executable.selections.fieldsOf(type, sets);
    this.#fields = [...fields].map(([key, nodes]) => ({ key, execute: fieldOf(executable, type, key, nodes) }));
  }

  /** All fields; the result is a promise where one of theirs is. */
  execute(source: unknown, execution: Execution, path: Path | undefined): Data | Promise<Data> {
    const result = new this.#Result();
    let pending: Promise<void>[] | undefined;
    try {
      for (const field of this.#fields) {
        const value = field.execute(source, execution, path);
        result[field.key] = value;
        if (isPromise(value)) {
          pending ??= [];
          pending.push(filledIn(result, field.key, value));
        }
      }
    } catch (error) {
      abandon(pending);
      throw error;
    }
    if (pending === undefined) return result;
    return filled(result, pending);
  }

  /** One field after the other, as a mutation's are. */
  async executeInTurn(source: unknown, execution: Execution): Promise<Data> {
    const result = new this.#Result();
    for (const { key, execute } of this.#fields) result[key] = await execute(source, execution, undefined);
    return result;
  }
}

/*
 * What waits for a promise is in functions of its own: a function that makes a closure somewhere keeps its variables on
 * the heap from its first line, and most fields of most rows wait for nothing.
 */
async function filledIn(result: Data, key: string, value: Promise<unknown>): Promise<void> {
  result[key] = await value;
}

function filled(result: Data, pending: ReadonlyArray<Promise<void>>): Promise<Data> {
  const [only, another] = pending;
  return (only && !another ? only : Promise.all(pending)).then(() => result);
}

const noPrototype = Object.create(null) as object;

/**
 * Makes objects without a prototype, since a response key may be `__proto__`. By a constructor of their own: the engine
 * learns how many properties they get, and keeps them in the object itself.
 */
function responseObject(): new () => Data {
  function response() {}
  response.prototype = noPrototype;
  return response as unknown as new () => Data;
}

/** What is under way when its parent has failed already: nobody waits for it, and its failure must not end the process. */
function abandon(values: readonly unknown[] | undefined): void {
  for (const value of values ?? []) if (isPromise(value)) value.then(undefined, () => undefined);
}

/** A field at its place, with all that does not depend on the request. */
interface Place {
  readonly executable: Executable;
  readonly parentType: GraphQLObjectType;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly key: string;
  readonly nodes: readonly FieldNode[];
}

function fieldOf(
  executable: Executable,
  parentType: GraphQLObjectType,
  key: string,
  nodes: readonly FieldNode[],
): Field {
  const name = nodes[0]?.name.value ?? '';
  if (name === '__typename') return () => parentType.name;
  const definition = definitionOf(executable, parentType, name);
  // Validation knows no such field; graphql leaves it out, and null is as good.
  if (!definition) return () => null;
  const place: Place = { executable, parentType, definition, key, nodes };
  const complete = completionOf(place, definition.type);
  if (definition.resolve) return resolved(place, complete, definition.resolve);
  return property(place, complete);
}

function definitionOf(
  { selections: { schema } }: Executable,
  parentType: GraphQLObjectType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (parentType === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  }
  return parentType.getFields()[name];
}

/** A field without a resolver: a plain row's property. */
function property(place: Place, complete: Completion): Field {
  const { name } = place.definition;
  const isLeaf = isLeafType(getNullableType(place.definition.type));
  return (source, execution, parent) => {
    try {
      const value = (source as Source)?.[name];
      // A leaf's place is known only where something is wrong with it.
      const path = isLeaf ? nowhere : pathOf(place, parent);
      return settle(place, value, complete, execution, parent, path);
    } catch (error) {
      return fail(error, place, pathOf(place, parent), execution);
    }
  };
}

function resolved(place: Place, complete: Completion, resolve: NonNullable<Place['definition']['resolve']>): Field {
  const { definition, key, parentType } = place;
  const argumentsOf = argumentsFor(place.definition, place.nodes[0]);
  const call: Field = (source, execution, parent) => {
    const path = pathOf(place, parent);
    try {
      const given = argumentsOf(execution.variables);
      const value = resolve(source, given, execution.enforcement, infoOf(place, execution, path));
      return settle(place, value, complete, execution, parent, path);
    } catch (error) {
      return fail(error, place, path, execution);
    }
  };
  const guard = plainGuardOf(definition);
  if (guard === undefined) return call;
  // Most fields of most rows: nothing is called, and nothing said of their place unless it is asked.
  return (source, execution, parent) => {
    try {
      return complete(releaseProperty(guard, execution.enforcement, source, parent, key), execution, nowhere);
    } catch (error) {
      return fail(error, place, { prev: parent, key, typename: parentType.name }, execution);
    }
  };
}

/** Completes a value, waited for where it is promised. */
function settle(
  place: Place,
  value: unknown,
  complete: Completion,
  execution: Execution,
  parent: Path | undefined,
  path: Path,
): unknown {
  const done = isPromise(value) ? completedLater(value, complete, execution, path) : complete(value, execution, path);
  return isPromise(done) ? caught(done, place, execution, parent) : done;
}

const completedLater = (value: Promise<unknown>, complete: Completion, execution: Execution, path: Path) =>
  value.then((given) => complete(given, execution, path));

const caught = (done: Promise<unknown>, place: Place, execution: Execution, parent: Path | undefined) =>
  done.then(undefined, (error) => fail(error, place, pathOf(place, parent), execution));

const nowhere: Path = { prev: undefined, key: '', typename: undefined };
const pathOf = ({ key, parentType }: Place, prev: Path | undefined): Path => ({ prev, key, typename: parentType.name });

/** Nulls a value that failed, or throws what its parent fails with. */
function fail(raw: unknown, place: Place, path: Path, { errors }: Execution, type = place.definition.type): null {
  const error = locatedError(raw, place.nodes, responsePath(path));
  if (isNonNullType(type)) throw error;
  errors.push(error);
  return null;
}

function infoOf({ executable, parentType, definition, nodes }: Place, execution: Execution, path: Path) {
  const info: GraphQLResolveInfo = {
    fieldName: definition.name,
    fieldNodes: nodes,
    returnType: definition.type,
    parentType,
    path,
    schema: executable.selections.schema,
    fragments: executable.fragments,
    rootValue: execution.rootValue,
    operation: executable.operation,
    variableValues: execution.variables as Record<string, unknown>,
  };
  return info;
}

function completionOf(place: Place, type: GraphQLOutputType): Completion {
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

/** What a scalar says of a value that it cannot give is not made for callers, with a code or without. */
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

/** The fields asked of each object type that stands in a place, made when the type is first met there. */
function fieldsByType({ executable, nodes }: Place): (type: GraphQLObjectType) => ObjectFields {
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const known = new Map<GraphQLObjectType, ObjectFields>();
  return (type) => {
    const fields = known.get(type) ?? new ObjectFields(executable, type, sets);
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

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
