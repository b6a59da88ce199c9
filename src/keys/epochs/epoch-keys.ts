import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { failureOf } from '../../storage/failures';
import { insertStatement } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import { writeStatement } from '../../storage/write-statement';
import type { KeyCache } from '../key-cache';
import type { RootKeys } from '../roots/root-keys';

const KEY_BYTES = 32;
/** Epoch keys are cached as keys of no client. */
const NO_CLIENT = '';

/** What an epoch's key is bound to where its root wraps it. */
export const epochContext = (number: number): string => `epoch-key:${number}`;

/** The keys of epochs: each is wrapped by its root, and wraps the nodes of clients. */
export class EpochKeys {
  readonly #source: DataSource;
  readonly #roots: RootKeys;
  readonly #cache: KeyCache;
  readonly #now: () => number;

  constructor(source: DataSource, roots: RootKeys, cache: KeyCache, now: () => number) {
    this.#source = source;
    this.#roots = roots;
    this.#cache = cache;
    this.#now = now;
  }

  /** The number of the newest epoch. A store without one begins its first. */
  async newest(): Promise<number> {
    const number = await this.#highest();
    if (number !== undefined) return number;
    await this.#begin();
    return (await this.#highest()) ?? 1;
  }

  /**
   * An epoch's key, the caller's own copy.
   * @throws RootKeyError where its root is gone
   */
  async key(number: number): Promise<Buffer> {
    const cached = this.#cache.get(NO_CLIENT, String(number));
    if (cached !== undefined) return cached;
    const [row] = await committed(this.#source, () =>
      this.#source.query<Array<{ root_id: string; wrapped: Buffer }>>(
        'SELECT root_id, wrapped FROM key_epoch WHERE number = ?',
        [number],
      ),
    );
    if (!row) throw new Error(`The keys' store has no epoch ${number}.`);
    const key = await this.#roots.unwrap(row.root_id, row.wrapped, epochContext(number));
    this.#cache.set(key, NO_CLIENT, String(number));
    return key;
  }

  /** Drops an epoch's key from memory. */
  forget(number: number): void {
    this.#cache.forget(NO_CLIENT, String(number));
  }

  async #highest(): Promise<number | undefined> {
    const [row] = await committed(this.#source, () =>
      this.#source.query<Array<{ number: number }>>('SELECT number FROM key_epoch ORDER BY number DESC LIMIT 1'),
    );
    return row && Number(row.number);
  }

  /** The first epoch's root is the one that is there, such as the master key's file. */
  async #begin(): Promise<void> {
    const [there] = await this.#roots.ids();
    await insertEpoch(this.#source, 1, await newEpoch(this.#roots, 1, there), this.#now()).catch((error: unknown) => {
      // Another process has begun it. Then that one counts.
      if (failureOf(error) !== 'DUPLICATE') throw error;
    });
  }
}

interface NewEpoch {
  readonly rootId: string;
  readonly wrapped: Buffer;
}

/** Makes the key of an epoch. @param root the root that wraps it; a new one unless named */
async function newEpoch(roots: RootKeys, number: number, root?: string): Promise<NewEpoch> {
  const rootId = root ?? (await roots.create());
  const key = randomBytes(KEY_BYTES);
  const wrapped = await roots.wrap(rootId, key, epochContext(number));
  key.fill(0);
  return { rootId, wrapped };
}

const COLUMNS = [
  'number',
  'root_id',
  'wrapped',
  'state',
  'begun_at',
  'clients',
  'lease_until',
  'turned_clients',
  'turned_buckets',
  'turned_subjects',
  'turned_destroyed',
];

function insertEpoch(source: DataSource, number: number, { rootId, wrapped }: NewEpoch, begunAt: number) {
  const values = [number, rootId, wrapped, 'CURRENT', begunAt, 0, 0, 0, 0, 0, 0];
  return writeStatement(source, insertStatement('key_epoch', COLUMNS, 1), values, { ownKeys: true });
}
