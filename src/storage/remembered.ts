/**
 * Keeps what was made for each key, while it is being made too: all who ask meanwhile wait for the same. A failure is
 * never kept: whoever asks next tries anew. Everything here that remembers a promise does it by this.
 */
export class Remembered<K, T> {
  readonly #make: (key: K) => Promise<T>;
  readonly #made = new Map<K, Promise<T>>();

  constructor(make: (key: K) => Promise<T>) {
    this.#make = make;
  }

  get(key: K): Promise<T> {
    const known = this.#made.get(key);
    if (known) return known;
    const making = this.#make(key).catch((error: unknown) => {
      this.forget(key, making);
      throw error;
    });
    this.#made.set(key, making);
    return making;
  }

  /** Has the next one who asks make it anew, unless somebody did already. @param made what `get` gave */
  forget(key: K, made: Promise<T>): void {
    if (this.#made.get(key) === made) this.#made.delete(key);
  }

  /** What is there or on its way, by key. */
  entries(): IterableIterator<[K, Promise<T>]> {
    return this.#made.entries();
  }
}

/** One thing that is made once, as {@link Remembered} keeps it. */
export function remembered<T>(make: () => Promise<T>): () => Promise<T> {
  const one = new Remembered<undefined, T>(make);
  return () => one.get(undefined);
}
