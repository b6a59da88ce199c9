import { LRUCache } from 'lru-cache';
import { unseal } from './vault';

/**
 * How long an unwrapped key stays in a process's memory at most, and what it opened with it, in milliseconds. The process
 * that destroys a key forgets it at once; any other one forgets it within this bound.
 */
export const KEY_CACHE_TTL_MS = 30_000;
/** The most sealed bytes whose content is remembered. */
const OPENED_MAX_BYTES = 32 * 2 ** 20;
/** What an entry of the memory costs besides its content, roughly. Bytes. */
const OPENED_OVERHEAD_BYTES = 500;

const PURGE_EVERY_MS = 5_000;
const SEPARATOR = ':';

interface KeptKey {
  readonly key: Buffer;
  /** On the cache's clock. */
  readonly until: number;
  /** Contexts of what was opened with it and is remembered. */
  readonly opened: Set<string>;
}

interface Opened {
  readonly sealed: Buffer;
  readonly content: unknown;
  readonly by: KeptKey;
}

/** Opens what is sealed under one key. */
export interface Unsealer {
  /**
   * @returns the content, shared with whoever opened the same bytes: not to be changed
   * @throws UnsealError as `unseal`
   */
  open(sealed: Buffer, context: string): unknown;
}

/**
 * Unwrapped keys in memory. The cache owns its bytes: it takes a copy in and gives copies out, and zeroes its own when it
 * forgets them. So a key that is evicted while a request runs stays whole in that request's hands; sharing one buffer
 * would let the eviction turn it to zeros between two rows, and rows be sealed under zeros.
 *
 * What was opened with a key is remembered no longer than the key: whoever can read this memory could open it as well.
 */
export class KeyCache {
  readonly #keys: LRUCache<string, KeptKey>;
  readonly #opened: LRUCache<string, Opened>;
  readonly #now: () => number;
  readonly #purge: NodeJS.Timeout;

  /** @param now a clock in milliseconds, replaced in tests */
  constructor(max: number, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#opened = new LRUCache<string, Opened>({
      maxSize: OPENED_MAX_BYTES,
      sizeCalculation: ({ sealed }) => sealed.length + OPENED_OVERHEAD_BYTES,
      dispose: ({ by }, context) => by.opened.delete(context),
    });
    this.#keys = new LRUCache<string, KeptKey>({
      max,
      dispose: ({ key, opened }) => {
        for (const context of [...opened]) this.#opened.delete(context);
        key.fill(0);
      },
    });
    // An expired key is refused when asked for; this zeroes those that nobody asks for.
    this.#purge = setInterval(() => this.#forgetExpired(), PURGE_EVERY_MS).unref();
  }

  get(...path: string[]): Buffer | undefined {
    const kept = this.#kept(path.join(SEPARATOR), this.#now());
    return kept === undefined ? undefined : copyOf(kept.key);
  }

  /** What opens with the keys of a client's subjects that are kept. To be used at once: with the next turn some may go. */
  unsealers(client: string, subjects: Iterable<string>): Map<string, Unsealer> {
    const now = this.#now();
    const unsealers = new Map<string, Unsealer>();
    for (const subject of subjects) {
      const kept = this.#kept(client + SEPARATOR + subject, now);
      if (kept) unsealers.set(subject, { open: (sealed, context) => this.#open(kept, sealed, context) });
    }
    return unsealers;
  }

  set(key: Buffer, ...path: string[]): void {
    this.#keys.set(path.join(SEPARATOR), {
      key: copyOf(key),
      until: this.#now() + KEY_CACHE_TTL_MS,
      opened: new Set(),
    });
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

  #kept(name: string, now: number): KeptKey | undefined {
    const kept = this.#keys.get(name);
    if (kept === undefined || now < kept.until) return kept;
    this.#keys.delete(name);
    return undefined;
  }

  #forgetExpired(): void {
    const now = this.#now();
    for (const [name, { until }] of [...this.#keys.entries()]) if (now >= until) this.#keys.delete(name);
  }

  #open(by: KeptKey, sealed: Buffer, context: string): unknown {
    const known = this.#opened.get(context);
    if (known?.by === by && known.sealed.equals(sealed)) return known.content;
    const content = unseal(by.key, sealed, context);
    this.#opened.set(context, { sealed: copyOf(sealed), content, by });
    by.opened.add(context);
    return content;
  }
}

/** Not Buffer.from, whose copy would lie in a pool that other buffers share. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(bytes.length);
  bytes.copy(copy);
  return copy;
}
