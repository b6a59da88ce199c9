import { RowTexts } from '../governance/row-source';

/** Roughly what a row costs beyond its values. Bytes. */
const ROW_BYTES = 500;
const CELL_BYTES = 40;
const TEXT_BYTES = 100;
/** Sealed bytes once, their content as JSON and as a value: one character beyond Latin-1 makes two bytes of each. */
const SEALED_COPIES = 5;
const TEXT_COPIES = 2;
/** The most texts of one row. Those of operations that are asked no more would stay as long as its key. */
const MOST_TEXTS = 8;

/** Cells as a database gives them. */
type Cells = readonly unknown[];

/**
 * A row as it was read once, with what its sealed cells hold, and the texts that were written of it. Sealed bytes are
 * kept as a text with a byte a character: a buffer of its own takes longer to make than an envelope to open.
 */
export class OpenedRow extends RowTexts {
  /** What was opened, by its place among the sealed cells. */
  readonly contents: readonly unknown[];
  readonly #cells: Cells;
  readonly #texts = new Map<object, string>();
  #memory: OpenedMemory | undefined;
  #bytes = ROW_BYTES;

  /** @param cells as read, before the sealed ones are replaced */
  constructor(cells: Cells, contents: readonly unknown[]) {
    super();
    this.contents = contents;
    this.#cells = cells.map(comparable);
    for (const [index, cell] of this.#cells.entries()) {
      const length = typeof cell === 'string' ? cell.length : 0;
      this.#bytes += CELL_BYTES + length * (Buffer.isBuffer(cells[index]) ? SEALED_COPIES : TEXT_COPIES);
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a row as read is this one, in every byte. */
  is(cells: Cells): boolean {
    const own = this.#cells;
    if (cells.length !== own.length) return false;
    for (let index = 0; index < own.length; index++) {
      if (own[index] !== comparable(cells[index])) return false;
    }
    return true;
  }

  textOf(shape: object): string | undefined {
    return this.#texts.get(shape);
  }

  keep(shape: object, text: string): void {
    const memory = this.#memory;
    if (!memory || this.#texts.size === MOST_TEXTS) return;
    this.#texts.set(shape, text);
    const bytes = TEXT_BYTES + TEXT_COPIES * text.length;
    this.#bytes += bytes;
    memory.grow(bytes);
  }

  /** @param memory which has it from now on; undefined once it was dropped */
  heldIn(memory: OpenedMemory | undefined): void {
    this.#memory = memory;
  }
}

const comparable = (cell: unknown): unknown => (Buffer.isBuffer(cell) ? cell.toString('latin1') : cell);

/** Opened rows of all keys of one process, within a bound. The oldest is dropped first. */
export class OpenedMemory {
  readonly #max: number;
  /** Each with what drops it at its key. */
  readonly #rows = new Map<OpenedRow, () => void>();
  #bytes = 0;

  /** @param max bytes, roughly */
  constructor(max: number) {
    this.#max = max;
  }

  add(row: OpenedRow, drop: () => void): void {
    this.#rows.set(row, drop);
    row.heldIn(this);
    this.grow(row.bytes);
  }

  /** A row that it holds takes more room. */
  grow(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#max) return;
    for (const oldest of this.#rows.keys()) {
      this.remove(oldest);
      if (this.#bytes <= this.#max) break;
    }
  }

  remove(row: OpenedRow): void {
    const drop = this.#rows.get(row);
    if (!drop) return;
    this.#rows.delete(row);
    this.#bytes -= row.bytes;
    row.heldIn(undefined);
    drop();
  }
}
