import type { DataSource } from 'typeorm';
import { chunksOf, placesFor } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import { CLIENT_COLUMNS, type ClientRow } from '../client-nodes';
import { DamagedKeysError } from '../errors';
import type { RootKeys } from '../roots/root-keys';
import { bucketContext, nodeContext, opened, openedSecrets, subjectContext } from '../wrapping';
import { epochKeyOf } from './epoch-keys';
import { requireBuckets, requireClients } from './presence';

const CLIENTS_TOGETHER = 100;
const BUCKETS_TOGETHER = 64;
/** How many buckets' subjects are in memory at once. */
const BUCKETS_READ = 8;

interface BucketRow {
  readonly bucket: number;
  readonly wrapped: Buffer;
  readonly node_generation: number;
  readonly generation: number;
}

interface SubjectRow {
  readonly bucket: number;
  readonly subject_id: string;
  readonly wrapped: Buffer;
}

export interface VerificationOptions {
  readonly leaveDamaged: boolean;
  /** Called now and then with how many keys were opened so far. */
  readonly onProgress: (opened: number) => void;
}

/**
 * Opens every living key of a store from an epoch's root on, by what is stored and by nothing in memory.
 * @returns how many subjects' keys it opened
 * @throws DamagedKeysError where one does not open or hangs under nothing, unless those are left
 */
export async function verifyKeys(
  source: DataSource,
  roots: RootKeys,
  number: number,
  options: VerificationOptions,
): Promise<number> {
  if (!options.leaveDamaged) await requireClients(source);
  const epochKey = await epochKeyOf(source, roots, number);
  let count = 0;
  for (let after = ''; ; ) {
    const sql = `SELECT ${CLIENT_COLUMNS} FROM client_key WHERE client_id > ? AND destroyed_at IS NULL
                 ORDER BY client_id LIMIT ${CLIENTS_TOGETHER}`;
    const rows = await committed(source, () => source.query<ClientRow[]>(sql, [after]));
    if (rows.length === 0) break;
    for (const row of rows) {
      count += await new ClientVerification(source, row, options).run(epochKey, number);
      options.onProgress(count);
    }
    after = rows.at(-1)?.client_id ?? '';
  }
  epochKey.fill(0);
  return count;
}

class ClientVerification {
  readonly #source: DataSource;
  readonly #row: ClientRow;
  readonly #options: VerificationOptions;

  constructor(source: DataSource, row: ClientRow, options: VerificationOptions) {
    this.#source = source;
    this.#row = row;
    this.#options = options;
  }

  async run(epochKey: Buffer, number: number): Promise<number> {
    const { client_id: client, node: wrapped, node_generation: generation, secret } = this.#row;
    if (this.#row.epoch !== number) throw new Error('A client still hangs under an older epoch of the keys.');
    const node = wrapped ? opened(epochKey, wrapped, nodeContext(client, generation)) : undefined;
    if (!node) return this.#damaged('its node does not open');
    if (!secret || !openedSecrets(node, secret, client)) this.#damaged('its secret does not open');
    if (!this.#options.leaveDamaged) await requireBuckets(this.#source, client);
    let count = 0;
    for (let after = -1; ; ) {
      const sql = `SELECT bucket, wrapped, node_generation, generation FROM bucket_key
                   WHERE client_id = ? AND bucket > ? ORDER BY bucket LIMIT ${BUCKETS_TOGETHER}`;
      const rows = await committed(this.#source, () => this.#source.query<BucketRow[]>(sql, [client, after]));
      if (rows.length === 0) break;
      for (const some of chunksOf(rows, BUCKETS_READ)) count += await this.#verify(node, some);
      after = rows.at(-1)?.bucket ?? 0;
    }
    node.fill(0);
    return count;
  }

  async #verify(node: Buffer, rows: readonly BucketRow[]): Promise<number> {
    const { client_id: client, node_generation: generation } = this.#row;
    const keys = new Map<number, Buffer>();
    for (const row of rows) {
      if (row.node_generation !== generation) throw new Error('A bucket hangs under another node than its client.');
      const key = opened(node, row.wrapped, bucketContext(client, row.bucket, row.generation));
      if (key) keys.set(row.bucket, key);
    }
    const numbers = rows.map(({ bucket }) => bucket);
    const sql = `SELECT bucket, subject_id, wrapped FROM subject_key
                 WHERE client_id = ? AND bucket IN (${placesFor(numbers)})`;
    const subjects = await committed(this.#source, () => this.#source.query<SubjectRow[]>(sql, [client, ...numbers]));
    let count = 0;
    for (const { bucket, subject_id: id, wrapped } of subjects) {
      const by = keys.get(bucket);
      if (by && opened(by, wrapped, subjectContext(client, id))) count++;
      // A bucket that does not open harms nobody while nobody who lives is in it.
      else this.#damaged(by ? `the key of person ${id} does not open` : `its bucket ${bucket} does not open`);
    }
    for (const key of keys.values()) key.fill(0);
    return count;
  }

  #damaged(fault: string): 0 {
    if (!this.#options.leaveDamaged) throw new DamagedKeysError(this.#row.client_id, fault);
    return 0;
  }
}
