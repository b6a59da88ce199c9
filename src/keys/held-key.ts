import { macOf } from './derived-keys';
import { UnsealError } from './errors';
import { OpenedContent } from './opened-content';
import { unsealText } from './sealing';

/** A key that its user never sees. */
export interface KeyHandle {
  /** The cached result of {@link open} for the same bytes in the same place; undefined where none is cached. */
  recall(place: object, row: string, sealed: Buffer): OpenedContent | undefined;
  /**
   * Opens sealed bytes.
   * @param place the column that holds the bytes; `row` names the row among the subject's own
   * @param context the context they were sealed with
   * @throws UnsealError as `unseal`
   */
  open(place: object, row: string, sealed: Buffer, context: string): OpenedContent;
  /** The text's MAC under the key, see `macOf`; undefined where the key is damaged. */
  mac(text: string): string | undefined;
}

/** Stands for a key that was altered or swapped. Nothing opens with it; other people's rows are not affected. */
export const damagedKey: KeyHandle = {
  recall: () => undefined,
  open: () => {
    throw new UnsealError();
  },
  mac: () => undefined,
};

/** Roughly what a cached entry costs beyond its sealed bytes, its content and that as a value. Bytes. */
const OVERHEAD_BYTES = 400;
/** The sealed bytes once, and their content as JSON and as a value: one character beyond Latin-1 makes two bytes of each. */
const COPIES = 5;

class Opened {
  /** A text, a byte a character: it is made ten times as fast as a buffer of its own. */
  readonly sealed: string;
  readonly content: OpenedContent;
  readonly #rows: Map<string, Opened>;
  readonly #row: string;

  constructor(rows: Map<string, Opened>, row: string, sealed: string, content: OpenedContent) {
    this.#rows = rows;
    this.#row = row;
    this.sealed = sealed;
    this.content = content;
    rows.set(row, this);
  }

  get bytes(): number {
    return COPIES * this.sealed.length + OVERHEAD_BYTES;
  }

  forget(): void {
    this.#rows.delete(this.#row);
  }
}

/** Opened contents of all keys of one process, within a bound. The oldest is dropped first. */
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
 * A key in memory with the contents it opened. Cached contents live no longer than their key.
 */
export class HeldKey implements KeyHandle {
  /** Zeroed by {@link forget}. */
  readonly key: Buffer;
  /** When it expires, on the holder's clock. */
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

  recall(place: object, row: string, sealed: Buffer): OpenedContent | undefined {
    const known = this.#opened.get(place)?.get(row);
    return known && known.sealed === sealed.toString('latin1') ? known.content : undefined;
  }

  open(place: object, row: string, sealed: Buffer, context: string): OpenedContent {
    const content = new OpenedContent(unsealText(this.key, sealed, context));
    const rows = this.#opened.get(place) ?? new Map<string, Opened>();
    this.#opened.set(place, rows);
    const before = rows.get(row);
    if (before) this.#memory.remove(before);
    this.#memory.add(new Opened(rows, row, sealed.toString('latin1'), content));
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

/** A copy in memory of its own. Buffer.from would put it into a pool that other buffers share. */
export function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(bytes.length);
  bytes.copy(copy);
  return copy;
}
