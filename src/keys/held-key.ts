import { macOf } from './derived-keys';
import { UnsealError } from './errors';
import { OpenedContent } from './opened-content';
import type { OpenedMemory, OpenedRow } from './opened-rows';
import { unsealText } from './sealing';

/** A key that its user never sees. */
export interface KeyHandle {
  /** A row whose cells this key opened before, as a selection read it; undefined where none is remembered. */
  recall(selection: object, row: string): OpenedRow | undefined;
  /** Remembers a row for as long as the key. `row` names it among the subject's own of the selection. */
  remember(selection: object, row: string, opened: OpenedRow): void;
  /**
   * Opens sealed bytes.
   * @param context the context they were sealed with
   * @throws UnsealError as `unseal`
   */
  open(sealed: Buffer, context: string): OpenedContent;
  /** The text's MAC under the key, see `macOf`; undefined where the key is damaged. */
  mac(text: string): string | undefined;
}

/** Stands for a key that was altered or swapped. Nothing opens with it; other people's rows are not affected. */
export const damagedKey: KeyHandle = {
  recall: () => undefined,
  remember: () => undefined,
  open: () => {
    throw new UnsealError();
  },
  mac: () => undefined,
};

/**
 * A key in memory with the rows that it opened. They live no longer than their key.
 */
export class HeldKey implements KeyHandle {
  /** Zeroed by {@link forget}. */
  readonly key: Buffer;
  /** When it expires, on the holder's clock. */
  readonly until: number;
  readonly #memory: OpenedMemory;
  readonly #rows = new Map<object, Map<string, OpenedRow>>();
  readonly #macs = new Map<string, string>();

  /** @param key is copied */
  constructor(key: Buffer, until: number, memory: OpenedMemory) {
    this.key = ownCopy(key);
    this.until = until;
    this.#memory = memory;
  }

  recall(selection: object, row: string): OpenedRow | undefined {
    return this.#rows.get(selection)?.get(row);
  }

  remember(selection: object, row: string, opened: OpenedRow): void {
    const rows = this.#rows.get(selection) ?? new Map<string, OpenedRow>();
    this.#rows.set(selection, rows);
    const before = rows.get(row);
    if (before) this.#memory.remove(before);
    rows.set(row, opened);
    this.#memory.add(opened, () => rows.delete(row));
  }

  open(sealed: Buffer, context: string): OpenedContent {
    return new OpenedContent(unsealText(this.key, sealed, context));
  }

  mac(text: string): string {
    const mac = this.#macs.get(text) ?? macOf(this.key, text);
    this.#macs.set(text, mac);
    return mac;
  }

  forget(): void {
    this.key.fill(0);
    this.#macs.clear();
    for (const rows of this.#rows.values()) for (const row of rows.values()) this.#memory.remove(row);
  }
}

/** A copy in memory of its own. Buffer.from would put it into a pool that other buffers share. */
export function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(bytes.length);
  bytes.copy(copy);
  return copy;
}
