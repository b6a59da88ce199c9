import { type FieldNode, type GraphQLError, locatedError } from 'graphql';
import { type Enforcement, type ResponsePath, responsePath } from './enforcement';
import { RowRun, type Ruling, Unwritable } from './row-fields';
import { allDone, RowReads } from './row-reads';
import { type CellField, type MarkedRow, type RowGroup, type RowSource, UnlikeParents } from './row-source';

export type Variables = Readonly<Record<string, unknown>>;
export type FieldsOf = (name: string) => CellField | undefined;

/** Text of which some follows later. */
export class Draft {
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

/** What follows: null unless it is given. */
class Later {
  text = 'null';
}

/** A field that gives rows, at one place of an operation. */
export interface RowsField {
  readonly prefix: string;
  readonly key: string;
  readonly nodes: readonly FieldNode[];
  readonly source: RowSource;
  readonly ruling: Ruling;
  argumentsOf(variables: Variables): Record<string, unknown>;
  readonly parentField: FieldsOf;
  readonly write: WriteGroup;
}

/** Writes the rows of one parent. */
export type WriteGroup = (group: RowGroup, path: ResponsePath, draft: Draft, answer: Answer) => void;

/** The rows of one level of which a field is read together. */
export class Batch {
  readonly parents: MarkedRow[] = [];
  readonly paths: ResponsePath[] = [];
  readonly places: Later[] = [];
}

/** One answer under way. */
export class Answer {
  readonly run: RowRun;
  readonly errors: GraphQLError[] = [];
  /** What is to be read of the rows that were written last. */
  batches = new Map<RowsField, Batch>();
  readonly #reads = new RowReads();
  #isGivenUp = false;

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
  async fill(field: RowsField, batch: Batch): Promise<void> {
    // Another field failed meanwhile.
    if (this.#isGivenUp) throw new Unwritable();
    try {
      await this.#fill(field, batch);
    } catch (error) {
      this.#isGivenUp = true;
      throw error;
    }
  }

  async #fill(field: RowsField, { parents, paths, places }: Batch): Promise<void> {
    let groups: readonly RowGroup[];
    try {
      const args = field.argumentsOf(this.variables);
      const { parentField } = field;
      const context = this.enforcement.contextValue;
      groups = await this.#reads.read(field.source, { context, args, parents, parentField });
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
      await allDone([...batches].map(([inner, batch]) => this.fill(inner, batch)));
    }
    for (const [index, draft] of drafts.entries()) (places[index] as Later).text = draft.text;
  }
}
