import {
  type FieldNode,
  type GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNullableType,
  isListType,
  isNonNullType,
  isObjectType,
  locatedError,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Decision } from './decision';
import { type Enforcement, type ResponsePath, responsePath } from './enforcement';
import { argumentsFor } from './field-arguments';
import { argumentsPermitted, isProperty } from './guards';
import { member, propertyWriter, RowRun, type Ruling, rulingOf, Unwritable, type Writing } from './row-fields';
import {
  type CellField,
  type MarkedRow,
  type RowCells,
  type RowGroup,
  type RowSource,
  rowSourceOf,
  UnlikeParents,
} from './row-source';
import type { Coordinate, SchemaPolicy } from './schema-policy';
import type { Selections } from './selection';

type Variables = Readonly<Record<string, unknown>>;
type FieldsOf = (name: string) => CellField | undefined;

/** An answer's data as JSON, and the errors of what could not be read. */
export interface WrittenAnswer {
  readonly text: string;
  readonly errors: readonly GraphQLError[];
}

/** Writes the answer of one operation under one decision. */
export interface AnswerWriter {
  /** @returns undefined where the executor must answer: nothing of what was written is given then */
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

/** Text of which some follows later. */
class Draft {
  readonly #before: Array<string | Later> = [];
  #text = '';

  add(text: string): void {
    this.#text += text;
  }

  later(): Later {
    const later = new Later();
    this.#before.push(this.#text, later);
    this.#text = '';
    return later;
  }

  get text(): string {
    let text = '';
    for (const part of this.#before) text += typeof part === 'string' ? part : part.text;
    return text + this.#text;
  }
}

class Later {
  text = 'null';
}

/** A field that gives rows, at one place of an operation. */
interface RowsField {
  readonly prefix: string;
  readonly key: string;
  readonly nodes: readonly FieldNode[];
  readonly source: RowSource;
  readonly ruling: Ruling;
  argumentsOf(variables: Variables): Record<string, unknown>;
  /** Whether a filter or the like reads nothing that is withheld. */
  permits(args: Record<string, unknown>, enforcement: Enforcement, path: ResponsePath): boolean;
  readonly parentField: FieldsOf;
  readonly write: WriteGroup;
}

/** Writes the rows of one parent. */
type WriteGroup = (group: RowGroup, path: ResponsePath, draft: Draft, answer: Answer) => void;

/** The rows of one level of which a field is read together. */
class Batch {
  readonly parents: MarkedRow[] = [];
  readonly paths: ResponsePath[] = [];
  readonly places: Later[] = [];
}

/** One answer under way. */
class Answer {
  readonly run: RowRun;
  readonly errors: GraphQLError[] = [];
  /** What is to be read of the rows that were written last. */
  batches = new Map<RowsField, Batch>();

  constructor(
    readonly enforcement: Enforcement,
    readonly variables: Variables,
  ) {
    this.run = new RowRun(enforcement);
  }

  batchOf(field: RowsField): Batch {
    const batch = this.batches.get(field) ?? new Batch();
    this.batches.set(field, batch);
    return batch;
  }

  /** Reads a field of all parents by one read, and writes it, with the fields of its rows. */
  async fill(field: RowsField, { parents, paths, places }: Batch): Promise<void> {
    let groups: readonly RowGroup[];
    try {
      const args = field.argumentsOf(this.variables);
      for (const path of paths) if (!field.permits(args, this.enforcement, path)) throw new Unwritable();
      const { parentField } = field;
      groups = await field.source.read({ context: this.enforcement.contextValue, args, parents, parentField });
    } catch (error) {
      if (error instanceof Unwritable || error instanceof UnlikeParents) throw error;
      // Each place stays null.
      for (const path of paths) this.errors.push(locatedError(error, field.nodes, responsePath(path)));
      return;
    }
    if (groups.length !== places.length) throw new Unwritable();
    const drafts = groups.map((group, index) => {
      const draft = new Draft();
      field.write(group, paths[index] as ResponsePath, draft, this);
      return draft;
    });
    if (this.batches.size > 0) {
      const { batches } = this;
      this.batches = new Map();
      await Promise.all([...batches].map(([inner, batch]) => this.fill(inner, batch)));
    }
    for (const [index, draft] of drafts.entries()) (places[index] as Later).text = draft.text;
  }
}

class Writer implements AnswerWriter {
  readonly #fields: ReadonlyArray<RowsField | string>;

  /** @param fields those of the root; a text stands as it is */
  constructor(fields: ReadonlyArray<RowsField | string>) {
    this.#fields = fields;
  }

  async write(enforcement: Enforcement, variables: Variables): Promise<WrittenAnswer | undefined> {
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
      batch.paths.push({ prev: undefined, key: field.key });
      batch.places.push(draft.later());
      reads.push(answer.fill(field, batch));
    }
    try {
      await Promise.all(reads);
    } catch {
      return undefined;
    }
    draft.add('}');
    return { text: draft.text, errors: answer.errors };
  }
}

const rootField =
  (writing: Writing, root: GraphQLObjectType) =>
  ([key, nodes]: [string, FieldNode[]], place: number): RowsField | string => {
    const name = nodes[0]?.name.value ?? '';
    if (name === '__typename') return member(key, place) + JSON.stringify(root.name);
    const definition = root.getFields()[name];
    const field = definition && rowsField(writing, root, definition, key, nodes, place, () => undefined);
    // What is refused as a whole is rare, and quickly answered.
    if (field?.ruling.outcome !== 'CLEAR' || field.ruling.slot !== undefined) throw new Unwritable();
    return field;
  };

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
  const { policy, decision } = writing;
  const ruling = rulingOf(writing, type.name, definition.name);
  if (isNonNullType(definition.type) || ruling.outcome === 'DEIDENTIFIED') throw new Unwritable();
  const bindings = policy.bindings(type.name, definition.name);
  const guard = { policy, field: `${type.name}.${definition.name}`, nonNull: false };
  return {
    prefix: member(key, place),
    key,
    nodes,
    source,
    ruling,
    argumentsOf: argumentsFor(definition, nodes[0]),
    permits: (args, enforcement, path) => !bindings || argumentsPermitted(guard, bindings, args, enforcement, path),
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
  const fields = [...writing.selections.fieldsOf(type, sets)].map(([key, nodes], place) => {
    const name = nodes[0]?.name.value ?? '';
    const prefix = member(key, place);
    if (name === '__typename') return { prefix, write: () => JSON.stringify(type.name) };
    const definition = type.getFields()[name];
    const rows = definition && rowsField(writing, type, definition, key, nodes, place, fieldsOf);
    if (rows) return { prefix, rows };
    return { prefix, write: propertyWriter(writing, type, name, key, setsOf(nodes), fieldsOf) };
  });
  return (cells, mark, prev, key, draft, answer) => {
    const { run } = answer;
    run.at(mark, prev, key);
    let text = '{';
    for (const { prefix, write, rows } of fields) {
      text += prefix;
      if (write) text += write(cells, run);
      else if (isWithheld(rows, run)) text += 'null';
      else {
        draft.add(text);
        text = '';
        const batch = answer.batchOf(rows);
        batch.parents.push({ cells, mark });
        batch.paths.push({ prev: run.path, key: rows.key });
        batch.places.push(draft.later());
      }
    }
    draft.add(`${text}}`);
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
