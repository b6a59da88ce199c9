import { LRUCache } from 'lru-cache';
import type { DataSource, EntityManager } from 'typeorm';
import { affectedRows, chunksOf, insertStatement, placesFor } from '../storage/sql';
import { runStatement } from '../storage/statements';
import { committed } from '../storage/transaction';
import { writeStatement } from '../storage/write-statement';
import type { ClientNodes, LivingClient } from './client-nodes';
import type { KeyCache } from './key-cache';
import { ArrivedError, insertedHere, settled } from './settled';
import { bucketContext, freshKey, opened, subjectContext, wrap } from './wrapping';

/**
 * How many subjects share a bucket. Destroying one of them makes the next turning wrap the others anew, and each of the
 * client's buckets.
 */
export const BUCKET_SUBJECTS = 256;
/** The most ids that one statement names. */
const CHUNK = 512;
/** Statements with so many values are prepared: of a client, and of up to 64 subjects. */
const PREPARED = 65;
/** How often a read that met a turning looks again. Each time a client's node would have to be replaced in between. */
const MOST_LOOKS = 4;

/** A bucket that this process fills. */
interface OpenBucket {
  readonly bucket: number;
  readonly generation: number;
  left: number;
}

interface SubjectRow {
  readonly subject_id: string;
  readonly wrapped: Buffer;
  readonly bucket: number;
  /** Of the bucket's key that wraps it. Null where the bucket's row is lost; undefined where it was not asked for. */
  readonly generation?: number | null;
}

interface BucketRow {
  readonly bucket: number;
  readonly wrapped: Buffer;
  readonly node_generation: number;
  readonly generation: number;
}

/** Keys of buckets that a read needs: those that do not open, and those that were replaced after the read began. */
type BucketKeys = ReadonlyMap<number, Buffer | 'DAMAGED' | 'MOVED'>;

/** The keys of subjects, and the buckets in which they are. */
export class SubjectBuckets {
  readonly #source: DataSource;
  readonly #nodes: ClientNodes;
  readonly #cache: KeyCache;
  /** Buckets with room, of clients. Several calls at once fill several buckets, so that none waits for another. */
  readonly #open = new LRUCache<string, OpenBucket[]>({ max: 10_000 });
  /** Of clients: the names of buckets' newest keys that are cached, or were. */
  readonly #names = new LRUCache<string, Map<number, string>>({ max: 10_000 });

  constructor(source: DataSource, nodes: ClientNodes, cache: KeyCache) {
    this.#source = source;
    this.#nodes = nodes;
    this.#cache = cache;
  }

  /** Stores the keys of new subjects. */
  async insert(client: string, keys: ReadonlyMap<string, Buffer>, createdAt: number): Promise<void> {
    const waiting = [...keys];
    while (waiting.length > 0) {
      const open = this.#open.get(client)?.pop();
      const chunk = waiting.slice(0, open?.left ?? BUCKET_SUBJECTS);
      const filled = await this.#put(client, open, chunk, createdAt);
      if (!filled) continue;
      waiting.splice(0, chunk.length);
      if (filled !== 'THERE' && filled.left > 0) this.#open.set(client, [...(this.#open.get(client) ?? []), filled]);
    }
  }

  /** @returns the bucket that took them; THERE where an attempt had put them into one; undefined where to try again */
  async #put(
    client: string,
    open: OpenBucket | undefined,
    chunk: ReadonlyArray<readonly [string, Buffer]>,
    createdAt: number,
  ): Promise<OpenBucket | 'THERE' | undefined> {
    try {
      if (open) return await this.#fill(client, open, chunk, createdAt);
      return await this.#begin(client, chunk, createdAt);
    } catch (error) {
      if (error instanceof ArrivedError) return 'THERE';
      throw error;
    }
  }

  /**
   * Reads keys of subjects. It tries the keys of buckets that this process knows: another generation's opens nothing.
   * What does not open is read once more, together with which key of its bucket wraps it, to tell whether it was
   * wrapped anew meanwhile or altered.
   * @returns copies of the keys that open, and the subjects whose keys do not
   * @throws ClientKeyError where the client never had keys, or they are destroyed
   */
  async read(
    client: string,
    subjects: ReadonlySet<string>,
  ): Promise<{ keys: Map<string, Buffer>; damaged: Set<string> }> {
    const keys = new Map<string, Buffer>();
    const damaged = new Set<string>();
    for (const chunk of chunksOf([...subjects], CHUNK)) {
      let missing = chunk;
      for (let looks = 1; missing.length > 0; looks++) {
        const isExact = looks > 1;
        const found = await this.#select(client, missing, isExact);
        const rows = isExact ? found : this.#openKnown(client, found, keys);
        const buckets = await this.#bucketKeys(client, rows);
        missing = [];
        for (const { subject_id: id, wrapped, bucket } of rows) {
          const by = buckets.get(bucket);
          const key = by instanceof Buffer ? opened(by, wrapped, subjectContext(client, id)) : undefined;
          if (key) keys.set(id, key);
          else if (!isExact || (by === 'MOVED' && looks < MOST_LOOKS)) missing.push(id);
          else damaged.add(id);
        }
        for (const key of buckets.values()) if (key instanceof Buffer) key.fill(0);
      }
    }
    // What is absent of a client without keys is no destroyed subject.
    if (keys.size + damaged.size < subjects.size) await this.#nodes.row(client);
    return { keys, damaged };
  }

  /**
   * Deletes keys. Nothing else says that they were there but that their buckets have fewer subjects than were put into
   * them. By that the next turning replaces what wrapped them, and no crash can come in between.
   */
  async destroy(client: string, subjects: readonly string[]): Promise<void> {
    for (const chunk of chunksOf(subjects, CHUNK)) {
      const ids = padded(chunk);
      const sql = `DELETE FROM subject_key WHERE client_id = ? AND subject_id IN (${placesFor(ids)})`;
      await writeStatement(this.#source, sql, [client, ...ids], { preparedUpTo: PREPARED });
    }
  }

  /** @param withGeneration in the same statement, so that keys of two generations never meet */
  #select(client: string, subjects: readonly string[], withGeneration: boolean): Promise<SubjectRow[]> {
    const ids = padded(subjects);
    const [generation, joined] = withGeneration
      ? [', b.generation', 'LEFT JOIN bucket_key AS b ON b.client_id = s.client_id AND b.bucket = s.bucket']
      : ['', ''];
    const sql = `SELECT s.subject_id, s.wrapped, s.bucket${generation} FROM subject_key AS s ${joined}
                 WHERE s.client_id = ? AND s.subject_id IN (${placesFor(ids)})`;
    return runStatement(this.#source, sql, [client, ...ids], { preparedUpTo: PREPARED });
  }

  /** Opens what cached keys open, and puts it into `keys`. @returns the other rows */
  #openKnown(client: string, rows: readonly SubjectRow[], keys: Map<string, Buffer>): SubjectRow[] {
    const names = this.#names.get(client);
    if (!names) return [...rows];
    return rows.filter(({ subject_id: id, wrapped, bucket }) => {
      const by = this.#cache.borrow(client, names.get(bucket) ?? '');
      const key = by && opened(by, wrapped, subjectContext(client, id));
      if (key) keys.set(id, key);
      return !key;
    });
  }

  /** The name under which a bucket's newest key is cached. */
  #named(client: string, bucket: number, generation: number): string {
    const names = this.#names.get(client) ?? new Map<number, string>();
    this.#names.set(client, names);
    const name = bucketName(bucket, generation);
    names.set(bucket, name);
    return name;
  }

  /** @returns the caller's own copies */
  async #bucketKeys(
    client: string,
    rows: ReadonlyArray<Omit<SubjectRow, 'subject_id' | 'wrapped'>>,
  ): Promise<BucketKeys> {
    const keys = new Map<number, Buffer | 'DAMAGED' | 'MOVED'>();
    const missing = new Map<number, number | undefined>();
    for (const { bucket, generation } of rows) {
      if (keys.has(bucket) || missing.has(bucket)) continue;
      const cached = generation && this.#cache.get(client, bucketName(bucket, generation));
      if (generation === null) keys.set(bucket, 'DAMAGED');
      else if (cached) keys.set(bucket, cached);
      else missing.set(bucket, generation);
    }
    const { moment } = this.#cache;
    for (const row of missing.size > 0 ? await this.#selectBuckets(client, [...missing.keys()]) : []) {
      const { bucket, generation } = row;
      if ((missing.get(bucket) ?? generation) !== generation) continue;
      const node = await this.#nodes.key(client, row.node_generation);
      if (!node) continue;
      const key = opened(node, row.wrapped, bucketContext(client, bucket, generation));
      node.fill(0);
      if (key) this.#cache.setSince(moment, key, client, this.#named(client, bucket, generation));
      keys.set(bucket, key ?? 'DAMAGED');
    }
    for (const bucket of missing.keys()) if (!keys.has(bucket)) keys.set(bucket, 'MOVED');
    return keys;
  }

  #selectBuckets(client: string, buckets: readonly number[]): Promise<BucketRow[]> {
    const numbers = padded(buckets);
    const sql = `SELECT bucket, wrapped, node_generation, generation FROM bucket_key
                 WHERE client_id = ? AND bucket IN (${placesFor(numbers)})`;
    return committed(this.#source, () => this.#source.query(sql, [client, ...numbers]));
  }

  /** @returns undefined where the bucket's key was replaced */
  async #fill(
    client: string,
    open: OpenBucket,
    chunk: ReadonlyArray<readonly [string, Buffer]>,
    createdAt: number,
  ): Promise<OpenBucket | undefined> {
    const { bucket, generation } = open;
    const key = (await this.#bucketKeys(client, [open])).get(bucket);
    if (!(key instanceof Buffer)) return undefined;
    const rows = rowsOf(client, bucket, key, chunk, createdAt);
    key.fill(0);
    const isThere = await settled(this.#source, async (manager, mayHaveArrived) => {
      const sql = 'UPDATE bucket_key SET members = members + ? WHERE client_id = ? AND bucket = ? AND generation = ?';
      if ((await affectedRows(manager, sql, [chunk.length, client, bucket, generation])) === 0) return false;
      await insertedHere(mayHaveArrived, () => insertSubjects(manager, rows));
      return true;
    });
    return isThere ? { ...open, left: open.left - chunk.length } : undefined;
  }

  /** @returns undefined where an epoch turned meanwhile */
  async #begin(
    client: string,
    chunk: ReadonlyArray<readonly [string, Buffer]>,
    createdAt: number,
  ): Promise<OpenBucket | undefined> {
    const row = await this.#nodes.row(client);
    const generation = Number(row.next_generation) || Number(row.node_generation);
    const node = await this.#nodes.key(client, generation, row);
    if (!node) return undefined;
    let key: Buffer | undefined;
    try {
      const begun = await settled(this.#source, async (manager, mayHaveArrived) => {
        const made = await insertBucket(manager, row, { node, generation, members: chunk.length });
        if (!made) return undefined;
        const { bucket } = made;
        key = made.key;
        await insertedHere(mayHaveArrived, () =>
          insertSubjects(manager, rowsOf(client, bucket, made.key, chunk, createdAt)),
        );
        return { bucket, generation, left: BUCKET_SUBJECTS - chunk.length };
      });
      if (begun && key) this.#cache.set(key, client, this.#named(client, begun.bucket, generation));
      return begun;
    } finally {
      key?.fill(0);
      node.fill(0);
    }
  }
}

/**
 * Makes a bucket of a client. It holds back a turning that would replace the client's node.
 * @param row the client as it was read
 * @param made the node that wraps the bucket's key, its generation, and how many subjects the bucket gets at once
 * @returns its number and key; undefined where the client's node was replaced since the client was read
 */
export async function insertBucket(
  manager: EntityManager,
  { client_id: client, ...row }: Pick<LivingClient, 'client_id' | 'node_generation' | 'next_generation'>,
  { node, generation, members }: { readonly node: Buffer; readonly generation: number; readonly members: number },
): Promise<{ bucket: number; key: Buffer } | undefined> {
  const isAsRead = await affectedRows(
    manager,
    `UPDATE client_key SET buckets = buckets + 1
     WHERE client_id = ? AND node_generation = ? AND next_generation = ? AND destroyed_at IS NULL`,
    [client, row.node_generation, row.next_generation],
  );
  if (isAsRead === 0) return undefined;
  const sql = 'SELECT buckets FROM client_key WHERE client_id = ?';
  const [counted] = await manager.query<Array<{ buckets: number }>>(sql, [client]);
  const bucket = Number(counted?.buckets);
  // Each attempt's bucket needs a key of its own.
  const key = freshKey();
  const wrapped = wrap(node, key, bucketContext(client, bucket, generation));
  await manager.query(INSERT_BUCKET, [client, bucket, wrapped, generation, generation, members, 0]);
  return { bucket, key };
}

/** An INSERT of a bucket. */
export const INSERT_BUCKET = insertStatement(
  'bucket_key',
  ['client_id', 'bucket', 'wrapped', 'node_generation', 'generation', 'members', 'marked'],
  1,
);
const SUBJECT_COLUMNS = ['client_id', 'subject_id', 'wrapped', 'bucket', 'created_at'];

const bucketName = (bucket: number, generation: number) => `bucket ${bucket} ${generation}`;

function rowsOf(
  client: string,
  bucket: number,
  bucketKey: Buffer,
  chunk: ReadonlyArray<readonly [string, Buffer]>,
  createdAt: number,
): unknown[][] {
  return chunk.map(([subject, key]) => {
    return [client, subject, wrap(bucketKey, key, subjectContext(client, subject)), bucket, createdAt];
  });
}

const insertSubjects = (manager: EntityManager, rows: unknown[][]) =>
  manager.query(insertStatement('subject_key', SUBJECT_COLUMNS, rows.length), rows.flat());

/** Ids, repeated up to a power of two: then only a few statements have to be prepared. */
function padded<T>(ids: readonly T[]): T[] {
  const size = 2 ** Math.ceil(Math.log2(ids.length));
  return [...ids, ...Array<T>(size - ids.length).fill(ids[0] as T)];
}
