import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  isNonNullType,
  locatedError,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { type Enforcement, responsePath } from './enforcement';
import { isPromise } from './promises';
import type { Selections } from './selection';

export type Path = NonNullable<GraphQLResolveInfo['path']>;
/** What an operation's execution and its resolvers' `info` are made of. */
export interface Executable {
  readonly selections: Selections;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Record<string, FragmentDefinitionNode>;
  /** The fields that selection sets select of one object type, ready to execute. */
  fieldsOf(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): ExecutableFields;
}

export type Data = Record<string, unknown>;

/** Fields of one object type in one place of an operation. */
export interface ExecutableFields {
  /** Executes all fields. The result is a promise if that of any field is. */
  execute(source: unknown, execution: Execution, path: Path | undefined): Data | Promise<Data>;
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

/** A field at its place, with everything that does not depend on the request. */
export interface Place {
  readonly executable: Executable;
  readonly parentType: GraphQLObjectType;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly key: string;
  readonly nodes: readonly FieldNode[];
}

/** Stands in for a path that is needed only if something fails. */
export const nowhere: Path = { prev: undefined, key: '', typename: undefined };
export const pathOf = ({ key, parentType }: Place, prev: Path | undefined): Path => ({
  prev,
  key,
  typename: parentType.name,
});

/** Makes a failed value null, or throws its error to the parent if it is non-null. */
export function fail(
  raw: unknown,
  place: Place,
  path: Path,
  { errors }: Execution,
  type = place.definition.type,
): null {
  const error = locatedError(raw, place.nodes, responsePath(path));
  if (isNonNullType(type)) throw error;
  errors.push(error);
  return null;
}

/** The `info` argument of a resolver. */
export function infoOf({ executable, parentType, definition, nodes }: Place, execution: Execution, path: Path) {
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

/** Ignores promises whose parent has failed already, so that their rejection does not end the process. */
export function abandon(values: readonly unknown[] | undefined): void {
  for (const value of values ?? []) if (isPromise(value)) value.then(undefined, () => undefined);
}
