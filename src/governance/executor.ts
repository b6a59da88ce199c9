import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  getNullableType,
  isLeafType,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql';
import { type Completion, completedLater, completionOf } from './completion';
import {
  abandon,
  type Data,
  type Executable,
  type ExecutableFields,
  type Execution,
  fail,
  infoOf,
  nowhere,
  type Path,
  type Place,
  pathOf,
} from './execution';
import { argumentsFor } from './field-arguments';
import { plainGuardOf, releaseProperty } from './guards';
import { isPromise } from './promises';

type Source = Readonly<Record<string, unknown>> | null | undefined;
/** What a field of an object gives: its completed value, or a promise of it. */
type Field = (source: unknown, execution: Execution, parent: Path | undefined) => unknown;
interface NamedField {
  readonly key: string;
  readonly execute: Field;
}

/**
 * Fields of one object type in one place of an operation. Executing them follows graphql's algorithm (spec, section 6):
 * a field's error becomes null where that is allowed, and the parent's where it is not.
 */
export class ObjectFields implements ExecutableFields {
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

const caught = (done: Promise<unknown>, place: Place, execution: Execution, parent: Path | undefined) =>
  done.then(undefined, (error) => fail(error, place, pathOf(place, parent), execution));
