import type { DataSource, EntityManager } from 'typeorm';
import { dialectOf } from '../../storage/dialect';
import { affectedRows, chunksOf, placesFor } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import { CLIENT_COLUMNS, type ClientRow } from '../client-nodes';
import { DamagedKeysError } from '../errors';
import { settled } from '../settled';
import {
  bucketContext,
  freshKey,
  nodeContext,
  opened,
  openedSecrets,
  subjectContext,
  wrap,
  wrapSecrets,
} from '../wrapping';
import { requireBuckets } from './presence';
import type { TurnLease } from './turn-lease';

/** How many clients or buckets one transaction wraps anew. Each is a row. */
const TOGETHER = 100;
/** How many subjects one statement wraps anew. */
const SUBJECTS_TOGETHER = 128;

interface BucketRow {
  readonly bucket: number;
  readonly wrapped: Buffer;
  readonly node_generation: number;
  readonly generation: number;
  readonly marked: number;
}

interface OpenedBucket {
  readonly row: BucketRow;
  readonly key: Buffer;
}

interface SubjectRow {
  readonly subject_id: string;
  readonly wrapped: Buffer;
}

export interface ClientTurnerParts {
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

/**
 * Hangs all clients under the epoch that begins. A client without a marked bucket keeps its node, wrapped anew. One
 * with a marked bucket, or of which a secret was destroyed, gets a new node: what the old one has wrapped must not be
 * opened by anything that lives.
 *
 * Each transaction changes a bounded number of rows and holds by itself, so that any process can go on. Readers find
 * buckets of both nodes meanwhile.
 */
export class ClientTurner {
  readonly #parts: ClientTurnerParts;

  constructor(parts: ClientTurnerParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    for (let found = await this.#round(); found > 0; found = await this.#round());
  }

  /** @returns how many clients it found that hang under an older epoch */
  async #round(): Promise<number> {
    const { source, number } = this.#parts;
    let found = 0;
    for (let after = ''; ; ) {
      const sql = `SELECT ${CLIENT_COLUMNS} FROM client_key WHERE epoch < ? AND client_id > ?
                   ORDER BY client_id LIMIT ${TOGETHER}`;
      const rows = await committed(source, () => source.query<ClientRow[]>(sql, [number, after]));
      if (rows.length === 0) return found;
      await this.#turnSome(rows);
      found += rows.length;
      after = rows.at(-1)?.client_id ?? '';
    }
  }

  async #turnSome(rows: readonly ClientRow[]): Promise<void> {
    const { source } = this.#parts;
    const ids = rows.map((row) => row.client_id);
    const marked = await committed(source, () =>
      source.query<Array<{ client_id: string }>>(
        `SELECT DISTINCT client_id FROM bucket_key WHERE marked > 0 AND client_id IN (${placesFor(ids)})`,
        ids,
      ),
    );
    const touched = new Set(marked.map((row) => row.client_id));
    const kept: ClientRow[] = [];
    for (const row of rows) {
      if (row.node === null) await this.#leaveOut(row);
      else if (touched.has(row.client_id) || row.marked > 0 || row.next_generation > 0)
        await this.#renew(row, row.node);
      else kept.push(row);
    }
    await this.#keepNodes(kept);
  }

  /** Wraps nodes anew, each where nobody has changed the client since it was read. */
  async #keepNodes(rows: readonly ClientRow[]): Promise<void> {
    const { source, lease, number, newKey } = this.#parts;
    if (rows.length === 0) return;
    const wrapped = rows.map((row) => {
      const node = row.node && this.#openedNode(row, row.node);
      const context = nodeContext(row.client_id, row.node_generation);
      return { row, node: node ? wrap(newKey, node, context) : row.node };
    });
    await settled(source, async (manager) => {
      let clients = 0;
      for (const { row, node } of wrapped) {
        clients += await affectedRows(
          manager,
          `UPDATE client_key SET node = ?, epoch = ? WHERE client_id = ? AND epoch = ? AND node_generation = ?
           AND next_generation = ? AND destroyed_at IS NULL`,
          [node, number, row.client_id, row.epoch, row.node_generation, row.next_generation],
        );
      }
      await lease.fence(manager, { clients });
    });
    this.#parts.onStep('client');
  }

  /** Removes the buckets of a client whose keys are destroyed. */
  async #leaveOut({ client_id: client }: ClientRow): Promise<void> {
    const { source, lease, number } = this.#parts;
    for (;;) {
      const left = await settled(source, async (manager) => {
        const rows = await manager.query<BucketRow[]>(
          `SELECT bucket, marked FROM bucket_key WHERE client_id = ? ORDER BY bucket LIMIT ${TOGETHER}`,
          [client],
        );
        const numbers = rows.map((row) => row.bucket);
        await lease.fence(manager, { buckets: rows.length, destroyed: rows.reduce((sum, row) => sum + row.marked, 0) });
        if (rows.length > 0)
          await manager.query(`DELETE FROM bucket_key WHERE client_id = ? AND bucket IN (${placesFor(numbers)})`, [
            client,
            ...numbers,
          ]);
        else await manager.query('UPDATE client_key SET epoch = ? WHERE client_id = ?', [number, client]);
        return rows.length;
      });
      if (left === 0) return;
    }
  }

  async #renew(row: ClientRow, wrappedNode: Buffer): Promise<void> {
    const old = this.#openedNode(row, wrappedNode);
    // A damaged node opens nothing, under whatever epoch.
    if (!old) return this.#keepNodes([row]);
    // Until the client gets another node, a row that vanished can be put back from a backup.
    if (!this.#parts.leaveDamaged) await requireBuckets(this.#parts.source, row.client_id);
    const next = await this.#nextNode(row);
    if (!next) return;
    this.#parts.onStep('node');
    const nodes = { old, next, isResumed: row.next_node !== null };
    await new BucketTurner(this.#parts, row.client_id, nodes).run();
    await this.#switch(row.client_id, nodes);
    for (const key of [old, next]) key.fill(0);
    this.#parts.onStep('client');
  }

  /** The node that takes over; undefined where the client was changed since it was read. */
  async #nextNode(row: ClientRow): Promise<Buffer | undefined> {
    const { source, lease, number, newKey } = this.#parts;
    const context = nodeContext(row.client_id, number);
    if (row.next_node) {
      const node = opened(newKey, row.next_node, context);
      if (!node) throw new DamagedKeysError(row.client_id, 'its next node does not open');
      return node;
    }
    const node = freshKey();
    const wrapped = wrap(newKey, node, context);
    const isMade = await settled(source, async (manager) => {
      await lease.fence(manager);
      return affectedRows(
        manager,
        `UPDATE client_key SET next_node = ?, next_generation = ? WHERE client_id = ? AND epoch = ?
         AND node_generation = ? AND next_generation = 0 AND destroyed_at IS NULL`,
        [wrapped, number, row.client_id, row.epoch, row.node_generation],
      );
    });
    return isMade > 0 ? node : undefined;
  }

  /** The next node takes over, once it wraps all buckets. Otherwise the client is found again. */
  async #switch(client: string, { old, next, isResumed }: Nodes): Promise<void> {
    const { source, lease, number, leaveDamaged } = this.#parts;
    // As for a bucket: what was rolled back has wrapped secrets by the next node, which may be destroyed meanwhile.
    let mark = isResumed ? 1 : 0;
    await settled(source, async (manager) => {
      const stays = mark;
      mark = 1;
      const [left] = await manager.query<Array<{ n: number }>>(
        'SELECT COUNT(*) AS n FROM bucket_key WHERE client_id = ? AND node_generation <> ?',
        [client, number],
      );
      const [row] = await manager.query<Array<{ secret: Buffer | null; marked: number }>>(
        'SELECT secret, marked FROM client_key WHERE client_id = ?',
        [client],
      );
      if (Number(left?.n) > 0 || !row?.secret) return;
      const secret = openedSecrets(old, row.secret, client);
      if (!secret && !leaveDamaged) throw new DamagedKeysError(client, 'its secret does not open');
      const clients = await affectedRows(
        manager,
        `UPDATE client_key SET node = next_node, node_generation = next_generation, epoch = ?, next_node = NULL,
         next_generation = 0, secret = ?, marked = ?
         WHERE client_id = ? AND next_generation = ? AND secret = ? AND destroyed_at IS NULL`,
        [
          number,
          secret ? wrapSecrets(next, secret, client) : row.secret,
          ...[stays, client, number],
          // Where a secret was replaced meanwhile, the client is found again.
          row.secret,
        ],
      );
      await lease.fence(manager, { clients, destroyed: clients > 0 ? row.marked : 0 });
    });
  }

  #openedNode(row: ClientRow, node: Buffer): Buffer | undefined {
    const { oldKey, leaveDamaged } = this.#parts;
    const key = opened(oldKey, node, nodeContext(row.client_id, row.node_generation));
    if (!key && !leaveDamaged) throw new DamagedKeysError(row.client_id, 'its node does not open');
    return key;
  }
}

/** A client's node that ends, and the one that takes over. */
interface Nodes {
  readonly old: Buffer;
  readonly next: Buffer;
  /** Whether another run has begun to use the next one. */
  readonly isResumed: boolean;
}

/** Hangs a client's buckets under its next node. A marked one gets a new key, which wraps what lives anew. */
class BucketTurner {
  readonly #parts: ClientTurnerParts;
  readonly #client: string;
  readonly #old: Buffer;
  readonly #next: Buffer;
  readonly #isResumed: boolean;
  /** Buckets that were tried to be kept. Where they were marked meanwhile, that was rolled back. */
  readonly #tried = new Set<number>();

  constructor(parts: ClientTurnerParts, client: string, { old, next, isResumed }: Nodes) {
    this.#parts = parts;
    this.#client = client;
    this.#old = old;
    this.#next = next;
    this.#isResumed = isResumed;
  }

  async run(): Promise<void> {
    const { source, number } = this.#parts;
    for (;;) {
      const rows = await committed(source, () =>
        source.query<BucketRow[]>(
          `SELECT bucket, wrapped, node_generation, generation, marked FROM bucket_key
           WHERE client_id = ? AND node_generation <> ? ORDER BY bucket LIMIT ${TOGETHER}`,
          [this.#client, number],
        ),
      );
      if (rows.length === 0) return;
      const kept: OpenedBucket[] = [];
      const others: number[] = [];
      for (const row of rows) {
        const key = row.marked === 0 ? this.#opened(row) : undefined;
        if (key) kept.push({ row, key });
        else others.push(row.bucket);
      }
      await this.#keep(kept);
      for (const bucket of others) await this.#renew(bucket);
    }
  }

  async #keep(buckets: readonly OpenedBucket[]): Promise<void> {
    const { source, lease, number } = this.#parts;
    if (buckets.length === 0) return;
    const wrapped = buckets.map(({ row, key }) => {
      const context = bucketContext(this.#client, row.bucket, row.generation);
      return { row, key: wrap(this.#next, key, context) };
    });
    for (const { row } of buckets) this.#tried.add(row.bucket);
    await settled(source, async (manager) => {
      let buckets = 0;
      for (const { row, key } of wrapped) {
        buckets += await affectedRows(
          manager,
          `UPDATE bucket_key SET wrapped = ?, node_generation = ?
           WHERE client_id = ? AND bucket = ? AND generation = ? AND node_generation = ? AND marked = 0`,
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
    let mark = this.#isResumed || this.#tried.has(bucket) ? 1 : 0;
    await settled(source, async (manager) => {
      const stays = mark;
      mark = 1;
      const key = freshKey();
      const [row] = await manager.query<BucketRow[]>(
        `SELECT bucket, wrapped, node_generation, generation, marked FROM bucket_key
         WHERE client_id = ? AND bucket = ?${forUpdate}`,
        [client, bucket],
      );
      // An earlier attempt may have arrived, or the client's keys are destroyed.
      if (!row || row.node_generation === number) return;
      const old = this.#opened(row);
      const subjects = await this.#subjectsOf(manager, bucket, forUpdate);
      if (!old && subjects.length === 0) return this.#remove(manager, row);
      if (!old && !leaveDamaged) throw new DamagedKeysError(client, `its bucket ${bucket} does not open`);
      const living = new Map<string, Buffer>();
      for (const { subject_id: id, wrapped } of subjects) {
        const subjectKey = old && opened(old, wrapped, subjectContext(client, id));
        if (subjectKey) living.set(id, subjectKey);
        else if (!leaveDamaged) throw new DamagedKeysError(client, `the key of person ${id} does not open`);
      }
      for (const chunk of chunksOf([...living], SUBJECTS_TOGETHER)) await this.#wrapAnew(manager, key, chunk);
      await this.#requireAll(manager, bucket, key, living);
      await manager.query(
        `UPDATE bucket_key SET wrapped = ?, node_generation = ?, generation = ?, members = ?, marked = ?
         WHERE client_id = ? AND bucket = ?`,
        [
          old ? wrap(this.#next, key, bucketContext(client, bucket, number)) : row.wrapped,
          number,
          number,
          subjects.length,
          stays,
          client,
          bucket,
        ],
      );
      await lease.fence(manager, { buckets: 1, subjects: living.size, destroyed: row.marked });
      for (const each of [key, ...living.values()]) each.fill(0);
    });
    this.#parts.onStep('bucket');
  }

  async #remove(manager: EntityManager, { bucket, marked }: BucketRow): Promise<void> {
    await manager.query('DELETE FROM bucket_key WHERE client_id = ? AND bucket = ?', [this.#client, bucket]);
    await this.#parts.lease.fence(manager, { buckets: 1, destroyed: marked });
  }

  async #wrapAnew(manager: EntityManager, key: Buffer, chunk: ReadonlyArray<readonly [string, Buffer]>): Promise<void> {
    const client = this.#client;
    const cases = chunk.flatMap(([id, subjectKey]) => [id, wrap(key, subjectKey, subjectContext(client, id))]);
    const ids = chunk.map(([id]) => id);
    await manager.query(
      `UPDATE subject_key SET wrapped = CASE subject_id ${'WHEN ? THEN ? '.repeat(chunk.length)}END
       WHERE client_id = ? AND subject_id IN (${placesFor(ids)})`,
      [...cases, client, ...ids],
    );
  }

  /** What was written is read again before the old keys are given up. */
  async #requireAll(
    manager: EntityManager,
    bucket: number,
    key: Buffer,
    living: ReadonlyMap<string, Buffer>,
  ): Promise<void> {
    const found = await this.#subjectsOf(manager, bucket);
    const same = found.filter(({ subject_id: id, wrapped }) => {
      const before = living.get(id);
      return before && opened(key, wrapped, subjectContext(this.#client, id))?.equals(before);
    });
    if (same.length !== living.size) throw new Error('A key that was wrapped anew does not open.');
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
