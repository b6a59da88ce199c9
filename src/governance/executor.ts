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
/** Executes a field: gives its completed value, or a promise of it. */
type Field = (source: unknown, execution: Execution, parent: Path | undefined) => unknown;
interface NamedField {
  readonly key: string;
  readonly execute: Field;
}

/**
 * The fields of one object type in one place of an operation. Execution follows graphql's specification (section 6): a
 * failed field becomes null if it is nullable; if not, its parent fails.
 */
export class ObjectFields implements ExecutableFields {
  readonly #fields: readonly NamedField[];
  readonly #Result = responseObject();

  constructor(executable: Executable, type: GraphQLObjectType, sets: readonly SelectionSetNode[]) {
    const fields = executable.selections.fieldsOf(type, sets);
    this.#fields = [...fields].map(([key, nodes]) => ({ key, execute: fieldOf(executable, type, key, nodes) }));
  }

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

  /** Executes one field after the other, as mutations are. */
  async executeInTurn(source: unknown, execution: Execution): Promise<Data> {
    const result = new this.#Result();
    for (const { key, execute } of this.#fields) result[key] = await execute(source, execution, undefined);
    return result;
  }
}

/*
 * Waiting for promises has functions of its own. V8 keeps the variables of a function on the heap if any code in it
 * makes a closure, and most fields of most rows are not promises.
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
 * A class of objects without a prototype, since a response key may be `__proto__`. Each place has a class of its own:
 * V8 learns how many properties its objects get, and stores them inline.
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
  // Cannot happen in a validated document.
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

/** A field without a resolver: a property of a plain row. */
function property(place: Place, complete: Completion): Field {
  const { name } = place.definition;
  const isLeaf = isLeafType(getNullableType(place.definition.type));
  return (source, execution, parent) => {
    try {
      const value = (source as Source)?.[name];
      // A leaf needs no path unless it fails.
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
  // The common case, which most fields of most rows take: no resolver is called, and no path is made unless needed.
  return (source, execution, parent) => {
    try {
      return complete(releaseProperty(guard, execution.enforcement, source, parent, key), execution, nowhere);
    } catch (error) {
      return fail(error, place, { prev: parent, key, typename: parentType.name }, execution);
    }
  };
}

/** Completes a value, waiting for it if it is a promise. */
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
