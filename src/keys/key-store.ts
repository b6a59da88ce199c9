import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { DAY_MS, HOUR_MS } from '../law/calendar';
import type { HostingRegion } from '../storage/regions';
import { committed } from '../storage/transaction';
import { emptyWriteAheadLog } from '../storage/write-ahead-log';
import { ClientNodes } from './client-nodes';
import { type DerivedKeys, type DerivedKeyUse, derivedUses } from './derived-keys';
import { EpochKeys } from './epochs/epoch-keys';
import { Epochs } from './epochs/epochs';
import { ClientKeyError } from './errors';
import { damagedKey, HeldKey, type KeyHandle } from './held-key';
import { KEY_CACHE_TTL_MS, KeyCache } from './key-cache';
import { OpenedMemory } from './opened-rows';
import type { RootKeys } from './roots/root-keys';
import { ClientSecrets } from './rotation/client-secrets';
import { derivedKeysIn, keysFor } from './secret-ring';
import { SubjectBuckets } from './subject-buckets';
import { KEY_BYTES } from './wrapping';

/** A younger key without a row is not swept: its row may still be on the way. Milliseconds. */
export const ORPHAN_GRACE_MS = HOUR_MS;
/** The most unwrapped keys that one process caches. */
const KEY_CACHE_MAX = 50_000;

const CHUNK = 512;
/** For keys that one request holds: what they open is not cached. */
const nothingKept = new OpenedMemory(0);

/** A key about to be destroyed: a client's with all that it wraps, or one subject's. */
export interface KeyDestruction {
  readonly client: string;
  readonly subject?: string;
}

/** What a sweep of orphans did. `next` says where to go on; it is undefined at the end. */
export interface OrphanSweep {
  readonly looked: number;
  /** How many keys were destroyed. */
  readonly swept: number;
  readonly next?: string;
}

interface OrphanSweepOptions {
  readonly after?: string;
  readonly limit?: number;
  /** Milliseconds since 1970. */
  readonly bornBefore?: number;
}

export interface KeyStoreOptions {
  /** Milliseconds since 1970; replaced in tests. */
  readonly now?: () => number;
  /** REMIT_EPOCH: how long an epoch lasts, in milliseconds; `off` where epochs do not turn. */
  readonly epoch?: number | 'off' | undefined;
  /** How long a process keeps keys that are derived from clients' secrets. Milliseconds; replaced in tests. */
  readonly derivedKeysMs?: number | undefined;
}

/**
 * The keys that seal personal data, in a store of their own (docs/design.md). Each subject has a random key. Its
 * bucket's key wraps it, the client's node wraps the bucket's, the epoch's key the node, and a root outside of every
 * database the epoch's. Destroying a key deletes its row; nobody can read what it sealed from then on.
 *
 * What was written before lives on in redo logs, undo pages, binary logs and backups, and nothing that is overwritten
 * changes that. So a deletion is final only when its epoch has ended: then all that once wrapped the key is gone, and
 * the last of it was in no database (`epochs`; D2; docs/pitfalls.md, 26).
 *
 * A subject's key is written before the subject's row and destroyed after it, so that every row can be read.
 */
export class KeyStore {
  readonly epochs: Epochs;
  /** The secrets of the clients in this store, and their replacement. */
  readonly secrets: ClientSecrets;
  readonly #dataSource: DataSource;
  readonly #now: () => number;
  readonly #derivedKeysMs: number;
  readonly #cache: KeyCache;
  readonly #epochKeys: EpochKeys;
  readonly #nodes: ClientNodes;
  readonly #buckets: SubjectBuckets;
  #watcher: ((destruction: KeyDestruction) => Promise<void>) | undefined;

  constructor(
    dataSource: DataSource,
    roots: RootKeys,
    { now, epoch = DAY_MS, derivedKeysMs = KEY_CACHE_TTL_MS }: KeyStoreOptions = {},
  ) {
    this.#dataSource = dataSource;
    this.#now = now ?? Date.now;
    this.#derivedKeysMs = derivedKeysMs;
    this.#cache = new KeyCache(KEY_CACHE_MAX, now);
    this.#epochKeys = new EpochKeys(dataSource, roots, this.#cache, this.#now);
    this.#nodes = new ClientNodes(dataSource, this.#epochKeys, this.#cache);
    this.#buckets = new SubjectBuckets(dataSource, this.#nodes, this.#cache);
    this.secrets = new ClientSecrets({
      source: dataSource,
      nodes: this.#nodes,
      epochs: this.#epochKeys,
      now: this.#now,
      forget: (client) => {
        for (const use of Object.keys(derivedUses)) this.#cache.forget(client, use);
      },
    });
    this.epochs = new Epochs({
      source: dataSource,
      roots,
      keys: this.#epochKeys,
      now: this.#now,
      everyMs: epoch === 'off' ? undefined : epoch,
    });
  }

  /** Calls `watcher` before a key is destroyed, while what it sealed can still be read. */
  watch(watcher: (destruction: KeyDestruction) => Promise<void>): void {
    this.#watcher = watcher;
  }

  /**
   * Makes a new client's key. A client has one key ever: a second call throws, even after the key was destroyed.
   * @param _region which the client will be bound to; it counts where regions have stores of their own
   */
  async createClientKey(clientId: string, _region?: HostingRegion): Promise<void> {
    await this.#nodes.create(clientId, this.#now());
  }

  /**
   * A client's key for one use, the caller's own copy. It is derived from the client's secret of now.
   *
   * @throws ClientKeyError if the client has none, or it was destroyed
   * @throws RootKeyError if the root that wraps it is gone
   */
  async derivedKey(clientId: string, use: DerivedKeyUse): Promise<Buffer> {
    return (await this.derivedKeys(clientId, use)).current;
  }

  /**
   * A client's keys for one use, the caller's own copies: more than one while the client's secret is replaced, and for
   * what must be found for ever. Ask for them anew for each piece of work: what a process kept for longer than a minute
   * may be out of use.
   *
   * @throws as {@link derivedKey}
   */
  async derivedKeys(clientId: string, use: DerivedKeyUse): Promise<DerivedKeys> {
    const atHand = this.derivedKeysAtHand(clientId, use);
    if (atHand) return atHand;
    const { moment } = this.#cache;
    const { ring } = await this.#nodes.secrets(clientId);
    const keys = keysFor(ring, use);
    for (const { secret } of ring) secret?.fill(0);
    this.#cache.setSince(moment, keys, clientId, use, this.#derivedKeysMs);
    return derivedKeysIn(keys, this.#now());
  }

  /** The same, at once; undefined where they have to be read first. */
  derivedKeysAtHand(clientId: string, use: DerivedKeyUse): DerivedKeys | undefined {
    const cached = this.#cache.get(clientId, use);
    return cached && derivedKeysIn(cached, this.#now());
  }

  /**
   * Makes the keys of new subjects; call it before their rows are written.
   *
   * @returns each subject's key, the caller's own copy
   * @throws ClientKeyError as {@link derivedKey}; an error of the database if a subject has a key, which is kept
   */
  async createSubjectKeys(clientId: string, subjectIds: readonly string[]): Promise<Map<string, Buffer>> {
    const keys = new Map<string, Buffer>();
    const fresh = randomBytes(KEY_BYTES * subjectIds.length);
    for (const [place, subjectId] of subjectIds.entries()) {
      keys.set(subjectId, fresh.subarray(place * KEY_BYTES, (place + 1) * KEY_BYTES));
    }
    await this.#buckets.insert(clientId, keys, this.#now());
    return keys;
  }

  /**
   * The keys of subjects, each the caller's own copy. The map lacks subjects whose key was destroyed, altered or never
   * made, and every subject of a client whose key was destroyed.
   *
   * @throws ClientKeyError if the client never had a key
   */
  async subjectKeys(clientId: string, subjectIds: readonly string[]): Promise<Map<string, Buffer>> {
    const keys = new Map<string, Buffer>();
    const missing = new Set<string>();
    for (const subjectId of subjectIds) {
      const cached = this.#cache.get(clientId, subjectId);
      if (cached === undefined) missing.add(subjectId);
      else keys.set(subjectId, cached);
    }
    if (missing.size === 0) return keys;
    const read = await this.#readSubjectKeys(clientId, missing);
    return read === undefined ? new Map() : new Map([...keys, ...read.keys]);
  }

  /**
   * Calls `use` synchronously with the cached keys of these subjects. None is evicted during the call. There is no
   * handle for a subject whose key was destroyed or never made. The handle for an altered key opens nothing.
   *
   * @throws as {@link subjectKeys}, and what `use` throws
   */
  async withSubjectKeys<T>(
    clientId: string,
    subjectIds: ReadonlySet<string>,
    use: (handles: ReadonlyMap<string, KeyHandle>) => T,
  ): Promise<T> {
    const read = new Map<string, HeldKey | undefined>();
    const damaged = new Map<string, KeyHandle>();
    try {
      for (;;) {
        const handles = this.#cache.handles(clientId, subjectIds);
        const missing: string[] = [];
        for (const subjectId of subjectIds) {
          if (handles.has(subjectId)) continue;
          const own = read.get(subjectId);
          const broken = damaged.get(subjectId);
          if (own ?? broken) handles.set(subjectId, own ?? (broken as KeyHandle));
          else if (!read.has(subjectId)) missing.push(subjectId);
        }
        // A read may evict keys that were cached before it, so all of them are looked up again.
        if (missing.length === 0) return use(handles);
        const found = await this.#readSubjectKeys(clientId, missing);
        if (found === undefined) return use(new Map());
        for (const subjectId of found.damaged) damaged.set(subjectId, damagedKey);
        for (const subjectId of missing) {
          const key = found.keys.get(subjectId);
          read.set(subjectId, key && new HeldKey(key, 0, nothingKept));
          key?.fill(0);
        }
      }
    } finally {
      for (const own of read.values()) own?.forget();
    }
  }

  /** As {@link withSubjectKeys} where the keys of all of them are cached; undefined where one has to be read. */
  withKnownSubjectKeys<T>(
    clientId: string,
    subjectIds: ReadonlySet<string>,
    use: (handles: ReadonlyMap<string, KeyHandle>) => T,
  ): T | undefined {
    const handles = this.#cache.handles(clientId, subjectIds);
    return handles.size === subjectIds.size ? use(handles) : undefined;
  }

  /** The subjects whose keys were altered or swapped: nothing that was sealed for them opens. */
  async damagedAmong(clientId: string, subjectIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (subjectIds.length === 0) return new Set();
    const read = await this.#readSubjectKeys(clientId, subjectIds);
    for (const key of read?.keys.values() ?? []) key.fill(0);
    return read?.damaged ?? new Set();
  }

  /**
   * Destroys a subject's key for good. This process drops it from its cache at once, every other one within
   * KEY_CACHE_TTL_MS. Does nothing where there is no key, so that an erasure can run again.
   * @returns the epoch with whose end the destruction is final, see `Epochs.isFinal`
   */
  async destroySubjectKey(clientId: string, subjectId: string): Promise<number> {
    await this.#watcher?.({ client: clientId, subject: subjectId });
    return this.#destroying([clientId, subjectId], async () => {
      await this.#buckets.destroy(clientId, [subjectId]);
    });
  }

  /**
   * Destroys the keys of all of a client's subjects, except those in `kept`.
   * @returns as {@link destroySubjectKey}
   */
  async destroySubjectKeysExcept(clientId: string, kept: ReadonlySet<string>): Promise<number> {
    return this.#destroying([clientId], async () => {
      for (let ids = await this.#idsAfter(clientId, ''); ids.length > 0; ) {
        const gone = ids.filter((id) => !kept.has(id));
        await this.#buckets.destroy(clientId, gone);
        ids = await this.#idsAfter(clientId, ids.at(-1) ?? '');
      }
    });
  }

  /**
   * Destroys a client's key, and with it all personal data of the client (D3). Then destroys its subjects' keys.
   * @returns as {@link destroySubjectKey}
   */
  async destroyClientKey(clientId: string): Promise<number> {
    await this.#watcher?.({ client: clientId });
    return this.#destroying([clientId], async () => {
      await this.#nodes.destroy(clientId, this.#now());
      for (let ids = await this.#idsAfter(clientId, ''); ids.length > 0; ids = await this.#idsAfter(clientId, '')) {
        await this.#buckets.destroy(clientId, ids);
      }
    });
  }

  /**
   * Destroys keys whose subject has no row. Such a key is left when a process dies between writing the key and the row,
   * or between deleting the row and the key. Keys younger than ORPHAN_GRACE_MS stay. Never run it on data restored from
   * an old backup: it would erase the people who are missing there.
   *
   * @param exists returns those of the subjects that have a row
   * @param after the last subject id of the previous sweep; `limit` is roughly the most keys to look at; younger keys
   *   than of `bornBefore` stay
   */
  async sweepOrphans(
    clientId: string,
    exists: (ids: string[]) => Promise<ReadonlySet<string>>,
    {
      after = '',
      limit = Number.POSITIVE_INFINITY,
      bornBefore = this.#now() - ORPHAN_GRACE_MS,
    }: OrphanSweepOptions = {},
  ): Promise<OrphanSweep> {
    let [looked, swept] = [0, 0];
    for (let ids = await this.#idsAfter(clientId, after, bornBefore); ids.length > 0; ) {
      const present = await exists(ids);
      const orphans = ids.filter((subjectId) => !present.has(subjectId));
      if (orphans.length > 0) await this.#destroying([clientId], () => this.#buckets.destroy(clientId, orphans));
      looked += ids.length;
      swept += orphans.length;
      const last = ids.at(-1) ?? '';
      if (looked >= limit) return { looked, swept, next: last };
      ids = await this.#idsAfter(clientId, last, bornBefore);
    }
    return { looked, swept };
  }

  /** Zeroes the keys in memory. The data source is its owner's to close. */
  close(): void {
    this.#cache.close();
  }

  /**
   * @returns copies of the keys that open, and the subjects whose keys do not; undefined where the client's are
   *   destroyed
   */
  async #readSubjectKeys(
    clientId: string,
    subjectIds: Iterable<string>,
  ): Promise<{ keys: Map<string, Buffer>; damaged: Set<string> } | undefined> {
    const { moment } = this.#cache;
    try {
      const read = await this.#buckets.read(clientId, new Set(subjectIds));
      for (const [subjectId, key] of read.keys) this.#cache.setSince(moment, key, clientId, subjectId);
      return read;
    } catch (error) {
      if (error instanceof ClientKeyError && error.code === 'CLIENT_KEY_DESTROYED') return undefined;
      throw error;
    }
  }

  /** Clears the cache before and after: a read that began in between must leave nothing there. */
  async #destroying([clientId, subjectId]: [clientId: string, subjectId?: string], work: () => Promise<void>) {
    const forget = () => {
      if (subjectId === undefined) this.#cache.forgetClient(clientId);
      else this.#cache.forget(clientId, subjectId);
    };
    forget();
    try {
      await work();
    } finally {
      forget();
    }
    await emptyWriteAheadLog(this.#dataSource);
    // Read after the commit: an epoch that began before it is named, and ends later.
    return this.#epochKeys.newest();
  }

  async #idsAfter(clientId: string, after: string, bornBefore = Number.MAX_SAFE_INTEGER): Promise<string[]> {
    const sql = `SELECT subject_id FROM subject_key WHERE client_id = ? AND subject_id > ? AND created_at < ?
                 ORDER BY subject_id LIMIT ${CHUNK}`;
    const rows = await committed(this.#dataSource, () =>
      this.#dataSource.query<{ subject_id: string }[]>(sql, [clientId, after, bornBefore]),
    );
    return rows.map((row) => row.subject_id);
  }
}
