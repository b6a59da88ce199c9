/**
 * Caches the promise for each key. Everybody who asks while it is pending shares it. A failure is never cached: the
 * next caller tries again. All code that caches a promise uses this class.
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

  /**
   * Drops a key's promise, unless a newer one took its place.
   * @param made what `get` returned
   * @returns whether it was dropped
   */
  forget(key: K, made: Promise<T>): boolean {
    return this.#made.get(key) === made && this.#made.delete(key);
  }

  /** Every cached promise by its key. */
  entries(): IterableIterator<[K, Promise<T>]> {
    return this.#made.entries();
  }
}

/** Caches one promise, like {@link Remembered}. */
export function remembered<T>(make: () => Promise<T>): () => Promise<T> {
  const one = new Remembered<undefined, T>(make);
  return () => one.get(undefined);
}
