import { LRUCache } from 'lru-cache';

/**
 * How long an unwrapped key stays in a process's memory at most, in milliseconds. The process that destroys a key forgets
 * it at once; any other one forgets it within this bound.
 */
export const KEY_CACHE_TTL_MS = 30_000;

const PURGE_EVERY_MS = 5_000;
const SEPARATOR = ':';

/**
 * Unwrapped keys in memory. The cache owns its bytes: it takes a copy in and gives copies out, and zeroes its own when it
 * forgets them. So a key that is evicted while a request runs stays whole in that request's hands; sharing one buffer
 * would let the eviction turn it to zeros between two rows, and rows be sealed under zeros.
 */
export class KeyCache {
  readonly #keys: LRUCache<string, Buffer>;
  readonly #purge: NodeJS.Timeout;

  /** @param now a clock in milliseconds, replaced in tests */
  constructor(max: number, now: () => number = () => performance.now()) {
    this.#keys = new LRUCache<string, Buffer>({
      max,
      ttl: KEY_CACHE_TTL_MS,
      ttlResolution: 0,
      perf: { now },
      dispose: (key) => key.fill(0),
    });
    // An expired entry is refused when asked for; this zeroes those that nobody asks for.
    this.#purge = setInterval(() => this.#keys.purgeStale(), PURGE_EVERY_MS).unref();
  }

  get(...path: string[]): Buffer | undefined {
    const key = this.#keys.get(path.join(SEPARATOR));
    return key === undefined ? undefined : copyOf(key);
  }

  set(key: Buffer, ...path: string[]): void {
    this.#keys.set(path.join(SEPARATOR), copyOf(key));
  }

  /** Forgets a key and, where the path is a client's, those of its subjects. */
  forget(...path: string[]): void {
    const name = path.join(SEPARATOR);
    this.#keys.delete(name);
    if (path.length > 1) return;
    for (const each of [...this.#keys.keys()]) {
      if (each.startsWith(`${name}${SEPARATOR}`)) this.#keys.delete(each);
    }
  }

  close(): void {
    clearInterval(this.#purge);
    this.#keys.clear();
  }
}

/** Not Buffer.from, whose copy would lie in a pool that other buffers share. */
function copyOf(key: Buffer): Buffer {
  const copy = Buffer.alloc(key.length);
  key.copy(copy);
  return copy;
}
