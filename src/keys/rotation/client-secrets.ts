import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { dialectOf } from '../../storage/dialect';
import { placesFor } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import { emptyWriteAheadLog } from '../../storage/write-ahead-log';
import { writeStatement } from '../../storage/write-statement';
import type { ClientNodes } from '../client-nodes';
import { type DerivedKeyUse, deriveKey } from '../derived-keys';
import type { EpochKeys } from '../epochs/epoch-keys';
import { PLATFORM } from '../platform-key';
import { ended, livingIn, type SecretRing } from '../secret-ring';
import { settled } from '../settled';
import { freshKey } from '../wrapping';

/** The id of the secret that a client began with. */
export const FIRST_SECRET = 'first';

/** The most secrets of one client, ended ones included: those leave keys behind, which are kept in one value. */
const MOST_SECRETS = 400;

/** What is known of one of a client's secrets. Moments are milliseconds since 1970. */
export interface SecretRecord {
  readonly client: string;
  /** 1 for the first. */
  readonly number: number;
  /** Tells it from every other secret. */
  readonly id: string;
  readonly usedFrom: number;
  /** From when what was made with it is made anew; undefined unless a newer one was published. */
  readonly dueAt: number | undefined;
  readonly destroyedAt: number | undefined;
  /** The epoch with whose end its destruction is final. */
  readonly epoch: number | undefined;
}

/** One of a client's secrets, as rows name it. */
export type SecretName = Pick<SecretRecord, 'number' | 'id'>;

/** When a new secret takes over. Moments are milliseconds since 1970. */
export interface SecretPlan {
  /** It is not published later: every process must know it before it is used. */
  readonly publishedBy: number;
  readonly usedFrom: number;
  /** From when no process makes anything with the one before. */
  readonly dueAt: number;
}

/** A client's last replacement has not ended, or there were too many. */
export class SecretNotReplacedError extends Error {
  override readonly name = 'SecretNotReplacedError';
}

interface Row {
  readonly client_id: string;
  readonly number: number;
  readonly id: string;
  readonly used_from: number;
  readonly due_at: number | null;
  readonly destroyed_at: number | null;
  readonly key_epoch: number | null;
}

interface Parts {
  readonly source: DataSource;
  readonly nodes: ClientNodes;
  readonly epochs: Pick<EpochKeys, 'newest'>;
  readonly now: () => number;
  /** Drops a client's derived keys from this process's memory. */
  readonly forget: (client: string) => void;
}

/**
 * The secrets of the clients in one keys' store. A new one is published beside the one before; both give keys until
 * everything is made anew. Then the old one is destroyed, and leaves only the keys that are kept by themselves.
 */
export class ClientSecrets {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Makes a client's next secret.
   * @throws {SecretNotReplacedError} while the last replacement is under way, or where it takes too long
   * @throws {ClientKeyError} for a client without keys
   */
  async publish(client: string, plan: SecretPlan): Promise<SecretRecord> {
    const { nodes, source, now } = this.#parts;
    const id = uuid();
    for (;;) {
      const read = await nodes.secrets(client);
      const known = await this.of(client);
      const published = known.find((record) => record.id === id);
      // An attempt before has arrived, though its answer did not.
      if (published) return published;
      const { number, usedFrom } = replaceable(read.ring, known);
      const next = { number: number + 1, usedFrom: plan.usedFrom, secret: freshKey(), kept: new Map<string, Buffer>() };
      const replace = await nodes.replacing(read, [...read.ring, next], { marks: false });
      for (const { secret } of [...read.ring, next]) secret?.fill(0);
      await settled(source, async (manager) => {
        if (now() > plan.publishedBy) throw new SecretNotReplacedError('publishing it took too long; try again');
        if (!(await replace(manager))) return;
        if (known.length === 0) await insertRow(manager, [client, number, FIRST_SECRET, usedFrom]);
        await manager.query('UPDATE client_secret SET due_at = ? WHERE client_id = ? AND number = ?', [
          plan.dueAt,
          client,
          number,
        ]);
        await insertRow(manager, [client, next.number, id, next.usedFrom]);
      });
      this.#parts.forget(client);
    }
  }

  /**
   * The key that one of a client's secrets gives, the caller's own copy. Whoever makes rows anew says with which one:
   * the newest may be announced only, or another process may have published it meanwhile.
   * @throws {ClientKeyError} for a client without keys; an error where the secret is destroyed
   */
  async keyOf(client: string, number: number, use: DerivedKeyUse): Promise<Buffer> {
    const { ring } = await this.#parts.nodes.secrets(client);
    const secret = ring.find((each) => each.number === number)?.secret;
    const key = secret && deriveKey(secret, use);
    for (const each of ring) each.secret?.fill(0);
    if (!key) throw new Error(`secret ${number} of client ${client} is destroyed`);
    return key;
  }

  /**
   * Destroys the secrets of a client from before the one to which all its rows were moved. A newer one may have been
   * published meanwhile; the rows are not moved to that. It can be called again.
   * @returns whether the client has no other secret than that one
   * @throws {Error} where that one does not live: nothing would be left to find the rows by
   */
  async destroyOld(client: string, movedTo: number): Promise<boolean> {
    const { nodes, source, epochs, now } = this.#parts;
    let isAlone: boolean;
    for (;;) {
      const read = await nodes.secrets(client);
      const living = livingIn(read.ring).map(({ number }) => number);
      isAlone = living.join() === String(movedTo);
      if (!living.some((number) => number < movedTo)) {
        for (const { secret } of read.ring) secret?.fill(0);
        break;
      }
      if (!living.includes(movedTo))
        throw new Error(`secret ${movedTo} of client ${client}, to which its rows were moved, is not there`);
      const ring = read.ring.map((each) => (each.number < movedTo ? ended(each) : each));
      const replace = await nodes.replacing(read, ring, { marks: true });
      for (const { secret } of read.ring) secret?.fill(0);
      await settled(source, async (manager) => {
        if (!(await replace(manager))) return;
        await manager.query(
          'UPDATE client_secret SET destroyed_at = ? WHERE client_id = ? AND number < ? AND destroyed_at IS NULL',
          [now(), client, movedTo],
        );
      });
      this.#parts.forget(client);
    }
    await emptyWriteAheadLog(source);
    // Read after the commit: an epoch that began before it is named, and ends later.
    await writeStatement(
      source,
      `UPDATE client_secret SET key_epoch = ?, due_at = NULL
       WHERE client_id = ? AND number < ? AND destroyed_at IS NOT NULL AND due_at IS NOT NULL`,
      [await epochs.newest(), client, movedTo],
    );
    return isAlone;
  }

  /** What is known of a client's secrets, the first one first; nothing where it was never replaced. */
  of(client: string): Promise<SecretRecord[]> {
    return secretsOfClients(this.#parts.source, [client]);
  }

  /** The first client after another that is due to be moved to its newer secret. */
  async nextDue(after: string): Promise<string | undefined> {
    const where = 'due_at <= ? AND client_id > ? ORDER BY client_id LIMIT 1';
    const [record] = await recordsIn(this.#parts.source, where, [this.#parts.now(), after]);
    return record?.client;
  }

  /** The client after another whose newest secret has been used since before a moment. */
  async nextOlderThan(moment: number, after: string): Promise<string | undefined> {
    const { source } = this.#parts;
    const sql = `SELECT client_id FROM client_key AS k WHERE destroyed_at IS NULL AND created_at <= ? AND client_id > ?
                 AND client_id <> ? AND NOT EXISTS (SELECT 1 FROM client_secret AS s
                   WHERE s.client_id = k.client_id AND (s.used_from > ? OR s.due_at IS NOT NULL))
                 ORDER BY client_id LIMIT 1`;
    const [row] = await committed(source, () =>
      source.query<Array<{ client_id: string }>>(sql, [moment, after, PLATFORM, moment]),
    );
    return row?.client_id;
  }

  /** Gives up the replacement of a client whose keys are destroyed. */
  async giveUp(client: string): Promise<void> {
    const sql = 'UPDATE client_secret SET due_at = NULL WHERE client_id = ?';
    await writeStatement(this.#parts.source, sql, [client]);
  }
}

/**
 * The secret with which every process makes new things, or a newer one that the rows may be moved to.
 * @param known a client's secrets, the first one first
 * @param now milliseconds since 1970
 */
export function settledAmong(known: readonly SecretRecord[], now: number): SecretName {
  const overlapping = known.find(
    ({ dueAt, destroyedAt }) => destroyedAt === undefined && dueAt !== undefined && dueAt > now,
  );
  return overlapping ?? known.at(-1) ?? { id: FIRST_SECRET, number: 1 };
}

/** What is known of several clients' secrets in a keys' store, by client. */
export async function secretsOfClients(source: DataSource, clients: readonly string[]): Promise<SecretRecord[]> {
  if (clients.length === 0) return [];
  return recordsIn(source, `client_id IN (${placesFor(clients)}) ORDER BY client_id, number`, clients);
}

/** The clients after another whose first secret is destroyed. */
export async function withoutFirstSecret(source: DataSource, after: string, limit: number): Promise<string[]> {
  const where = `client_id > ? AND id = ? AND destroyed_at IS NOT NULL ORDER BY client_id LIMIT ${Math.trunc(limit)}`;
  return (await recordsIn(source, where, [after, FIRST_SECRET])).map(({ client }) => client);
}

/** Those of some clients that have keys in a keys' store. */
export async function livingAmong(source: DataSource, clients: readonly string[]): Promise<string[]> {
  const sql = `SELECT client_id FROM client_key WHERE destroyed_at IS NULL AND client_id IN (${placesFor(clients)})`;
  const rows = await committed(source, () => source.query<Array<{ client_id: string }>>(sql, [...clients]));
  return rows.map(({ client_id: client }) => client);
}

/** Replacements that were due at a moment and have not ended. */
export async function countDue(source: DataSource, moment: number): Promise<number> {
  const sql = 'SELECT COUNT(*) AS n FROM client_secret WHERE due_at <= ?';
  const [row] = await committed(source, () => source.query<Array<{ n: number }>>(sql, [moment]));
  return Number(row?.n ?? 0);
}

async function recordsIn(source: DataSource, where: string, parameters: readonly unknown[]): Promise<SecretRecord[]> {
  const sql = `SELECT client_id, number, id, used_from, due_at, destroyed_at, key_epoch FROM client_secret WHERE ${where}`;
  const rows = await committed(source, () => source.query<Row[]>(sql, [...parameters]));
  return rows.map((row) => ({
    client: row.client_id,
    number: Number(row.number),
    id: row.id,
    usedFrom: Number(row.used_from),
    dueAt: numberIn(row.due_at),
    destroyedAt: numberIn(row.destroyed_at),
    epoch: numberIn(row.key_epoch),
  }));
}

const numberIn = (value: number | null): number | undefined => (value === null ? undefined : Number(value));

/** The secret that can be replaced now. @throws {SecretNotReplacedError} */
function replaceable(ring: SecretRing, known: readonly SecretRecord[]) {
  const [only, another] = livingIn(ring);
  const pending = known.find(({ dueAt }) => dueAt !== undefined);
  if (!only || another || pending) {
    const from = new Date(pending?.dueAt ?? 0).toISOString();
    throw new SecretNotReplacedError(`the last replacement is under way: what is older is made anew from ${from} on`);
  }
  if (ring.length >= MOST_SECRETS)
    throw new SecretNotReplacedError(
      `it was replaced ${MOST_SECRETS} times, which is as often as can be kept track of`,
    );
  return only;
}

function insertRow(manager: EntityManager, values: readonly unknown[]): Promise<unknown> {
  const { insertIgnore } = dialectOf(manager);
  return manager.query(`${insertIgnore} client_secret (client_id, number, id, used_from) VALUES (?, ?, ?, ?)`, [
    ...values,
  ]);
}
