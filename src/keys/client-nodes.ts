import type { DataSource, EntityManager } from 'typeorm';
import { affectedRows, insertStatement } from '../storage/sql';
import { committed } from '../storage/transaction';
import { writeStatement } from '../storage/write-statement';
import { decrypt } from './aes-gcm';
import type { EpochKeys } from './epochs/epoch-keys';
import { ClientKeyError, RootKeyError } from './errors';
import type { KeyCache } from './key-cache';
import { decodeRing, encodeRing, type SecretRing } from './secret-ring';
import { insertedOnce, settled } from './settled';
import { freshKey, nodeContext, unwrapSecrets, wrap, wrapSecrets } from './wrapping';

/** A row of `client_key`. */
export interface ClientRow {
  readonly client_id: string;
  readonly node: Buffer | null;
  readonly node_generation: number;
  readonly epoch: number;
  readonly next_node: Buffer | null;
  /** 0 unless an epoch turns and the client's node is replaced. */
  readonly next_generation: number;
  /** The client's secrets, see secret-ring.ts. */
  readonly secret: Buffer | null;
  /** How many secrets were destroyed since the client's node was made. */
  readonly marked: number;
  /** How many buckets were made for it. */
  readonly buckets: number;
  readonly destroyed_at: number | null;
}

/** A client that has its keys. */
export type LivingClient = ClientRow & { readonly node: Buffer; readonly secret: Buffer };

export const CLIENT_COLUMNS =
  'client_id, node, node_generation, epoch, next_node, next_generation, secret, marked, buckets, destroyed_at';

/** A client's secrets, and the row that they were read from. */
export interface ReadRing {
  readonly row: LivingClient;
  readonly ring: SecretRing;
}

/** Clients' node keys, which wrap their buckets' keys, and their secrets. */
export class ClientNodes {
  readonly #source: DataSource;
  readonly #epochs: EpochKeys;
  readonly #cache: KeyCache;

  constructor(source: DataSource, epochs: EpochKeys, cache: KeyCache) {
    this.#source = source;
    this.#epochs = epochs;
    this.#cache = cache;
  }

  /** Makes a client's node and secret. A client has them once ever. */
  async create(client: string, createdAt: number): Promise<void> {
    for (;;) {
      const epoch = await this.#epochs.newest();
      const epochKey = await this.#epochs.key(epoch);
      const [node, secret] = [freshKey(), freshKey()];
      const wrapped = wrap(epochKey, node, nodeContext(client, epoch));
      const values = [client, wrapped, epoch, epoch, 0, wrapSecrets(node, secret, client), 0, createdAt];
      for (const key of [epochKey, node, secret]) key.fill(0);
      const made = await settled(this.#source, async (manager, mayHaveArrived) => {
        // A turning that has begun changes the row first, or this does and the turning finds the client.
        const isCurrent = await affectedRows(
          manager,
          "UPDATE key_epoch SET clients = clients + 1 WHERE number = ? AND state = 'CURRENT'",
          [epoch],
        );
        if (isCurrent === 0) return false;
        await insertedOnce(mayHaveArrived, () => manager.query(INSERT_CLIENT, values));
        return true;
      });
      if (made) return;
    }
  }

  /** Destroys a client's node and secret. The row stays, so that no second ones are made. */
  async destroy(client: string, at: number): Promise<void> {
    await writeStatement(
      this.#source,
      `UPDATE client_key SET node = NULL, next_node = NULL, next_generation = 0, secret = NULL, destroyed_at = ?
       WHERE client_id = ? AND destroyed_at IS NULL`,
      [at, client],
    );
  }

  /** @throws ClientKeyError where the client has no keys, or they were destroyed */
  async row(client: string, manager?: EntityManager): Promise<LivingClient> {
    const source = manager ?? this.#source;
    const [row] = await committed(source, () =>
      source.query<ClientRow[]>(`SELECT ${CLIENT_COLUMNS} FROM client_key WHERE client_id = ?`, [client]),
    );
    if (!row) throw new ClientKeyError(client, 'ABSENT');
    if (row.node === null || row.secret === null || row.destroyed_at !== null)
      throw new ClientKeyError(client, 'DESTROYED');
    return row as LivingClient;
  }

  /**
   * The node key of a generation, the caller's own copy.
   * @param row the client, where it was just read
   * @returns undefined where the client has no such node any more: then what it wrapped was wrapped anew meanwhile
   * @throws ClientKeyError as {@link row}; RootKeyError; UnsealError for an altered node
   */
  async key(client: string, generation: number, row?: LivingClient): Promise<Buffer | undefined> {
    const cached = this.#cache.get(client, nodeName(generation));
    if (cached !== undefined) return cached;
    const moment = this.#cache.moment;
    const found = await this.#underLivingRoot(client, generation, row ?? (await this.row(client)));
    if (!found) return undefined;
    const { wrapped, epochKey } = found;
    const key = decrypt(epochKey, wrapped, nodeContext(client, generation));
    epochKey.fill(0);
    this.#cache.setSince(moment, key, client, nodeName(generation));
    return key;
  }

  /** The client's secrets, the caller's own copies. @throws as {@link key} */
  async secrets(client: string): Promise<ReadRing> {
    const { row, node } = await this.#currentNode(client);
    const ring = decodeRing(unwrapSecrets(node, row.secret, client));
    node.fill(0);
    return { row, ring };
  }

  /**
   * Puts other secrets in the place of those that were read.
   * @param marks whether one of them was destroyed: then the next turning of the epoch gives the client a new node,
   *   since the old one has wrapped it
   * @returns how to do it in a transaction, which says whether they were still the same
   */
  async replacing(
    { row }: ReadRing,
    ring: SecretRing,
    { marks }: { readonly marks: boolean },
  ): Promise<(manager: EntityManager) => Promise<boolean>> {
    const client = row.client_id;
    const node = await this.key(client, Number(row.node_generation), row);
    if (!node) return async () => false;
    const bytes = encodeRing(ring);
    const wrapped = wrapSecrets(node, bytes, client);
    for (const key of [node, bytes]) key.fill(0);
    return async (manager) => {
      const changed = await affectedRows(
        manager,
        `UPDATE client_key SET secret = ?, marked = marked + ? WHERE client_id = ? AND node_generation = ? AND secret = ?
         AND destroyed_at IS NULL`,
        [wrapped, marks ? 1 : 0, client, row.node_generation, row.secret],
      );
      return changed > 0;
    };
  }

  /** The node that wraps a client's secrets now, with the row. @throws as {@link key} */
  async #currentNode(client: string): Promise<{ row: LivingClient; node: Buffer }> {
    let row = await this.row(client);
    let node = await this.key(client, Number(row.node_generation), row);
    for (let looks = 1; !node && looks < MOST_LOOKS; looks++) {
      row = await this.row(client);
      node = await this.key(client, Number(row.node_generation), row);
    }
    if (!node) throw new ClientKeyError(client, 'ABSENT');
    return { row, node };
  }

  /**
   * A node with the key of its epoch. The epoch may end between the look at the row and the look at its root; then the
   * node was wrapped anew before.
   */
  async #underLivingRoot(client: string, generation: number, row: LivingClient) {
    const found = nodeOf(row, generation);
    if (!found) return undefined;
    try {
      return { wrapped: found.wrapped, epochKey: await this.#epochs.key(found.epoch) };
    } catch (error) {
      if (!(error instanceof RootKeyError)) throw error;
      const again = nodeOf(await this.row(client), generation);
      if (again?.epoch === found.epoch) throw error;
      return again && { wrapped: again.wrapped, epochKey: await this.#epochs.key(again.epoch) };
    }
  }
}

/** How often a read that met a turning looks again. */
const MOST_LOOKS = 4;

const INSERT_CLIENT = insertStatement(
  'client_key',
  ['client_id', 'node', 'node_generation', 'epoch', 'next_generation', 'secret', 'buckets', 'created_at'],
  1,
);

const nodeName = (generation: number) => `node ${generation}`;

/** The next node's generation is the epoch that wraps it. */
function nodeOf(row: LivingClient, generation: number): { wrapped: Buffer; epoch: number } | undefined {
  if (Number(row.node_generation) === generation) return { wrapped: row.node, epoch: Number(row.epoch) };
  if (Number(row.next_generation) !== generation || !row.next_node) return undefined;
  return { wrapped: row.next_node, epoch: generation };
}
