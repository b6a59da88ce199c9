import { affectedRows, placesFor } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import { CLIENT_COLUMNS, type ClientRow } from '../client-nodes';
import { DamagedKeysError } from '../errors';
import { insertedOnce, settled } from '../settled';
import { INSERT_BUCKET } from '../subject-buckets';
import { freshKey, nodeContext, opened, openedSecrets, wrap, wrapSecrets } from '../wrapping';
import { BucketTurner, type Nodes, type TurnerParts } from './bucket-turner';
import { type BucketCount, countLiving, hasLosses, lostOf } from './losses';
import { requireBuckets } from './presence';

/** How many clients one transaction wraps anew. Each is a row. */
const TOGETHER = 100;

/**
 * Hangs all clients under the epoch that begins. A client that lost nobody keeps its node, wrapped anew. One with a
 * bucket that lost somebody, or of which a secret was destroyed, gets a new node: what the old one has wrapped must not
 * be opened by anything that lives.
 *
 * Each transaction changes a bounded number of rows and holds by itself, so that any process can go on. Readers find
 * buckets of both nodes meanwhile.
 */
export class ClientTurner {
  readonly #parts: TurnerParts;

  constructor(parts: TurnerParts) {
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
    const kept: ClientRow[] = [];
    for (const row of rows) {
      if (row.node === null) await this.#leaveOut(row);
      else if (await this.#isTouched(row)) await this.#renew(row, row.node);
      else kept.push(row);
    }
    await this.#keepNodes(kept);
  }

  async #isTouched({ client_id: client, buckets, marked, next_generation: next }: ClientRow): Promise<boolean> {
    return marked > 0 || next > 0 || hasLosses(this.#parts.source, client, buckets);
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
        const rows = await manager.query<Array<Omit<BucketCount, 'living'>>>(
          `SELECT bucket, members, marked FROM bucket_key WHERE client_id = ? ORDER BY bucket LIMIT ${TOGETHER}`,
          [client],
        );
        const numbers = rows.map((row) => row.bucket);
        const living = await countLiving(manager, client, numbers[0] ?? 0, numbers.at(-1) ?? 0);
        const lost = rows.map((row) => lostOf({ ...row, living: living.get(Number(row.bucket)) ?? 0 }));
        const destroyed = lost.reduce((sum, each) => sum + each, 0);
        await lease.fence(manager, { buckets: rows.length, destroyed });
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
    await this.#replaceVanished(row);
    this.#parts.onStep('node');
    const nodes = { old, next, isResumed: row.next_node !== null };
    await new BucketTurner(this.#parts, row.client_id, nodes).run();
    await this.#switch(row.client_id, nodes);
    for (const key of [old, next]) key.fill(0);
    this.#parts.onStep('client');
  }

  /**
   * Gives buckets whose rows vanished one that opens nothing, so that they get another key. Nobody is in them, unless
   * damaged keys are left.
   */
  async #replaceVanished({ client_id: client, buckets }: ClientRow): Promise<void> {
    const { source, lease } = this.#parts;
    const between = 'FROM bucket_key WHERE client_id = ? AND bucket > ? AND bucket <= ?';
    for (let [first, last] = [0, TOGETHER]; first < buckets; [first, last] = [last, last + TOGETHER]) {
      const end = Math.min(last, buckets);
      const rows = await committed(source, () =>
        source.query<Array<{ bucket: number }>>(`SELECT bucket ${between}`, [client, first, end]),
      );
      if (rows.length === end - first) continue;
      const there = new Set(rows.map(({ bucket }) => Number(bucket)));
      await settled(source, async (manager, mayHaveArrived) => {
        for (let bucket = first + 1; bucket <= end; bucket++) {
          if (there.has(bucket)) continue;
          const values = [client, bucket, Buffer.alloc(0), 0, 0, 0, 1];
          await insertedOnce(mayHaveArrived, () => manager.query(INSERT_BUCKET, values));
        }
        await lease.fence(manager);
      });
    }
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
