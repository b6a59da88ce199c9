import type { DataSource } from 'typeorm';
import { dialectOf } from '../../storage/dialect';
import { insertStatement } from '../../storage/sql';
import { runStatement } from '../../storage/statements';
import { committed } from '../../storage/transaction';
import { writeStatement } from '../../storage/write-statement';
import type { KeyCache } from '../key-cache';
import type { RootKeys } from '../roots/root-keys';
import { freshKey } from '../wrapping';

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
    const key = await epochKeyOf(this.#source, this.#roots, number);
    this.#cache.set(key, NO_CLIENT, String(number));
    return key;
  }

  /** Drops an epoch's key from memory. */
  forget(number: number): void {
    this.#cache.forget(NO_CLIENT, String(number));
  }

  async #highest(): Promise<number | undefined> {
    const sql = 'SELECT number FROM key_epoch ORDER BY number DESC LIMIT 1';
    const [row] = await runStatement<Array<{ number: number }>>(this.#source, sql, []);
    return row && Number(row.number);
  }

  async #begin(): Promise<void> {
    const rootId = await this.#roots.first();
    await beginFirstEpoch(this.#source, this.#roots, { rootId, begunAt: this.#now() });
  }
}

/** An epoch's key, from the database and its root. @throws RootKeyError where its root is gone */
export async function epochKeyOf(source: DataSource, roots: RootKeys, number: number): Promise<Buffer> {
  const [row] = await committed(source, () =>
    source.query<Array<{ root_id: string; wrapped: Buffer }>>(
      'SELECT root_id, wrapped FROM key_epoch WHERE number = ?',
      [number],
    ),
  );
  if (!row) throw new Error(`The keys' store has no epoch ${number}.`);
  return roots.unwrap(row.root_id, row.wrapped, epochContext(number));
}

interface FirstEpoch {
  readonly rootId: string;
  readonly begunAt: number;
}

/** Begins a store's first epoch, unless another process has begun it. Then that one counts. */
export async function beginFirstEpoch(source: DataSource, roots: RootKeys, { rootId, begunAt }: FirstEpoch) {
  const { insertIgnore } = dialectOf(source);
  const values = epochValues(1, rootId, await wrappedEpochKey(roots, 1, rootId), begunAt);
  await writeStatement(source, insertStatement('key_epoch', EPOCH_COLUMNS, 1, insertIgnore), values);
}

/** A new epoch's key, wrapped by its root. */
export async function wrappedEpochKey(roots: RootKeys, number: number, rootId: string): Promise<Buffer> {
  const key = freshKey();
  const wrapped = await roots.wrap(rootId, key, epochContext(number));
  key.fill(0);
  return wrapped;
}

/** What an INSERT of an epoch names: see {@link epochValues}. */
export const EPOCH_COLUMNS = [
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
] as const;

/** The row of an epoch that begins. */
export const epochValues = (number: number, rootId: string, wrapped: Buffer, begunAt: number): unknown[] => [
  number,
  rootId,
  wrapped,
  'CURRENT',
  begunAt,
  ...Array<number>(6).fill(0),
];
