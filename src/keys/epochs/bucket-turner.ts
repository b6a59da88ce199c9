import type { DataSource, EntityManager } from 'typeorm';
import { dialectOf } from '../../storage/dialect';
import { affectedRows, chunksOf, placesFor } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import { DamagedKeysError } from '../errors';
import { settled } from '../settled';
import { bucketContext, freshKey, opened, subjectContext, wrap } from '../wrapping';
import { type BucketCount, countLiving, hasLost, lostOf } from './losses';
import type { TurnLease } from './turn-lease';

/** How many buckets one transaction hangs under another node. Each is a row. */
const TOGETHER = 100;
/** How many subjects one statement wraps anew. */
const SUBJECTS_TOGETHER = 128;
/** How many buckets get another key at the same time, each by a connection of its own. */
const AT_ONCE = 2;

interface BucketRow {
  readonly bucket: number;
  readonly wrapped: Buffer;
  readonly node_generation: number;
  readonly generation: number;
  readonly members: number;
  readonly marked: number;
}

/** A bucket, and how many subjects are left in it. */
type CountedRow = BucketRow & BucketCount;

interface OpenedBucket {
  readonly row: BucketRow;
  readonly key: Buffer;
}

interface SubjectRow {
  readonly subject_id: string;
  readonly wrapped: Buffer;
}

export interface TurnerParts {
  readonly source: DataSource;
  readonly lease: TurnLease;
  /** The epoch that begins. */
  readonly number: number;
  /** Its key. */
  readonly newKey: Buffer;
  /** The key of the epoch that ends. */
  readonly oldKey: Buffer;
  /** Whether keys that do not open are left as they are. If not, the turning stops at them. */
  readonly leaveDamaged: boolean;
  /** Called after each committed step. */
  readonly onStep: (step: 'node' | 'bucket' | 'client') => void;
}

/** A client's node that ends, and the one that takes over. */
export interface Nodes {
  readonly old: Buffer;
  readonly next: Buffer;
  /** Whether another run has begun to use the next one. */
  readonly isResumed: boolean;
}

/** Hangs a client's buckets under its next node. One that lost somebody gets a new key, which wraps what lives anew. */
export class BucketTurner {
  readonly #parts: TurnerParts;
  readonly #client: string;
  readonly #old: Buffer;
  readonly #next: Buffer;
  readonly #isResumed: boolean;

  constructor(parts: TurnerParts, client: string, { old, next, isResumed }: Nodes) {
    this.#parts = parts;
    this.#client = client;
    this.#old = old;
    this.#next = next;
    this.#isResumed = isResumed;
  }

  async run(): Promise<void> {
    for (;;) {
      const rows = await this.#some();
      if (rows.length === 0) return;
      const kept: OpenedBucket[] = [];
      const others: number[] = [];
      for (const row of rows) {
        const key = hasLost(row) ? undefined : this.#opened(row);
        if (key) kept.push({ row, key });
        else others.push(row.bucket);
      }
      await this.#keep(kept);
      await this.#renewAll(others);
    }
  }

  /** The database works on one bucket while another one's keys are wrapped here. */
  async #renewAll(buckets: readonly number[]): Promise<void> {
    const waiting = [...buckets];
    const lane = async () => {
      try {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await this.#renew(next);
      } finally {
        // After a failure no other lane begins with another one.
        waiting.length = 0;
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane));
    for (const lane of ended) if (lane.status === 'rejected') throw lane.reason;
  }

  /** Buckets that do not hang under the next node yet. */
  async #some(): Promise<CountedRow[]> {
    const { source, number } = this.#parts;
    const waiting = 'FROM bucket_key WHERE client_id = ? AND node_generation <> ?';
    const found = await committed(source, () =>
      source.query<Array<{ bucket: number }>>(`SELECT bucket ${waiting} ORDER BY bucket LIMIT ${TOGETHER}`, [
        this.#client,
        number,
      ]),
    );
    const [first, last] = [Number(found[0]?.bucket ?? 0), Number(found.at(-1)?.bucket ?? 0)];
    if (found.length === 0) return [];
    const living = await countLiving(source, this.#client, first, last);
    const rows = await committed(source, () =>
      source.query<BucketRow[]>(
        `SELECT bucket, wrapped, node_generation, generation, members, marked ${waiting}
         AND bucket >= ? AND bucket <= ?`,
        [this.#client, number, first, last],
      ),
    );
    return rows.map((row) => ({ ...row, living: living.get(Number(row.bucket)) ?? 0 }));
  }

  async #keep(buckets: readonly OpenedBucket[]): Promise<void> {
    const { source, lease, number } = this.#parts;
    if (buckets.length === 0) return;
    const wrapped = buckets.map(({ row, key }) => {
      const context = bucketContext(this.#client, row.bucket, row.generation);
      return { row, key: wrap(this.#next, key, context) };
    });
    await settled(source, async (manager) => {
      let buckets = 0;
      for (const { row, key } of wrapped) {
        buckets += await affectedRows(
          manager,
          `UPDATE bucket_key SET wrapped = ?, node_generation = ?
           WHERE client_id = ? AND bucket = ? AND generation = ? AND node_generation = ?`,
          [key, number, this.#client, row.bucket, row.generation, row.node_generation],
        );
      }
      await lease.fence(manager, { buckets });
    });
    this.#parts.onStep('bucket');
  }

  /** Replaces a bucket's key. One that does not open stops the turning, unless nobody who lives is in it. */
  async #renew(bucket: number): Promise<void> {
    const { source, lease, number, leaveDamaged } = this.#parts;
    const [client, { forUpdate }] = [this.#client, dialectOf(source)];
    // The engine's logs keep what was rolled back: keys wrapped by the next node, of people who may be erased before
    // the next attempt. So the mark stays then, and the next turning replaces bucket and node once more.
    let mark = this.#isResumed ? 1 : 0;
    await settled(source, async (manager) => {
      const stays = mark;
      mark = 1;
      const key = freshKey();
      const [row] = await manager.query<BucketRow[]>(
        `SELECT bucket, wrapped, node_generation, generation, members, marked FROM bucket_key
         WHERE client_id = ? AND bucket = ?${forUpdate}`,
        [client, bucket],
      );
      // An earlier attempt may have arrived, or the client's keys are destroyed.
      if (!row || row.node_generation === number) return;
      const old = this.#opened(row);
      const subjects = await this.#subjectsOf(manager, bucket, forUpdate);
      const isEmpty = subjects.length === 0;
      if (!old && !isEmpty && !leaveDamaged) throw new DamagedKeysError(client, `its bucket ${bucket} does not open`);
      const living = new Map<string, Buffer>();
      for (const { subject_id: id, wrapped } of subjects) {
        const subjectKey = old && opened(old, wrapped, subjectContext(client, id));
        if (subjectKey) living.set(id, subjectKey);
        else if (!leaveDamaged) throw new DamagedKeysError(client, `the key of person ${id} does not open`);
      }
      const wrapped = new Map<string, Buffer>();
      for (const [id, subjectKey] of living) wrapped.set(id, wrap(key, subjectKey, subjectContext(client, id)));
      for (const chunk of chunksOf([...wrapped], SUBJECTS_TOGETHER)) await this.#write(manager, chunk);
      await this.#requireAll(manager, bucket, wrapped);
      await manager.query(
        `UPDATE bucket_key SET wrapped = ?, node_generation = ?, generation = ?, members = ?, marked = ?
         WHERE client_id = ? AND bucket = ?`,
        [
          old || isEmpty ? wrap(this.#next, key, bucketContext(client, bucket, number)) : row.wrapped,
          number,
          number,
          subjects.length,
          stays,
          client,
          bucket,
        ],
      );
      const destroyed = lostOf({ ...row, living: subjects.length });
      await lease.fence(manager, { buckets: 1, subjects: living.size, destroyed });
      for (const each of [key, ...living.values()]) each.fill(0);
    });
    this.#parts.onStep('bucket');
  }

  async #write(manager: EntityManager, chunk: ReadonlyArray<readonly [string, Buffer]>): Promise<void> {
    const ids = chunk.map(([id]) => id);
    await manager.query(
      `UPDATE subject_key SET wrapped = CASE subject_id ${'WHEN ? THEN ? '.repeat(chunk.length)}END
       WHERE client_id = ? AND subject_id IN (${placesFor(ids)})`,
      [...chunk.flat(), this.#client, ...ids],
    );
  }

  /** What was written is read again before the old keys are given up. That all of it opens is verified at the end. */
  async #requireAll(manager: EntityManager, bucket: number, written: ReadonlyMap<string, Buffer>): Promise<void> {
    const found = await this.#subjectsOf(manager, bucket);
    const same = found.filter(({ subject_id: id, wrapped }) => written.get(id)?.equals(wrapped));
    if (same.length !== written.size) throw new Error('A key that was wrapped anew was not written.');
  }

  #subjectsOf(manager: EntityManager, bucket: number, lock = ''): Promise<SubjectRow[]> {
    // In no order: SQLite would walk over all of the client's subjects to keep one.
    return manager.query<SubjectRow[]>(
      `SELECT subject_id, wrapped FROM subject_key WHERE client_id = ? AND bucket = ?${lock}`,
      [this.#client, bucket],
    );
  }

  #opened({ bucket, wrapped, generation }: BucketRow): Buffer | undefined {
    return opened(this.#old, wrapped, bucketContext(this.#client, bucket, generation));
  }
}
