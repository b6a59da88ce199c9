import type { DataSource } from 'typeorm';
import { dialectOf } from '../storage/dialect';
import { withMigrationLock } from '../storage/migration-lock';
import { placesFor } from '../storage/sql';
import { writeStatement } from '../storage/write-statement';
import { secretOf } from './derived-keys';
import { SEAL_OVERHEAD_BYTES } from './envelope';
import { beginFirstEpoch, epochKeyOf } from './epochs/epoch-keys';
import type { RootKeys } from './roots/root-keys';
import { settled } from './settled';
import { BUCKET_SUBJECTS, insertBucket } from './subject-buckets';
import { freshKey, KEY_BYTES, nodeContext, opened, subjectContext, wrap, wrapSecrets } from './wrapping';

/** Columns of `client_key` from before epochs: the client's key, and which master key wraps it. */
const OLD_COLUMNS = ['wrapped', 'master_key_id'] as const;
const EPOCH = 1;
/** What was a destroyed key's until its row was deleted. */
const OVERWRITTEN = Buffer.alloc(KEY_BYTES + SEAL_OVERHEAD_BYTES);

interface OldClient {
  readonly client_id: string;
  readonly wrapped: Buffer | null;
  readonly master_key_id: string;
  readonly node: Buffer | null;
}

/** Whether a keys' store is from before epochs. */
export async function isBeforeEpochs(source: DataSource): Promise<boolean> {
  return (await oldColumnsOf(source)).length > 0;
}

/**
 * Hangs the keys of a store from before epochs into the hierarchy: its master key becomes the root of the first epoch.
 * It may be killed at any step and goes on where it was. No process may use the keys meanwhile.
 * @param openRoots opens the roots, where there is anything to be wrapped by them
 * @returns how many subjects' keys were wrapped anew
 */
export function upgradeToEpochs(source: DataSource, openRoots: () => Promise<RootKeys>): Promise<number> {
  return withMigrationLock(source, async () => {
    let moved = 0;
    const columns = await oldColumnsOf(source);
    if (columns.length === OLD_COLUMNS.length) {
      const clients = await source.query<OldClient[]>(
        'SELECT client_id, wrapped, master_key_id, node FROM client_key WHERE wrapped IS NOT NULL ORDER BY created_at',
      );
      const roots = clients.length > 0 ? await openRoots() : undefined;
      if (roots) for (const client of clients) moved += await new OldClientKeys(source, roots, client).move();
      await roots?.close();
      await withoutDefaultBucket(source);
    }
    for (const column of columns) await source.query(`ALTER TABLE client_key DROP COLUMN ${column}`);
    return moved;
  });
}

/** One client's keys from before epochs. */
class OldClientKeys {
  readonly #source: DataSource;
  readonly #roots: RootKeys;
  readonly #client: OldClient;

  constructor(source: DataSource, roots: RootKeys, client: OldClient) {
    this.#source = source;
    this.#roots = roots;
    this.#client = client;
  }

  async move(): Promise<number> {
    const { client_id: client, wrapped, master_key_id: rootId } = this.#client;
    if (!wrapped) return 0;
    const clientKey = await this.#roots.unwrap(rootId, wrapped, `client-key:${client}`);
    const node = await this.#node(clientKey);
    // Keys that were overwritten before their rows could be deleted.
    await writeStatement(this.#source, 'DELETE FROM subject_key WHERE client_id = ? AND wrapped = ?', [
      client,
      OVERWRITTEN,
    ]);
    let moved = 0;
    for (let count = await this.#moveSome(clientKey, node); count > 0; count = await this.#moveSome(clientKey, node))
      moved += count;
    for (const key of [clientKey, node]) key.fill(0);
    return moved;
  }

  /** The client's node, made unless an earlier attempt has made it. */
  async #node(clientKey: Buffer): Promise<Buffer> {
    const { client_id: client, master_key_id: rootId, node: made } = this.#client;
    const began = await this.#source.query<Array<{ n: number | null }>>('SELECT MIN(created_at) AS n FROM client_key');
    await beginFirstEpoch(this.#source, this.#roots, { rootId, begunAt: Number(began[0]?.n ?? 0) });
    const epochKey = await epochKeyOf(this.#source, this.#roots, EPOCH);
    const context = nodeContext(client, EPOCH);
    const there = made && opened(epochKey, made, context);
    if (there) return there;
    const node = freshKey();
    const secret = wrapSecrets(node, secretOf(clientKey), client);
    await settled(this.#source, (manager) =>
      manager.query('UPDATE client_key SET node = ?, node_generation = ?, epoch = ?, secret = ? WHERE client_id = ?', [
        wrap(epochKey, node, context),
        EPOCH,
        EPOCH,
        secret,
        client,
      ]),
    );
    epochKey.fill(0);
    return node;
  }

  /** Moves subjects into a bucket of their own. @returns how many */
  async #moveSome(clientKey: Buffer, node: Buffer): Promise<number> {
    const { client_id: client } = this.#client;
    const rows = await this.#source.query<Array<{ subject_id: string; wrapped: Buffer }>>(
      `SELECT subject_id, wrapped FROM subject_key WHERE client_id = ? AND bucket = 0
       ORDER BY subject_id LIMIT ${BUCKET_SUBJECTS}`,
      [client],
    );
    if (rows.length === 0) return 0;
    const ids = rows.map((row) => row.subject_id);
    await settled(this.#source, async (manager) => {
      const row = { client_id: client, node_generation: EPOCH, next_generation: 0 };
      const made = await insertBucket(manager, row, { node, generation: EPOCH, members: rows.length });
      if (!made) throw new Error('Another process uses the keys while they are upgraded.');
      const { bucket, key } = made;
      const cases = rows.flatMap((row) => {
        const context = subjectContext(client, row.subject_id);
        const subjectKey = opened(clientKey, row.wrapped, context);
        // One that does not open stays what it is.
        return [row.subject_id, subjectKey ? wrap(key, subjectKey, context) : row.wrapped];
      });
      key.fill(0);
      await manager.query(
        `UPDATE subject_key SET bucket = ?, wrapped = CASE subject_id ${'WHEN ? THEN ? '.repeat(rows.length)} END
         WHERE client_id = ? AND bucket = 0 AND subject_id IN (${placesFor(ids)})`,
        [bucket, ...cases, client, ...ids],
      );
    });
    return rows.length;
  }
}

async function oldColumnsOf(source: DataSource): Promise<string[]> {
  const runner = source.createQueryRunner();
  try {
    const found: string[] = [];
    for (const column of OLD_COLUMNS) if (await runner.hasColumn('client_key', column)) found.push(column);
    return found;
  } finally {
    await runner.release();
  }
}

/** From now on each key has a bucket: one that a process of before epochs would write is refused. */
async function withoutDefaultBucket(source: DataSource): Promise<void> {
  if (!dialectOf(source).embedded) await source.query('ALTER TABLE subject_key MODIFY COLUMN bucket int NOT NULL');
}
