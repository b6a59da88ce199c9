/**
 * A map with a limit: it drops the entries that have been unused longest.
 * @param weigh the weight of an entry; 1 by default. An entry heavier than the limit is not kept. An entry that is used
 *   is weighed again, since it may have grown.
 */
export class LeastRecentlyUsed<K, V> {
  readonly #entries = new Map<K, { readonly value: V; readonly weight: number }>();
  readonly #limit: number;
  readonly #weigh: (key: K, value: V) => number;
  #weight = 0;

  constructor(limit: number, weigh: (key: K, value: V) => number = () => 1) {
    this.#limit = limit;
    this.#weigh = weigh;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    return entry && this.set(key, entry.value);
  }

  /** Of all entries together. */
  get weight(): number {
    return this.#weight;
  }

  set(key: K, value: V): V {
    this.#forget(key);
    const weight = this.#weigh(key, value);
    if (weight > this.#limit) return value;
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#limit) break;
      this.#forget(oldest);
    }
    return value;
  }

  #forget(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }
}
