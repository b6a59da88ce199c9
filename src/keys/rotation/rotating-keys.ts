import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { failureOf } from '../../storage/failures';
import { Remembered } from '../../storage/remembered';
import { committed } from '../../storage/transaction';
import { writeStatement } from '../../storage/write-statement';
import { KEY_CACHE_TTL_MS } from '../key-cache';
import type { KeyStore } from '../key-store';
import { PLATFORM, platformKey } from '../platform-key';
import { seal, unseal } from '../sealing';
import type { RotatedUse } from './rotating-key';

/** How fast a rotation goes. */
export interface RotationPace {
  /** From publishing a key to its first use: longer than any process goes without asking for new ones. */
  readonly leadMs: number;
  /** From a key's first use to the destruction of the one before. */
  readonly overlapMs: number;
}

export const ROTATION_PACE: RotationPace = { leadMs: 2 * KEY_CACHE_TTL_MS, overlapMs: 60 * 60_000 };

/** What is known of a key, without its secret. */
export interface KeyRecord {
  /** 1 for the first. */
  readonly number: number;
  readonly id: string;
  readonly publicKey: string | null;
  /** By which the key before vouches for this one. */
  readonly statement: string | null;
  readonly createdAt: number;
  readonly usedFrom: number;
  /** Undefined as long as no newer one was published. */
  readonly usedUntil: number | undefined;
  readonly destroyedAt: number | null;
}

/** A new key. */
export interface KeyMaterial {
  readonly id: string;
  readonly publicKey: string | null;
  readonly secret: string;
}

/** A new key with its place among the others. */
export interface PreparedKey extends KeyMaterial, Pick<KeyRecord, 'number' | 'usedFrom' | 'statement'> {}

/** How keys of one use are made. `K` is what their users work with. */
export interface KeyKind<K> {
  readonly use: RotatedUse;
  make(): Promise<KeyMaterial>;
  /** The first key, where it is derived from the platform's own key. Default: it is made like the others. */
  first?(): Promise<KeyMaterial | undefined>;
  open(secret: string, record: KeyRecord): Promise<K>;
}

/** Says why a key cannot be replaced now. */
export class RotationUnderWayError extends Error {
  override readonly name = 'RotationUnderWayError';

  constructor(
    readonly use: RotatedUse,
    /** When another one can begin, in milliseconds since 1970. */
    readonly until: number,
  ) {
    super(`the last rotation of ${use} is under way until ${new Date(until).toISOString()}`);
  }
}

/** A key's secret was destroyed. */
class KeyGoneError extends Error {
  override readonly name = 'KeyGoneError';
}

interface Row {
  readonly number: number;
  readonly id: string;
  readonly public_key: string | null;
  readonly sealed_secret: Buffer | null;
  readonly sealed_by: string | null;
  readonly statement: string | null;
  readonly created_at: number;
  readonly used_from: number;
  readonly destroyed_at: number | null;
}

/** The keys as a process last read them. */
interface Known {
  readonly rows: readonly Row[];
  readonly at: number;
}

export interface RotatingKeysOptions {
  readonly pace?: RotationPace | undefined;
  /** Milliseconds since 1970; replaced in tests. */
  readonly now?: () => number;
}

/**
 * The platform's keys of one use, in the home keys' store. A new key is published before it is used. Each process reads
 * the keys anew within that time, so that nobody meets one that it does not know. The secret of the key before is
 * destroyed a while after.
 */
export class RotatingKeys<K> {
  readonly #source: DataSource;
  readonly #keys: KeyStore;
  readonly #kind: KeyKind<K>;
  readonly #pace: RotationPace;
  readonly #now: () => number;
  readonly #reading = new Remembered((_: 'rows') => this.#read());
  readonly #opened = new Remembered((number: number) => this.#open(number));
  #known: Known | undefined;

  constructor(
    { source, keys }: { readonly source: DataSource; readonly keys: KeyStore },
    kind: KeyKind<K>,
    { pace = ROTATION_PACE, now = Date.now }: RotatingKeysOptions = {},
  ) {
    this.#source = source;
    this.#keys = keys;
    this.#kind = kind;
    this.#pace = pace;
    this.#now = now;
  }

  /** The key that is used now. The first one is made at first use. */
  async current(): Promise<{ readonly record: KeyRecord; readonly key: K }> {
    const record = await this.#currentRecord();
    return { record, key: await this.#opened.get(record.number) };
  }

  /** The key before, as long as it is destroyed in a while. */
  async former(): Promise<K | undefined> {
    const current = await this.#currentRecord();
    if (this.#now() >= current.usedFrom + this.#pace.overlapMs) return undefined;
    const former = (await this.records()).find(({ number }) => number === current.number - 1);
    if (former === undefined || former.destroyedAt !== null) return undefined;
    return this.#opened.get(former.number).catch((error: unknown) => {
      // Another process, whose clock is ahead, has destroyed it meanwhile.
      if (error instanceof KeyGoneError) return undefined;
      throw error;
    });
  }

  /** The key of a number. @throws {Error} where it was destroyed, or never made */
  numbered(number: number): Promise<K> {
    return this.#opened.get(number);
  }

  /** Every key there ever was, the first one first. */
  async records(): Promise<KeyRecord[]> {
    return recordsOf((await this.#recent()).rows);
  }

  /**
   * Makes a new key, which is not stored yet.
   * @param statementOf writes by which the key of now vouches for it
   * @throws {RotationUnderWayError}
   */
  async prepare(
    statementOf?: (now: K, next: KeyMaterial, as: Pick<KeyRecord, 'number' | 'usedFrom'>) => string,
  ): Promise<PreparedKey> {
    const next = await this.#kind.make();
    const { record, key } = await this.#newest();
    const now = this.#now();
    const until = record.usedFrom + this.#pace.overlapMs;
    if (record.number > 1 && now < until) throw new RotationUnderWayError(this.#kind.use, until);
    const as = { number: record.number + 1, usedFrom: now + this.#pace.leadMs };
    return { ...next, ...as, statement: statementOf?.(key, next, as) ?? null };
  }

  /**
   * Publishes a key. It is used after `leadMs`.
   * @throws {RotationUnderWayError} where another process was faster
   */
  async publish(prepared: PreparedKey): Promise<void> {
    const { number, usedFrom, statement } = prepared;
    const isOurs = await this.#insert(prepared, { number, usedFrom, statement });
    await this.#read();
    if (!isOurs) throw new RotationUnderWayError(this.#kind.use, usedFrom + this.#pace.overlapMs);
  }

  /** Keys whose secret is no longer needed, and is there still. */
  async ended(): Promise<KeyRecord[]> {
    const now = this.#now();
    const { overlapMs } = this.#pace;
    return (await this.#again()).filter(
      ({ usedUntil, destroyedAt }) => destroyedAt === null && usedUntil !== undefined && now >= usedUntil + overlapMs,
    );
  }

  /** Destroys a key's secret. What is public of it stays. */
  async destroy({ number }: KeyRecord): Promise<void> {
    const row = (await this.#read()).rows.find((each) => each.number === number);
    if (row?.sealed_by) await this.#keys.destroySubjectKey(PLATFORM, row.sealed_by);
    await writeStatement(
      this.#source,
      'UPDATE rotating_key SET sealed_secret = NULL, destroyed_at = ? WHERE used_for = ? AND number = ?',
      [this.#now(), this.#kind.use, number],
    );
    await this.#again();
  }

  async #currentRecord(): Promise<KeyRecord> {
    const now = this.#now();
    const records = recordsOf((await this.#withFirst()).rows);
    const current = records.findLast(({ number, usedFrom }) => number === 1 || usedFrom <= now);
    if (!current) throw new Error(`the keys' store has no key of ${this.#kind.use}, and takes none`);
    return current;
  }

  async #newest(): Promise<{ record: KeyRecord; key: K }> {
    await this.#withFirst();
    const record = (await this.#again()).at(-1);
    if (!record) throw new Error(`the keys' store has no key of ${this.#kind.use}`);
    return { record, key: await this.#opened.get(record.number) };
  }

  /** Keys as they were read lately. Reading them anew keeps nobody waiting before `leadMs` have passed. */
  async #recent(): Promise<Known> {
    const known = this.#known;
    const age = known === undefined ? Number.POSITIVE_INFINITY : this.#now() - known.at;
    if (known === undefined || age >= this.#pace.leadMs) return this.#fresh();
    // What fails in the background is tried by the next one, who waits for it in the end.
    if (age >= this.#pace.leadMs / 4) this.#fresh().catch(() => undefined);
    return known;
  }

  async #fresh(): Promise<Known> {
    const reading = this.#reading.get('rows');
    try {
      return await reading;
    } finally {
      this.#reading.forget('rows', reading);
    }
  }

  async #again(): Promise<KeyRecord[]> {
    return recordsOf((await this.#read()).rows);
  }

  async #withFirst(): Promise<Known> {
    const known = await this.#recent();
    if (known.rows.length > 0) return known;
    const derived = await this.#kind.first?.();
    const now = this.#now();
    const as = { number: 1, usedFrom: now, statement: null };
    // When two are made at the same time, the first that is stored counts for all processes.
    if (derived) await this.#insert(derived, { ...as, isDerived: true });
    else await this.#insert(await this.#kind.make(), as);
    return this.#read();
  }

  /** @returns false where a key of the number is there already */
  async #insert(
    { id, publicKey, secret }: KeyMaterial,
    as: Pick<KeyRecord, 'number' | 'usedFrom' | 'statement'> & { readonly isDerived?: true },
  ): Promise<boolean> {
    const { use } = this.#kind;
    // The platform's own key is made at first use.
    await platformKey(this.#keys, 'signing');
    const sealedBy = as.isDerived ? null : uuid();
    const key = sealedBy && (await this.#keys.createSubjectKeys(PLATFORM, [sealedBy])).get(sealedBy);
    const sealed = key ? seal(key, secret, contextOf(id)) : null;
    try {
      await writeStatement(
        this.#source,
        `INSERT INTO rotating_key
         (used_for, number, id, public_key, sealed_secret, sealed_by, statement, created_at, used_from)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [use, as.number, id, publicKey, sealed, sealedBy, as.statement, this.#now(), as.usedFrom],
      );
      return true;
    } catch (error) {
      if (failureOf(error) !== 'DUPLICATE') throw error;
      // An earlier attempt may have arrived though its answer did not.
      if ((await this.#read()).rows.some((row) => row.id === id && row.sealed_by === sealedBy)) return true;
      if (sealedBy) await this.#keys.destroySubjectKey(PLATFORM, sealedBy);
      return false;
    }
  }

  async #open(number: number): Promise<K> {
    const { rows } = await this.#read();
    const row = rows.find((each) => each.number === number);
    const record = recordsOf(rows).find((each) => each.number === number);
    if (!row || !record) throw new Error(`there is no key ${number} of ${this.#kind.use}`);
    if (row.destroyed_at !== null) throw new KeyGoneError(`the key ${number} of ${this.#kind.use} was destroyed`);
    return this.#kind.open(await this.#secretOf(row), record);
  }

  async #secretOf(row: Row): Promise<string> {
    if (row.sealed_secret === null) {
      const derived = await this.#kind.first?.();
      if (derived?.id === row.id) return derived.secret;
      throw new Error(`the key ${row.number} of ${this.#kind.use} has no secret`);
    }
    const key =
      row.sealed_by === null
        ? await platformKey(this.#keys, 'signing')
        : (await this.#keys.subjectKeys(PLATFORM, [row.sealed_by])).get(row.sealed_by);
    // Its own key goes first when it is destroyed.
    if (!key) throw new KeyGoneError(`the key ${row.number} of ${this.#kind.use} cannot be opened`);
    const secret = unseal(key, row.sealed_secret, contextOf(row.id));
    // Keys from before rotation were sealed as JSON Web Keys.
    return typeof secret === 'string' ? secret : JSON.stringify(secret);
  }

  async #read(): Promise<Known> {
    const at = this.#now();
    const sql = `SELECT number, id, public_key, sealed_secret, sealed_by, statement, created_at, used_from, destroyed_at
                 FROM rotating_key WHERE used_for = ? ORDER BY number`;
    const rows = await committed(this.#source, () => this.#source.query<Row[]>(sql, [this.#kind.use]));
    // What was destroyed does not stay in memory either.
    const gone = new Set(rows.filter((row) => row.destroyed_at !== null).map((row) => Number(row.number)));
    for (const [number, opening] of this.#opened.entries()) if (gone.has(number)) this.#opened.forget(number, opening);
    this.#known = { rows, at };
    return this.#known;
  }
}

const contextOf = (id: string): string => `signing-key:${id}`;

function recordsOf(rows: readonly Row[]): KeyRecord[] {
  return rows.map((row, place) => ({
    number: Number(row.number),
    id: row.id,
    publicKey: row.public_key,
    statement: row.statement,
    createdAt: Number(row.created_at),
    usedFrom: Number(row.used_from),
    usedUntil: rows[place + 1] && Number(rows[place + 1]?.used_from),
    destroyedAt: row.destroyed_at === null ? null : Number(row.destroyed_at),
  }));
}
