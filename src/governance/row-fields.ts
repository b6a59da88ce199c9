import {
  GraphQLID,
  type GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLString,
  getNullableType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type SelectionSetNode,
} from 'graphql';
import type { RowRefusal } from './access';
import type { Decision, Outcome } from './decision';
import type { Enforcement, ResponsePath } from './enforcement';
import { isProperty } from './guards';
import { type RowCells, textsOf } from './row-source';
import type { Coordinate, SchemaPolicy } from './schema-policy';
import type { Selections } from './selection';

/** What cannot be written from cells: the executor answers instead. */
export class Unwritable extends Error {}

/** What writers are compiled from. */
export interface Writing {
  readonly selections: Selections;
  readonly policy: SchemaPolicy;
  readonly decision: Decision;
  /** Where the row rule's answer for a row is kept; the same number for coordinates that it decides alike. */
  slotOf(coordinate: Coordinate): number;
}

/** Gives the JSON text of a field's value. */
export type WriteField = (row: unknown, run: RowRun) => string;

/** What a row is asked before a field of it is given. */
interface Question {
  readonly coordinate: Coordinate;
  readonly slot: number;
}

/** A field without rows of its own. */
export interface PropertyField {
  readonly write: WriteField;
  /** Where the row refuses none of it, its text depends on the row alone. Undefined where it never does. */
  readonly asked: readonly Question[] | undefined;
}
/** How a value is read out of a row, or out of an object in it. */
export interface Readable {
  value(row: unknown): unknown;
  text?(row: unknown): string | undefined;
}

/** One answer while it is written: where it is, and what the row rule says of the row there. */
export class RowRun {
  readonly enforcement: Enforcement;
  #mark: unknown = this;
  readonly #refusals: Array<RowRefusal | null | undefined> = [];
  #prev: ResponsePath | undefined;
  #key: string | number = '';
  #path: ResponsePath | undefined;

  constructor(enforcement: Enforcement) {
    this.enforcement = enforcement;
  }

  /** Goes to a row. */
  at(mark: unknown, prev: ResponsePath | undefined, key: string | number): void {
    this.#move(prev, key);
    if (mark === this.#mark) return;
    this.#mark = mark;
    this.#refusals.fill(undefined);
  }

  get path(): ResponsePath {
    this.#path ??= { prev: this.#prev, key: this.#key };
    return this.#path;
  }

  /** Why the row withholds a coordinate; asked once for all that it decides alike. */
  refusal(coordinate: Coordinate, slot: number): RowRefusal | undefined {
    const known = this.#refusals[slot];
    if (known !== undefined) return known ?? undefined;
    const refusal = this.enforcement.rowRefusal(this.#mark, coordinate);
    this.#refusals[slot] = refusal ?? null;
    return refusal;
  }

  withhold(coordinate: Coordinate, refusal: RowRefusal | undefined, key: string): void {
    this.enforcement.withhold(coordinate, refusal, this.path, key);
  }

  /** Writes an object that stands in the row. */
  within(key: string, write: () => string): string {
    const [prev, own, path] = [this.#prev, this.#key, this.path];
    this.#move(path, key);
    const text = write();
    this.#move(prev, own);
    return text;
  }

  #move(prev: ResponsePath | undefined, key: string | number): void {
    this.#prev = prev;
    this.#key = key;
    this.#path = undefined;
  }
}

/** The text of a member's name in an object, with the comma before it. */
export const member = (key: string, place: number): string => `${place === 0 ? '' : ','}${JSON.stringify(key)}:`;

/** What governs a field of a row. */
export interface Ruling {
  readonly coordinate: Coordinate | undefined;
  readonly outcome: Outcome;
  /** Undefined where no row withholds it. */
  readonly slot: number | undefined;
}

export function rulingOf({ policy, decision, slotOf }: Writing, type: string, field: string): Ruling {
  const coordinate = policy.coordinate(type, field);
  if (!coordinate) return { coordinate, outcome: 'CLEAR', slot: undefined };
  const outcome = decision.verdicts[coordinate.index]?.outcome ?? 'WITHHELD';
  const slot = coordinate.ofRow && outcome !== 'WITHHELD' ? slotOf(coordinate) : undefined;
  return { coordinate, outcome, slot };
}

/** A field of a row, or of an object in it, that has no resolver. */
export function propertyWriter(
  writing: Writing,
  type: GraphQLObjectType,
  name: string,
  key: string,
  sets: readonly SelectionSetNode[],
  fieldsOf: (name: string) => Readable | undefined,
): PropertyField {
  const definition = type.getFields()[name];
  if (!definition || !isProperty(definition) || writing.policy.bindings(type.name, name)) throw new Unwritable();
  const ruling = rulingOf(writing, type.name, name);
  const { coordinate, outcome } = ruling;
  const isNonNull = isNonNullType(definition.type);
  // It is not read at all.
  if (coordinate && outcome === 'WITHHELD' && !isNonNull) return unkept(withheld(coordinate, key));
  const cell = fieldsOf(name);
  if (!cell) throw new Unwritable();
  const nullable = getNullableType(definition.type);
  if (isObjectType(nullable)) {
    if (isNonNull || outcome !== 'CLEAR') throw new Unwritable();
    return guarded(ruling, key, objectWriter(writing, nullable, key, sets, cell));
  }
  const textOf = textMaker(definition.type);
  const ready = isTextType(definition.type) ? cell.text?.bind(cell) : undefined;
  const clear: WriteField = ready
    ? (row) => {
        const text = ready(row) ?? textOf(cell.value(row));
        if (isNonNull && text === 'null') throw new Unwritable();
        return text;
      }
    : (row) => textOf(cell.value(row));
  if (!coordinate) return { write: clear, asked: [] };
  const disguise: WriteField = (row, { enforcement }) => {
    if (coordinate.fallback === undefined) throw new Unwritable();
    return textOf(enforcement.disguise(coordinate, coordinate.fallback, readIn(cell, row)));
  };
  const instead = isNonNull ? disguise : undefined;
  if (outcome === 'WITHHELD') return unkept(withheld(coordinate, key, instead));
  if (outcome === 'CLEAR') return guarded(ruling, key, { write: clear, asked: [] }, instead);
  const disguised: WriteField = (row, { enforcement }) => textOf(enforcement.deidentify(coordinate, readIn(cell, row)));
  return guarded(ruling, key, unkept(disguised), instead);
}

const unkept = (write: WriteField): PropertyField => ({ write, asked: undefined });

const nothing: WriteField = () => 'null';

const withheld =
  (coordinate: Coordinate, key: string, instead = nothing): WriteField =>
  (row, run) => {
    run.withhold(coordinate, undefined, key);
    return instead(row, run);
  };

/** Gives a field unless its row withholds it. */
function guarded({ coordinate, slot }: Ruling, key: string, field: PropertyField, instead = nothing): PropertyField {
  if (!coordinate || slot === undefined) return field;
  const { write, asked } = field;
  return {
    asked: asked && [...asked, { coordinate, slot }],
    write: (row, run) => {
      const refusal = run.refusal(coordinate, slot);
      if (refusal === undefined) return write(row, run);
      run.withhold(coordinate, refusal, key);
      return instead(row, run);
    },
  };
}

/** A member of an object, with its name and the comma before it. */
export interface Member extends PropertyField {
  readonly prefix: string;
}

/** A member whose text is always the same. */
export const fixed = (prefix: string, text: string): Member => ({ prefix, write: () => text, asked: [] });

/**
 * Writes members of a row that follow each other. Where their text depends on the row alone, it is kept with what the
 * row holds, and the row is only asked whether it still gives all of them.
 */
export function membersWriter(members: readonly Member[]): (cells: RowCells, run: RowRun) => string {
  const write = (cells: RowCells, run: RowRun): string => {
    let text = '';
    for (const { prefix, write } of members) text += prefix + write(cells, run);
    return text;
  };
  if (members.some(({ asked }) => !asked)) return write;
  const asked = [...new Map(members.flatMap(({ asked }) => asked ?? []).map((one) => [one.slot, one])).values()];
  const shape = {};
  return (cells, run) => {
    const texts = textsOf(cells);
    if (!texts) return write(cells, run);
    for (const { coordinate, slot } of asked) if (run.refusal(coordinate, slot) !== undefined) return write(cells, run);
    const known = texts.textOf(shape);
    if (known !== undefined) return known;
    const text = write(cells, run);
    texts.keep(shape, text);
    return text;
  };
}

/** A value that is disguised. That it cannot be read is told by the executor. */
function readIn(cell: Readable, row: unknown): unknown {
  const value = cell.value(row);
  if (value instanceof Error) throw new Unwritable();
  return value;
}

function objectWriter(
  writing: Writing,
  type: GraphQLObjectType,
  key: string,
  sets: readonly SelectionSetNode[],
  cell: Readable,
): PropertyField {
  if (type.isTypeOf) throw new Unwritable();
  const property = (name: string): Readable => ({ value: (object) => (object as Record<string, unknown>)[name] });
  const fields = [...writing.selections.fieldsOf(type, sets)].map(([inner, nodes], place) => {
    const name = nodes[0]?.name.value ?? '';
    const below = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const prefix = member(inner, place);
    if (name === '__typename') return fixed(prefix, JSON.stringify(type.name));
    return { prefix, ...propertyWriter(writing, type, name, inner, below, property) };
  });
  const write: WriteField = (row, run) => {
    const value = cell.value(row);
    if (value === null || value === undefined) return 'null';
    if (typeof value !== 'object' || value instanceof Error) throw new Unwritable();
    return run.within(key, () => {
      let text = '{';
      for (const { prefix, write } of fields) text += prefix + write(value, run);
      return `${text}}`;
    });
  };
  const asked = fields.flatMap((field) => field.asked ?? []);
  return { write, asked: fields.some((field) => !field.asked) ? undefined : asked };
}

const plain = /^[ !#-[\]-~]*$/;

/** The JSON text of a text. JSON.stringify costs twice as much as to see that nothing has to be escaped. */
const quoted = (text: string): string => (plain.test(text) ? `"${text}"` : JSON.stringify(text));

function isTextType(type: GraphQLOutputType): boolean {
  const nullable = getNullableType(type);
  return nullable === GraphQLString || nullable === GraphQLID;
}

/** Makes the JSON text of a value of a leaf type, or of a list of them. What fails is left to the executor. */
function textMaker(type: GraphQLOutputType): (value: unknown) => string {
  if (isNonNullType(type)) {
    const textOf = textMaker(type.ofType);
    return (value) => {
      const text = textOf(value);
      if (text === 'null') throw new Unwritable();
      return text;
    };
  }
  if (isListType(type)) {
    const textOf = textMaker(type.ofType);
    return (value) => {
      if (value === null || value === undefined) return 'null';
      if (!Array.isArray(value)) throw new Unwritable();
      return `[${value.map(textOf).join(',')}]`;
    };
  }
  if (!isLeafType(type)) throw new Unwritable();
  const isText = isTextType(type);
  return (value) => {
    if (isText && typeof value === 'string') return quoted(value);
    if (value === null || value === undefined) return 'null';
    if (value instanceof Error) throw new Unwritable();
    const serialized = type.serialize(value);
    if (typeof serialized === 'string') return quoted(serialized);
    if (typeof serialized === 'number' && Number.isFinite(serialized)) return `${serialized}`;
    const text = serialized === null ? undefined : JSON.stringify(serialized);
    if (text === undefined) throw new Unwritable();
    return text;
  };
}
