import {
  type FieldNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNullableType,
  isListType,
  isNonNullType,
  isObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { Answer, Batch, Draft, type FieldsOf, type RowsField, type Variables, type WriteGroup } from './answer';
import type { Decision } from './decision';
import type { Enforcement, ResponsePath } from './enforcement';
import { argumentsFor } from './field-arguments';
import { argumentsPermitted, isProperty } from './guards';
import {
  fixed,
  type Member,
  member,
  membersWriter,
  propertyWriter,
  type RowRun,
  rulingOf,
  Unwritable,
  type Writing,
} from './row-fields';
import { allDone } from './row-reads';
import { type RowCells, type RowGroup, type RowSource, rowSourceOf, UnlikeParents } from './row-source';
import type { Coordinate, SchemaPolicy } from './schema-policy';
import type { Selections } from './selection';

/** An answer's data as JSON, and the errors of what could not be read. */
export interface WrittenAnswer {
  readonly text: string;
  readonly errors: readonly GraphQLError[];
}

/** Writes the answer of one operation under one decision. */
export interface AnswerWriter {
  /**
   * @returns undefined where the executor must answer: nothing of what was written is given then
   * @throws whatever fails and should not: the executor must answer then too
   */
  write(enforcement: Enforcement, variables: Variables): Promise<WrittenAnswer | undefined>;
}

/**
 * Compiles an operation whose fields are rows to what writes its answer from their cells. It says what the executor
 * says, in the same order, with the same counts (docs/adr/0009-rows-are-written.md).
 * @returns undefined where a field is no row's, or the decision refuses something as a whole: the executor answers
 */
export function compileWriter(
  selections: Selections,
  operation: OperationDefinitionNode,
  policy: SchemaPolicy,
  decision: Decision,
): AnswerWriter | undefined {
  const root = selections.schema.getQueryType();
  if (!root || operation.operation !== 'query') return undefined;
  const slots = new Map<string | number, number>();
  const slotOf = ({ index, rule }: Coordinate): number => {
    const asked = rule.rows && rule.category === undefined ? index : (rule.category ?? '');
    const slot = slots.get(asked) ?? slots.size;
    slots.set(asked, slot);
    return slot;
  };
  const writing: Writing = { selections, policy, decision, slotOf };
  try {
    return new Writer([...selections.fieldsOf(root, [operation.selectionSet])].map(rootField(writing, root)));
  } catch (error) {
    if (error instanceof Unwritable) return undefined;
    throw error;
  }
}

interface RootField extends RowsField {
  readonly path: ResponsePath;
  /** Whether a filter or the like reads nothing that is withheld. */
  permits(enforcement: Enforcement, variables: Variables): boolean;
}

class Writer implements AnswerWriter {
  readonly #fields: ReadonlyArray<RootField | string>;

  /** @param fields those of the root; a text stands as it is */
  constructor(fields: ReadonlyArray<RootField | string>) {
    this.#fields = fields;
  }

  async write(enforcement: Enforcement, variables: Variables): Promise<WrittenAnswer | undefined> {
    try {
      return await this.#write(enforcement, variables);
    } catch (error) {
      if (error instanceof Unwritable || error instanceof UnlikeParents) return undefined;
      throw error;
    }
  }

  async #write(enforcement: Enforcement, variables: Variables): Promise<WrittenAnswer> {
    // All before the first read: what is refused is answered by the executor, which reads again.
    for (const field of this.#fields) {
      if (typeof field !== 'string' && !field.permits(enforcement, variables)) throw new Unwritable();
    }
    const answer = new Answer(enforcement, variables);
    const draft = new Draft();
    draft.add('{');
    const reads: Array<Promise<void>> = [];
    for (const field of this.#fields) {
      if (typeof field === 'string') {
        draft.add(field);
        continue;
      }
      draft.add(field.prefix);
      const batch = new Batch();
      batch.paths.push(field.path);
      batch.places.push(draft.later());
      reads.push(answer.fill(field, batch));
    }
    await allDone(reads);
    draft.add('}');
    return { text: draft.text, errors: answer.errors };
  }
}

const rootField =
  (writing: Writing, root: GraphQLObjectType) =>
  ([key, nodes]: [string, FieldNode[]], place: number): RootField | string => {
    const name = nodes[0]?.name.value ?? '';
    if (name === '__typename') return member(key, place) + JSON.stringify(root.name);
    const definition = root.getFields()[name];
    const field = definition && rowsField(writing, root, definition, key, nodes, place, () => undefined);
    // What is refused as a whole is rare, and quickly answered.
    if (field?.ruling.outcome !== 'CLEAR' || field.ruling.slot !== undefined) throw new Unwritable();
    const { policy } = writing;
    const bindings = policy.bindings(root.name, name);
    const guard = { policy, field: `${root.name}.${name}`, nonNull: false };
    const path: ResponsePath = { prev: undefined, key };
    const permits: RootField['permits'] = (enforcement, variables) =>
      !bindings || argumentsPermitted(guard, bindings, givenTo(field, variables), enforcement, path);
    return { ...field, path, permits };
  };

/** A field's arguments. That they are not sound is told by the executor. */
function givenTo(field: RowsField, variables: Variables): Record<string, unknown> {
  try {
    return field.argumentsOf(variables);
  } catch (error) {
    throw error instanceof GraphQLError ? new Unwritable() : error;
  }
}

/** @returns undefined where no source is declared */
function rowsField(
  writing: Writing,
  type: GraphQLObjectType,
  definition: GraphQLField<unknown, unknown>,
  key: string,
  nodes: readonly FieldNode[],
  place: number,
  parentField: FieldsOf,
): RowsField | undefined {
  const source = rowSourceOf(definition);
  if (!source) return undefined;
  const { decision } = writing;
  const ruling = rulingOf(writing, type.name, definition.name);
  if (isNonNullType(definition.type) || ruling.outcome === 'DEIDENTIFIED') throw new Unwritable();
  return {
    prefix: member(key, place),
    key,
    nodes,
    source,
    ruling,
    argumentsOf: argumentsFor(definition, nodes[0]),
    parentField,
    write: groupWriter(writing, source, source.fieldsFor(decision), definition.type, setsOf(nodes)),
  };
}

function groupWriter(
  writing: Writing,
  source: RowSource,
  fieldsOf: FieldsOf,
  type: GraphQLOutputType,
  sets: readonly SelectionSetNode[],
): WriteGroup {
  if (source.as === 'connection') return connectionWriter(writing, fieldsOf, objectOf(type), sets);
  const writeRow = rowWriter(writing, fieldsOf, objectOf(source.as === 'list' ? itemOf(type) : type), sets);
  if (source.as === 'list') return (group, path, draft, answer) => writeList(writeRow, group, path, draft, answer);
  return ({ rows, markOf }, { prev, key }, draft, answer) => {
    const [row] = rows;
    if (row) writeRow(row, markOf(0), prev, key, draft, answer);
    else draft.add('null');
  };
}

type WriteRow = (
  cells: RowCells,
  mark: unknown,
  prev: ResponsePath | undefined,
  key: string | number,
  draft: Draft,
  answer: Answer,
) => void;

function writeList(writeRow: WriteRow, group: RowGroup, path: ResponsePath, draft: Draft, answer: Answer): void {
  const { rows } = group;
  for (let index = 0; index < rows.length; index++) {
    draft.add(index === 0 ? '[' : ',');
    writeRow(rows[index] as RowCells, group.markOf(index), path, index, draft, answer);
  }
  draft.add(rows.length === 0 ? '[]' : ']');
}

function rowWriter(
  writing: Writing,
  fieldsOf: FieldsOf,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): WriteRow {
  if (type.isTypeOf) throw new Unwritable();
  const parts: Array<{ write: ReturnType<typeof membersWriter>; rows: RowsField | undefined }> = [];
  let members: Member[] = [];
  /** Ends a part: before rows of the row, or with the row. */
  const end = (text: string, rows?: RowsField): void => {
    const write = members.length === 0 ? () => text : membersWriter([...members, fixed('', text)]);
    parts.push({ write, rows });
    members = [];
  };
  const fields = [...writing.selections.fieldsOf(type, sets)];
  for (const [index, [key, nodes]] of fields.entries()) {
    const name = nodes[0]?.name.value ?? '';
    const prefix = (index === 0 ? '{' : '') + member(key, index);
    const definition = type.getFields()[name];
    const rows = definition && rowsField(writing, type, definition, key, nodes, index, fieldsOf);
    // Its arguments are to be judged before its row is.
    if (rows && writing.policy.bindings(type.name, name)) throw new Unwritable();
    if (rows) end(prefix, rows);
    else if (name === '__typename') members.push(fixed(prefix, JSON.stringify(type.name)));
    else members.push({ prefix, ...propertyWriter(writing, type, name, key, setsOf(nodes), fieldsOf) });
  }
  // @skip may leave out all of them.
  end(fields.length === 0 ? '{}' : '}');
  return (cells, mark, prev, key, draft, answer) => {
    const { run } = answer;
    run.at(mark, prev, key);
    for (const { write, rows } of parts) {
      draft.add(write(cells, run));
      if (!rows) continue;
      if (isWithheld(rows, run)) draft.add('null');
      else {
        const batch = answer.batchOf(rows);
        batch.parents.push({ cells, mark });
        batch.paths.push({ prev: run.path, key: rows.key });
        batch.places.push(draft.later());
      }
    }
  };
}

/** Whether the rows of a row are not given. It is counted. */
function isWithheld({ ruling: { coordinate, outcome, slot }, key }: RowsField, run: RowRun): boolean {
  if (!coordinate) return false;
  const refusal = slot === undefined ? undefined : run.refusal(coordinate, slot);
  if (outcome === 'CLEAR' && refusal === undefined) return false;
  run.withhold(coordinate, refusal, key);
  return true;
}

function connectionWriter(
  writing: Writing,
  fieldsOf: FieldsOf,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): WriteGroup {
  return partsWriter(writing, type, sets, {
    nodes: (nodes, definition, key) => {
      const writeRow = rowWriter(writing, fieldsOf, objectOf(itemOf(definition)), setsOf(nodes));
      return (group, path, draft, answer) => writeList(writeRow, group, { prev: path, key }, draft, answer);
    },
    edges: (nodes, definition, key) => {
      const writeEdge = edgeWriter(writing, fieldsOf, objectOf(itemOf(definition)), setsOf(nodes));
      return (group, path, draft, answer) => writeList(writeEdge(group), group, { prev: path, key }, draft, answer);
    },
    pageInfo: (nodes, definition) =>
      partsWriter(writing, objectOf(definition), setsOf(nodes), {
        hasNextPage: () => (group, _path, draft) => draft.add(String(pageOf(group).hasNextPage)),
        hasPreviousPage: () => (group, _path, draft) => draft.add(String(pageOf(group).hasPreviousPage)),
        startCursor: () => (group, _path, draft) => draft.add(cursorAt(group, 0)),
        endCursor: () => (group, _path, draft) => draft.add(cursorAt(group, group.rows.length - 1)),
      }),
  });
}

function edgeWriter(
  writing: Writing,
  fieldsOf: FieldsOf,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): (group: RowGroup) => WriteRow {
  const write = partsWriter(writing, type, sets, {
    cursor: () => (group, path, draft) => draft.add(cursorAt(group, Number(path.key))),
    node: (nodes, definition, key) => {
      const writeRow = rowWriter(writing, fieldsOf, objectOf(definition), setsOf(nodes));
      return (group, path, draft, answer) => {
        const index = Number(path.key);
        writeRow(group.rows[index] ?? [], group.markOf(index), path, key, draft, answer);
      };
    },
  });
  return (group) => (_cells, _mark, prev, key, draft, answer) => write(group, { prev, key }, draft, answer);
}

type Part = (nodes: readonly FieldNode[], type: GraphQLOutputType, key: string) => WriteGroup;

/** Writes an object of a connection: of its page, not of a row. */
function partsWriter(
  { selections, policy }: Writing,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
  known: Readonly<Record<string, Part>>,
): WriteGroup {
  const parts = [...selections.fieldsOf(type, sets)].map(([key, nodes], place) => {
    const name = nodes[0]?.name.value ?? '';
    const prefix = member(key, place);
    if (name === '__typename') {
      const text = JSON.stringify(type.name);
      return { prefix, write: ((_group, _path, draft) => draft.add(text)) as WriteGroup };
    }
    const definition = type.getFields()[name];
    const part = Object.hasOwn(known, name) ? known[name] : undefined;
    const isPlain = definition && isProperty(definition) && !policy.coordinate(type.name, name);
    if (!part || !isPlain || type.isTypeOf) throw new Unwritable();
    return { prefix, write: part(nodes, definition.type, key) };
  });
  return (group, path, draft, answer) => {
    draft.add('{');
    for (const { prefix, write } of parts) {
      draft.add(prefix);
      write(group, path, draft, answer);
    }
    draft.add('}');
  };
}

function pageOf({ page }: RowGroup): NonNullable<RowGroup['page']> {
  if (!page) throw new Unwritable();
  return page;
}

/** The text of a row's cursor, or null where there is no such row. */
const cursorAt = (group: RowGroup, index: number): string =>
  index >= 0 && index < group.rows.length ? JSON.stringify(pageOf(group).cursorOf(index)) : 'null';

const setsOf = (nodes: readonly FieldNode[]): SelectionSetNode[] =>
  nodes.flatMap(({ selectionSet }) => selectionSet ?? []);

function objectOf(type: GraphQLOutputType): GraphQLObjectType {
  const nullable = getNullableType(type);
  if (isObjectType(nullable)) return nullable;
  throw new Unwritable();
}

function itemOf(type: GraphQLOutputType): GraphQLOutputType {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return nullable.ofType;
  throw new Unwritable();
}
