import { HeldKey, type KeyHandle, ownCopy } from './held-key';
import { OpenedMemory } from './opened-rows';

/**
 * The longest that a process keeps an unwrapped key, and what was opened with it. Milliseconds. The process that
 * destroys a key drops it at once, any other process within this bound.
 */
export const KEY_CACHE_TTL_MS = 30_000;
/** The most opened content that is cached. Bytes. */
const OPENED_MAX_BYTES = 64 * 2 ** 20;

const PURGE_EVERY_MS = 5_000;
/** Dropped keys at the queue's head before it is cut. */
const QUEUE_SLACK = 1_024;

interface Place {
  readonly client: string;
  readonly name: string;
}

/**
 * Unwrapped keys in memory. The cache owns its bytes: it copies keys in and out, and zeroes its own copy when it drops
 * a key. With a shared buffer, an eviction could zero a key between two rows of a request, and seal rows under zeros.
 */
export class KeyCache {
  readonly #max: number;
  readonly #now: () => number;
  readonly #clients = new Map<string, Map<string, HeldKey>>();
  readonly #places = new Map<HeldKey, Place>();
  /** Keys in the order in which they came and expire, from `#first` on. Some are dropped already. */
  #queue: HeldKey[] = [];
  #first = 0;
  #moment = 0;
  readonly #opened = new OpenedMemory(OPENED_MAX_BYTES);
  readonly #purge: NodeJS.Timeout;

  /** @param now a clock in milliseconds, replaced in tests */
  constructor(max: number, now: () => number = () => performance.now()) {
    this.#max = max;
    this.#now = now;
    // `get` refuses an expired key. This zeroes the ones that nobody asks for.
    this.#purge = setInterval(() => this.#forgetExpired(), PURGE_EVERY_MS).unref();
  }

  /** A copy of one of a client's keys: of its nodes and buckets, its subjects, or for a use. */
  get(client: string, name: string): Buffer | undefined {
    const held = this.#clients.get(client)?.get(name);
    return held && this.#now() < held.until ? ownCopy(held.key) : undefined;
  }

  /** As {@link get}, the bytes themselves. Use them at once: later they may be zeroed. */
  borrow(client: string, name: string): Buffer | undefined {
    const held = this.#clients.get(client)?.get(name);
    return held && this.#now() < held.until ? held.key : undefined;
  }

  /** The cached ones of a client's keys. Use them synchronously: later some may be evicted. */
  handles(client: string, names: Iterable<string>): Map<string, KeyHandle> {
    const handles = new Map<string, KeyHandle>();
    const keys = this.#clients.get(client);
    if (!keys) return handles;
    const now = this.#now();
    for (const name of names) {
      const held = keys.get(name);
      if (held && now < held.until) handles.set(name, held);
    }
    return handles;
  }

  /** Rises with everything that is forgotten on demand. */
  get moment(): number {
    return this.#moment;
  }

  /** Caches a key that was read from `moment` on, unless something was forgotten since: it may be the same key. */
  setSince(moment: number, key: Buffer, client: string, name: string, ttlMs = KEY_CACHE_TTL_MS): void {
    if (moment === this.#moment) this.set(key, client, name, ttlMs);
  }

  set(key: Buffer, client: string, name: string, ttlMs = KEY_CACHE_TTL_MS): void {
    this.#forgetExpired();
    const before = this.#clients.get(client)?.get(name);
    if (before) this.#drop(before);
    if (this.#places.size >= this.#max) {
      const oldest = this.#oldest();
      if (oldest) this.#drop(oldest);
    }
    const keys = this.#clients.get(client) ?? new Map<string, HeldKey>();
    this.#clients.set(client, keys);
    const held = new HeldKey(key, this.#now() + ttlMs, this.#opened);
    keys.set(name, held);
    this.#places.set(held, { client, name });
    this.#queue.push(held);
  }

  forget(client: string, name: string): void {
    this.#moment++;
    const held = this.#clients.get(client)?.get(name);
    if (held) this.#drop(held);
  }

  /** Drops all keys of a client. */
  forgetClient(client: string): void {
    this.#moment++;
    for (const held of [...(this.#clients.get(client)?.values() ?? [])]) this.#drop(held);
  }

  close(): void {
    clearInterval(this.#purge);
    for (const held of [...this.#places.keys()]) this.#drop(held);
  }

  #forgetExpired(): void {
    const now = this.#now();
    for (let held = this.#oldest(); held && now >= held.until; held = this.#oldest()) this.#drop(held);
  }

  /** Not simply the map's first key: a map walks over everything that was deleted from its head, each time. */
  #oldest(): HeldKey | undefined {
    for (let held = this.#queue[this.#first]; held; held = this.#queue[this.#first]) {
      if (this.#places.has(held)) return held;
      this.#first++;
      if (this.#first < QUEUE_SLACK || this.#first * 2 < this.#queue.length) continue;
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    return undefined;
  }

  #drop(held: HeldKey): void {
    const { client, name } = this.#places.get(held) as Place;
    this.#places.delete(held);
    const keys = this.#clients.get(client);
    keys?.delete(name);
    if (keys?.size === 0) this.#clients.delete(client);
    held.forget();
  }
}
