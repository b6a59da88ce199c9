import { macOf } from './derived-keys';
import { UnsealError } from './errors';
import { unseal } from './sealing';

/** What a key is used for by those who never see it. */
export interface KeyHandle {
  /** What {@link open} gave for the same bytes in the same place, where that is remembered. */
  recall(place: object, row: string, sealed: Buffer): unknown;
  /**
   * Opens what is sealed under the key.
   * @param place the column that the bytes are in, and `row` which of the subject's rows
   * @param context as they were sealed with
   * @returns the content, shared with whoever opens the same bytes: not to be changed
   * @throws UnsealError as `unseal`
   */
  open(place: object, row: string, sealed: Buffer, context: string): unknown;
  /** The text's MAC under the key, see `macOf`; undefined where the key is damaged. */
  mac(text: string): string | undefined;
}

/** A key that was altered or put in another's place: what is under it does not open, and that is its person's alone. */
export const damagedKey: KeyHandle = {
  recall: () => undefined,
  open: () => {
    throw new UnsealError();
  },
  mac: () => undefined,
};

/** What an entry of the memory costs besides its sealed bytes and as many of content, roughly. Bytes. */
const OVERHEAD_BYTES = 400;

class Opened {
  readonly sealed: Buffer;
  readonly content: unknown;
  readonly #rows: Map<string, Opened>;
  readonly #row: string;

  constructor(rows: Map<string, Opened>, row: string, sealed: Buffer, content: unknown) {
    this.#rows = rows;
    this.#row = row;
    this.sealed = ownCopy(sealed);
    this.content = content;
    rows.set(row, this);
  }

  get bytes(): number {
    return 2 * this.sealed.length + OVERHEAD_BYTES;
  }

  forget(): void {
    this.#rows.delete(this.#row);
  }
}

/** What was opened with all the keys of one process, bounded: the oldest goes first. */
export class OpenedMemory {
  readonly #max: number;
  readonly #opened = new Set<Opened>();
  #bytes = 0;

  /** @param max bytes, roughly */
  constructor(max: number) {
    this.#max = max;
  }

  add(opened: Opened): void {
    this.#opened.add(opened);
    this.#bytes += opened.bytes;
    for (const oldest of this.#opened) {
      if (this.#bytes <= this.#max) break;
      this.remove(oldest);
    }
  }

  remove(opened: Opened): void {
    if (!this.#opened.delete(opened)) return;
    this.#bytes -= opened.bytes;
    opened.forget();
  }
}

/**
 * A key in memory, and what it opened: that is remembered no longer than the key, since whoever can read the one can read
 * the other.
 */
export class HeldKey implements KeyHandle {
  /** Zeroed when it is forgotten. */
  readonly key: Buffer;
  /** On the clock of whoever holds it. */
  readonly until: number;
  readonly #memory: OpenedMemory;
  readonly #opened = new Map<object, Map<string, Opened>>();
  readonly #macs = new Map<string, string>();

  /** @param key is copied */
  constructor(key: Buffer, until: number, memory: OpenedMemory) {
    this.key = ownCopy(key);
    this.until = until;
    this.#memory = memory;
  }

  recall(place: object, row: string, sealed: Buffer): unknown {
    const known = this.#opened.get(place)?.get(row);
    return known?.sealed.equals(sealed) ? known.content : undefined;
  }

  open(place: object, row: string, sealed: Buffer, context: string): unknown {
    const content = unseal(this.key, sealed, context);
    const rows = this.#opened.get(place) ?? new Map<string, Opened>();
    this.#opened.set(place, rows);
    const before = rows.get(row);
    if (before) this.#memory.remove(before);
    this.#memory.add(new Opened(rows, row, sealed, content));
    return content;
  }

  mac(text: string): string {
    const mac = this.#macs.get(text) ?? macOf(this.key, text);
    this.#macs.set(text, mac);
    return mac;
  }

  forget(): void {
    this.key.fill(0);
    this.#macs.clear();
    for (const rows of this.#opened.values()) for (const opened of rows.values()) this.#memory.remove(opened);
  }
}

/** Not Buffer.from, whose copy would lie in a pool that other buffers share. */
export function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(bytes.length);
  bytes.copy(copy);
  return copy;
}
