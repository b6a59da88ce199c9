import { AsyncResource } from 'node:async_hooks';
import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { StoreUnavailableError } from '../../connections/errors';
import { failureOf } from '../../storage/failures';
import { insertStatement } from '../../storage/sql';
import { repeatable } from '../../storage/transaction';
import { writeStatement } from '../../storage/write-statement';
import type { BatchWindow } from './batch-window';
import { canonical, type Json } from './canonical';
import type { CheckpointSigner } from './checkpoint';
import { originOf, signedCheckpointNote } from './checkpoint';
import type { CheckpointStore } from './checkpoint-store';
import { LogEndedError, LogLease } from './log-lease';
import { GrowingTree, hashLeafText } from './merkle';
import { type Tile, TileCutter } from './tiles';

/** An entry's canonical JSON, in its place. */
export type EntryBody = (log: string, sequence: number) => string;

/** An entry before it has a place in a log. */
export interface Draft {
  readonly id: string;
  readonly client: string | undefined;
  readonly body: EntryBody;
  /** Told once it waits; an entry without it is written at once. */
  readonly settled?: (() => void) | undefined;
}

/** An entry in its place. */
interface Placed {
  readonly draft: Draft;
  readonly sequence: number;
  readonly body: Buffer;
  /** In base64url. */
  readonly leaf: string;
}

interface Waiting extends Placed {
  /** Milliseconds of `performance.now()`. */
  readonly since: number;
  resolve(): void;
  reject(error: unknown): void;
}

interface AppenderParts {
  /** Who signs a checkpoint now. */
  readonly signers: () => Promise<readonly CheckpointSigner[]>;
  readonly heads: CheckpointStore;
  readonly batchWindow: BatchWindow;
}

export interface LogHead {
  readonly logId: string;
  readonly size: number;
  readonly checkpoint: string;
}

/** The most entries in one INSERT: a few hundred kilobytes, below every engine's packet limit. */
const MAX_GROUP = 256;
/** Groups up to this size use a prepared statement: a connection keeps a hundred of them. */
const PREPARED_GROUP = 64;
const COLUMNS = ['log_id', 'sequence', 'entry_id', 'about_client', 'body', 'leaf_hash', 'checkpoint'];
type Insert = (sql: string, values: unknown[]) => Promise<unknown>;

/** A write that takes longer counts as failed for its requests. Milliseconds. */
const WRITE_LIMIT_MS = 5_000;
/**
 * Writes one process's log in one database. Entries of requests that end together are written by one INSERT, whose last
 * row carries the signed checkpoint of the tree up to there. A group is durable as a whole or not at all, and every
 * entry is covered by a signature. No other process writes to this log, so it waits for nothing but the disk.
 */
export class Appender {
  readonly id = uuid();
  readonly #source: DataSource;
  readonly #signers: () => Promise<readonly CheckpointSigner[]>;
  readonly #heads: CheckpointStore;
  readonly #batchWindow: BatchWindow;
  readonly #onFailure: (error: unknown) => void;
  readonly #lease: LogLease;
  /** Writing starts outside any request's async context, and above all outside its transaction. */
  readonly #outside = new AsyncResource('AuditLog');
  readonly #cutter = new TileCutter();
  /** Of the durable entries. */
  #tree = new GrowingTree();
  /** The sequence of the next entry to come. */
  #next = 0;
  #queue: Waiting[] = [];
  #writing: readonly Waiting[] = [];
  #running: Promise<void> | undefined;
  /** Ends the wait for other operations. */
  #hurry: () => void = () => undefined;
  #failure: { error: unknown } | undefined;
  #head: LogHead | undefined;
  /** The last group was refused. Rows that stand in the place of the next one were not written for that one. */
  #isSuspect = false;

  constructor(source: DataSource, { signers, heads, batchWindow }: AppenderParts, onFailure: (error: unknown) => void) {
    this.#source = source;
    this.#signers = signers;
    this.#heads = heads;
    this.#batchWindow = batchWindow;
    this.#onFailure = onFailure;
    this.#lease = new LogLease(source, this.id);
  }

  /**
   * Begins the log: its row, what stands beside it, and its first entry come into being together, or not at all.
   * @param beside writes more in the same transaction
   */
  async open(first: Draft, beside: (manager: EntityManager) => Promise<void>): Promise<void> {
    const asked = performance.now();
    await this.#write([this.#placed(first)], (sql, values) =>
      repeatable(this.#source, async (manager) => {
        await manager.query(
          `INSERT INTO audit_log (log_id, opened_at, settled, pruned, alive_until)
           VALUES (?, ?, 0, 0, ${this.#lease.until})`,
          [this.id, Date.now()],
        );
        await beside(manager);
        await manager.query(sql, values);
      }),
    );
    this.#lease.begun(asked);
  }

  /**
   * Set when a write failed and may have reached the database all the same, or when a later log has settled this one:
   * it takes no more entries.
   */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** The last durable checkpoint. */
  get head(): LogHead | undefined {
    return this.#head;
  }

  /** How many entries are not durable yet, and since when the oldest of them waits (`performance.now()`). */
  get waiting(): { readonly count: number; readonly since: number | undefined } {
    const [first = this.#queue[0]] = this.#writing;
    return { count: this.#writing.length + this.#queue.length, since: first?.since };
  }

  /** Resolves once the entry is durable; rejects where it is not, or where that is unknown. */
  append(draft: Draft): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    return new Promise((resolve, reject) => {
      const { sequence, body, leaf } = this.#placed(draft);
      this.#queue.push({ draft, sequence, body, leaf, since: performance.now(), resolve, reject });
      // Its operation has come as far as this, and is waited for no longer.
      if (draft.settled) draft.settled();
      else this.#hurry();
      this.#running ??= this.#outside.runInAsyncScope(() => this.#run());
    });
  }

  /** Goes on saying that this log is in use, now and then. */
  async keepAlive(): Promise<void> {
    if (this.failed || !this.#lease.isAging()) return;
    await this.#lease.renew().catch((error) => this.#endBy(error));
  }

  /** Resolves when all writes have ended and the keys' store knows the last checkpoint. The log counts as ended. */
  async close(): Promise<void> {
    await this.#running;
    await this.#heads.flush();
    // A lease that cannot be ended lapses.
    if (!this.failed) await this.#lease.end().catch(this.#onFailure);
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#gather();
      const group = this.#queue.splice(0, MAX_GROUP);
      this.#writing = group;
      try {
        if (!this.#lease.holds()) await this.#lease.renew();
        await this.#write(group, (sql, values) => this.#insert(sql, values));
        this.#isSuspect = false;
        for (const entry of group) entry.resolve();
      } catch (error) {
        // Nothing was written: the next group takes the same place.
        if (provesNothingWritten(error)) this.#isSuspect = true;
        else this.#failure = { error };
        this.#next = this.#tree.size;
        for (const entry of [...group, ...this.#queue.splice(0)]) entry.reject(error);
      }
      this.#writing = [];
    }
    this.#running = undefined;
  }

  /** Waits for the entries of operations under way, unless one of those here keeps its own from going on. */
  async #gather(): Promise<void> {
    if (this.#queue.length >= MAX_GROUP || this.#queue.some(({ draft }) => !draft.settled)) return;
    const { gathered, hurry } = this.#batchWindow.gather();
    this.#hurry = hurry;
    await gathered;
  }

  /** While a group is written, the entries of the next one already get their places. */
  #placed(draft: Draft): Placed {
    const sequence = this.#next;
    const body = Buffer.from(draft.body(this.id, sequence));
    const placed = { draft, sequence, body, leaf: hashLeafText(body) };
    // Taken only now: what cannot be written leaves no gap.
    this.#next++;
    return placed;
  }

  #endBy(error: unknown): void {
    if (!(error instanceof LogEndedError)) throw error;
    this.#failure = { error };
  }

  async #write(group: readonly Placed[], insert: Insert): Promise<void> {
    const tree = this.#tree.clone();
    const leaves: Buffer[] = [];
    const values: Array<string | Buffer | null> = [];
    for (const { draft, sequence, body, leaf } of group) {
      const hash = Buffer.from(leaf, 'base64url');
      tree.append(hash);
      leaves.push(hash);
      values.push(this.id, String(sequence), draft.id, draft.client ?? null, body, leaf, null);
    }
    const stated = { origin: originOf(this.id), size: tree.size, root: tree.root() };
    const signers = await this.#signers().catch((error: unknown) => {
      throw new UnsignedError('the checkpoint cannot be signed', { cause: error });
    });
    const checkpoint = signedCheckpointNote(stated, signers);
    values[values.length - 1] = checkpoint;
    await this.#inTime(insert(insertOf(group.length), values));
    this.#tree = tree;
    this.#head = { logId: this.id, size: tree.size, checkpoint };
    this.#heads.keep(this.#head);
    this.#keepTiles(leaves.flatMap((leaf) => this.#cutter.push(leaf)));
  }

  /** Tiles only save hashing: a lost one is computed again from its entries. */
  #keepTiles(tiles: readonly Tile[]): void {
    if (tiles.length === 0) return;
    const values = tiles.flatMap(({ level, index, hashes }) => [this.id, level, index, hashes]);
    const sql = insertStatement('audit_tile', ['log_id', 'level', 'tile_index', 'hashes'], tiles.length);
    this.#inTime(this.#insert(sql, values)).catch(this.#onFailure);
  }

  #insert(sql: string, values: unknown[]): Promise<unknown> {
    const preparedUpTo = PREPARED_GROUP * COLUMNS.length;
    return writeStatement(this.#source, sql, values, { ownKeys: !this.#isSuspect, preparedUpTo });
  }

  async #inTime(written: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new StoreUnavailableError('writing to the audit ledger took too long')),
        WRITE_LIMIT_MS,
      );
    });
    try {
      await Promise.race([written, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const inserts: string[] = [];
/** The INSERT of a group. Its text is as long as the group, and asked for again and again. */
function insertOf(entries: number): string {
  const known = inserts[entries] ?? insertStatement('audit_entry', COLUMNS, entries);
  inserts[entries] = known;
  return known;
}

/** An entry's fields as its body. */
export const bodyOf =
  (client: string | undefined, id: string, fields: { readonly [key: string]: Json }): EntryBody =>
  (log, sequence) =>
    canonical({ ...fields, id, client: client ?? null, log, sequence });

/** The key that signs cannot be had: nothing was written. */
class UnsignedError extends Error {
  override readonly name = 'UnsignedError';
}

/**
 * Whether a failure proves that the statement has written nothing. After any other one, such as a lost connection, it
 * may have been written, or may be yet.
 */
function provesNothingWritten(error: unknown): boolean {
  if (error instanceof UnsignedError) return true;
  const failure = failureOf(error);
  return failure === 'FULL' || failure === 'CONFLICT';
}
