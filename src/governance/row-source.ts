import type { GraphQLField } from 'graphql';
import type { Decision } from './decision';

/** A row as its store gives it: its cells, in the order of the statement's columns. */
export type RowCells = readonly unknown[];

/**
 * Texts that were written of one row, kept by whoever keeps what its cells hold, and no longer. A row that has them has
 * them as its last cell.
 */
export abstract class RowTexts {
  /** @param shape stands for the fields, and for the decision under which all of them are in the clear */
  abstract textOf(shape: object): string | undefined;
  abstract keep(shape: object, text: string): void;
}

export function textsOf(cells: RowCells): RowTexts | undefined {
  const last = cells[cells.length - 1];
  return last instanceof RowTexts ? last : undefined;
}

/** How one field is read out of a row's cells. */
export interface CellField {
  /**
   * The value that the row's object would have, or an Error where it cannot be read. Requests share it, so nobody may
   * change it. An object in it is about the person whom the row is about.
   */
  value(row: RowCells): unknown;
  /** The JSON text of a text, or of null, where it is kept ready. Undefined where it must be made from the value. */
  text?(row: RowCells): string | undefined;
}

/** A row, with what the row rule is asked about it. Rows about one person may share that. */
export interface MarkedRow {
  readonly cells: RowCells;
  readonly mark: unknown;
}

/** The rows that a field gives of one parent. */
export interface RowGroup {
  readonly rows: readonly RowCells[];
  markOf(index: number): unknown;
  /** For a connection. */
  readonly page?: RowPage;
}

export interface RowPage {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  cursorOf(index: number): string;
}

export interface RowRequest {
  /** The context that resolvers get. */
  readonly context: unknown;
  readonly args: Readonly<Record<string, unknown>>;
  /** The rows whose field it is; none for a root field. */
  readonly parents: readonly MarkedRow[];
  /** A field of the parents, also one that was not selected. */
  parentField(name: string): CellField | undefined;
}

/**
 * Where the rows of a field come from, so that an answer is written from their cells, without an object for each. It
 * gives what the field's resolver gives. Of its rows, and of what an object in them holds, the row rule must decide by
 * category alone.
 */
export interface RowSource {
  /** One row or null, a list, or a connection as Relay has it. */
  readonly as: 'one' | 'list' | 'connection';
  /** The fields of rows that are read for a decision. Where it has no such field, the resolvers answer. */
  fieldsFor(decision: Decision): (name: string) => CellField | undefined;
  /**
   * The rows of each parent, in their order; of a root field one group. It fails as the resolver of each parent would.
   * @throws {UnlikeParents} where it would not fail alike for all
   */
  read(request: RowRequest): Promise<readonly RowGroup[]>;
}

/** Parents have to be asked one by one. */
export class UnlikeParents extends Error {}

/** The extension of a field that holds its source. */
const ROW_SOURCE = 'governanceRowSource';

/** Says where the rows of a field come from, beside its resolver. To be called before the schema is governed. */
export function setRowSource(field: GraphQLField<unknown, unknown>, source: RowSource): void {
  field.extensions = { ...field.extensions, [ROW_SOURCE]: source };
}

export function rowSourceOf({ extensions }: GraphQLField<unknown, unknown>): RowSource | undefined {
  return extensions[ROW_SOURCE] as RowSource | undefined;
}
