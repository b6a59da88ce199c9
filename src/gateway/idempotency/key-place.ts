import type { DataSource, EntityManager } from 'typeorm';
import { seal, unseal } from '../../keys/sealing';
import { DAY_MS } from '../../law/calendar';
import { retrying } from '../../storage/retries';
import { committed, repeatable } from '../../storage/transaction';
import { OutcomeUnknownError, type WriteOutcome } from '../../storage/write-outcome';
import { clockOf, own, type Sql, sql, tenantSql } from '../../tenancy/tenant-sql';
import { gatewayErrors } from '../errors';

/** A mutation's field that was done: what it made or changed, and of reports the numbers. No personal data. */
export interface DoneField {
  readonly state: Extract<WriteOutcome, 'DONE' | 'PARTLY'>;
  readonly things: readonly string[];
  readonly people: readonly string[];
  readonly report?: Readonly<Record<string, unknown>>;
}

/** The fields of an operation that are done, by their response keys. */
export type DoneFields = Readonly<Record<string, DoneField>>;

/** What a request is known by where its key is kept. */
export interface KeyNames {
  readonly client: string;
  readonly id: string;
  readonly owner: string;
  readonly fingerprint: string;
  /** The request itself. */
  readonly attempt: string;
  /** Seals what was done. It comes from the idempotency key. */
  readonly secret: Buffer;
}

interface Row {
  readonly fingerprint: string;
  readonly attempt: string;
  readonly stamps: number;
  readonly done: Buffer | null;
  readonly busy: number;
  readonly lapsed: number;
}

/** How long a key gives its first answer. */
export const KEPT_MS = DAY_MS;
/** Others may release or take the key between two statements. */
const TRIES = 5;

/**
 * A key in one database. Its row is a fence: each transaction that does what was asked for stamps it, and cannot be
 * committed once another request has taken the key over. So the stamp is there if and only if the write is.
 */
export class KeyPlace {
  readonly source: DataSource;
  readonly #names: KeyNames;
  readonly #leaseMs: number;
  #isOurs = false;
  #isLeased = false;
  /** The holder and the number of stamps as last read or written. */
  #attempt: string;
  #stamps = 0;
  #done: DoneFields = {};

  /** @param leaseMs how long a claim keeps others off: who has not renewed it has died, or is fenced off */
  constructor(source: DataSource, names: KeyNames, leaseMs: number) {
    this.source = source;
    this.#names = names;
    this.#leaseMs = leaseMs;
    this.#attempt = names.attempt;
  }

  get done(): DoneFields {
    return this.#done;
  }

  /**
   * Claims the key, or reads what was done under it.
   * @returns whether the key was not known
   * @throws {GatewayError} 422 where it came with something else, 409 where that is under way
   */
  async open(): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
      if (await this.#claim()) return true;
      const row = await this.#read();
      if (!row) continue;
      if (row.attempt === this.#names.attempt || (row.lapsed === 1 && row.busy === 0)) {
        if (await this.#begin(row)) return true;
        continue;
      }
      if (row.fingerprint !== this.#names.fingerprint) throw gatewayErrors.idempotencyKeyReused();
      if (row.busy === 1) throw gatewayErrors.idempotencyKeyInUse();
      this.#attempt = row.attempt;
      this.#stamps = row.stamps;
      this.#done = this.#opened(row.done);
      return false;
    }
    throw gatewayErrors.idempotencyKeyInUse();
  }

  /**
   * Takes the key over before something that is not done yet is executed. From then on, no transaction of the former
   * holder is committed.
   * @returns false where another request did, or the former holder has done more
   */
  async take(): Promise<boolean> {
    if (this.#isOurs) return true;
    const { client, id, attempt } = this.#names;
    const taken = await this.#change(
      (manager) => tenantSql(manager, client).change`
        UPDATE idempotency_key SET attempt = ${attempt}, lease_until = ${this.#later(clockOf(manager))}
        WHERE ${own} AND id = ${id} AND attempt = ${this.#attempt} AND stamps = ${this.#stamps}`,
    );
    this.#isOurs = taken;
    this.#isLeased = taken;
    return taken;
  }

  /** Keeps others off while this request goes on. One that was taken over, or has stamped its last, changes nothing. */
  async renew(): Promise<void> {
    if (!this.#isLeased) return;
    const { client, id, attempt } = this.#names;
    await this.#change(
      (manager) => tenantSql(manager, client).change`
        UPDATE idempotency_key SET lease_until = ${this.#later(clockOf(manager))}
        WHERE ${own} AND id = ${id} AND attempt = ${attempt} AND stamps = ${this.#stamps}`,
    );
  }

  /**
   * Writes that a field is done, in the transaction that does it.
   * @param isLast whether nothing else of the operation will be executed
   * @returns false where another request has taken the key over: the transaction must not be committed
   */
  async stamp(manager: EntityManager, done: DoneFields, isLast: boolean): Promise<boolean> {
    const { client, id, attempt } = this.#names;
    const until = isLast ? 0 : this.#later(clockOf(manager));
    const stamped = await tenantSql(manager, client).change`
      UPDATE idempotency_key
      SET stamps = stamps + 1, done = ${this.#sealed(done)}, lease_until = ${until}
      WHERE ${own} AND id = ${id} AND attempt = ${attempt}`;
    return stamped > 0;
  }

  /** To be called when the transaction of a stamp was committed. */
  stamped(done: DoneFields, isLast: boolean): void {
    this.#done = done;
    this.#stamps++;
    if (isLast) this.#isLeased = false;
  }

  /**
   * Ends the request. A key under which nothing was done is forgotten. Where a COMMIT was lost, the database knows
   * whether it arrived: what it has is never overwritten.
   */
  async settle(done: DoneFields): Promise<void> {
    if (!this.#isOurs) return;
    const { client, id, attempt } = this.#names;
    const isNew = JSON.stringify(done) !== JSON.stringify(this.#done);
    const stamps = this.#stamps;
    const mine = (manager: EntityManager) => tenantSql(manager, client);
    if (isNew || Object.keys(done).length === 0) {
      const settled = await this.#lasting((manager) =>
        isNew
          ? mine(manager).change`
              UPDATE idempotency_key SET stamps = stamps + 1, done = ${this.#sealed(done)}, lease_until = 0
              WHERE ${own} AND id = ${id} AND attempt = ${attempt} AND stamps = ${stamps}`
          : mine(manager).change`
              DELETE FROM idempotency_key WHERE ${own} AND id = ${id} AND attempt = ${attempt} AND stamps = ${stamps}`,
      );
      if (settled) return;
    } else if (!this.#isLeased) return;
    await this.#lasting(
      (manager) => mine(manager).change`
        UPDATE idempotency_key SET lease_until = 0 WHERE ${own} AND id = ${id} AND attempt = ${attempt}`,
    );
  }

  /** Where the answer of COMMIT is lost, the row itself will tell who has the key. */
  async #claim(): Promise<boolean> {
    const { client, id, owner, fingerprint, attempt } = this.#names;
    try {
      this.#isOurs = await repeatable(this.source, (manager) => {
        const clock = clockOf(manager);
        return tenantSql(manager, client).insertNew('idempotency_key', {
          ...{ id, owner, fingerprint, attempt, stamps: 0 },
          ...{ created_at: clock, lease_until: this.#later(clock) },
        });
      });
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) throw error;
    }
    this.#isLeased = this.#isOurs;
    return this.#isOurs;
  }

  /** Makes a row new that is out of date, or our own. */
  async #begin(row: Row): Promise<boolean> {
    const { client, id, owner, fingerprint, attempt } = this.#names;
    this.#isOurs = await this.#change((manager) => {
      const clock = clockOf(manager);
      return tenantSql(manager, client).change`
        UPDATE idempotency_key
        SET owner = ${owner}, fingerprint = ${fingerprint}, attempt = ${attempt}, stamps = 0, done = NULL,
        created_at = ${clock}, lease_until = ${this.#later(clock)}
        WHERE ${own} AND id = ${id} AND attempt = ${row.attempt} AND stamps = ${row.stamps}`;
    });
    this.#isLeased = this.#isOurs;
    return this.#isOurs;
  }

  async #read(): Promise<Row | undefined> {
    const { client, id } = this.#names;
    const clock = clockOf(this.source);
    const [row] = await committed(
      this.source,
      () => tenantSql(this.source, client).select<Row>`
        SELECT fingerprint, attempt, stamps, done, CASE WHEN lease_until > ${clock} THEN 1 ELSE 0 END AS busy,
        CASE WHEN created_at < ${clock} - ${KEPT_MS} THEN 1 ELSE 0 END AS lapsed
        FROM idempotency_key WHERE ${own} AND id = ${id}`,
    );
    return row && { ...row, stamps: Number(row.stamps), busy: Number(row.busy), lapsed: Number(row.lapsed) };
  }

  #later(clock: Sql): Sql {
    return sql`${clock} + ${this.#leaseMs}`;
  }

  /** @returns whether a row was changed */
  async #change(change: (manager: EntityManager) => Promise<number>): Promise<boolean> {
    return (await repeatable(this.source, change)) > 0;
  }

  /** The same, again where the answer of COMMIT was lost: what has arrived is not changed twice. */
  async #lasting(change: (manager: EntityManager) => Promise<number>): Promise<boolean> {
    return retrying(
      () => this.#change(change),
      () => true,
    );
  }

  #sealed(done: DoneFields): Buffer {
    return seal(this.#names.secret, done, this.#place);
  }

  #opened(done: Buffer | null): DoneFields {
    return done === null ? {} : (unseal(this.#names.secret, done, this.#place) as DoneFields);
  }

  get #place(): string {
    return `idempotency:${this.#names.client}:${this.#names.id}`;
  }
}
