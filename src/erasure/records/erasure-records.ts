import { createHash, createHmac } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { DerivedKeyUse } from '../../keys/derived-keys';
import { ClientKeyError, UnsealError } from '../../keys/errors';
import type { KeyStore } from '../../keys/key-store';
import type { KeyStores } from '../../keys/key-stores';
import { platformKey } from '../../keys/platform-key';
import { seal, unseal } from '../../keys/sealing';
import { dialectOf } from '../../storage/dialect';
import { runStatement } from '../../storage/statements';
import { writeStatement } from '../../storage/write-statement';
import type { PlannedStep } from '../execution/plan';
import type { ErasureKind } from '../requests/erasure-request';
import type { ErasedStore, Retained } from './certificate';

/** What a record keeps of a request: enough to repeat the erasure, and nothing that names a person. */
export interface RecordedRequest {
  readonly grounds: string;
  readonly role: string;
  /** The requester, as a pseudonym under the client's key. */
  readonly pseudonym: string;
  readonly dueAt: number;
  readonly categories: readonly string[] | null;
  /** Nothing is destroyed before. Absent from old records. */
  readonly notBefore?: number | null;
  /** When the export is made that the destruction waits for. */
  readonly exportAt?: number;
}

/** The plan of a pass, written before the pass destroys anything. */
export interface PlannedPass {
  readonly pass: number;
  readonly plannedAt: number;
  readonly steps: ReadonlyArray<PlannedStep & { readonly expected?: number }>;
  readonly retained: readonly Retained[];
}

export interface ErasureOutcome {
  readonly erased: readonly ErasedStore[];
  readonly retained: readonly Retained[];
  readonly keyDestroyed: boolean;
  readonly keyAbsent?: true;
}

/** When keys were deleted, in milliseconds since 1970, and the newest epoch that they can be in. */
export interface KeysDeleted {
  readonly at: number;
  readonly epoch: number;
}

export interface ErasureRecord {
  readonly client: string;
  readonly id: string;
  readonly kind: ErasureKind;
  readonly subjectDigest: string | null;
  readonly request: RecordedRequest;
  readonly requestedAt: number;
  readonly passes: readonly PlannedPass[];
  readonly outcome: ErasureOutcome | null;
  readonly completedAt: number | null;
  readonly certificate: string | null;
  /** The last deletion of keys for this erasure; null where none was deleted, or before epochs were counted. */
  readonly keysDeleted: KeysDeleted | null;
  readonly cancelledAt: number | null;
  readonly replayedAt: number | null;
  /** Decrypts whom the record is about; undefined once that was forgotten. */
  subject(): Promise<string | undefined>;
}

interface Row {
  client_id: string;
  id: string;
  kind: ErasureKind;
  sealed_subject: Buffer | null;
  subject_digest: string | null;
  request: Buffer;
  requested_at: number;
  plan: Buffer | null;
  outcome: Buffer | null;
  completed_at: number | null;
  certificate: Buffer | null;
  key_epoch: number | null;
  key_deleted_at: number | null;
  cancelled_at: number | null;
  replayed_at: number | null;
}

const ROWS_PER_INSERT = 200;

/** A new request for the records. Times are milliseconds since 1970. */
export interface RequestToRecord {
  readonly id: string;
  readonly kind: ErasureKind;
  /** Whom it is about; null for a client. */
  readonly customerId: string | null;
  readonly grounds: string;
  /** The requester; only a pseudonym is kept. */
  readonly requestedBy: string;
  readonly requestedRole: string;
  readonly requestedAt: number;
  readonly dueAt: number;
  readonly categories: readonly string[] | null;
  readonly notBefore: number | null;
  readonly exportAt?: number;
}

/**
 * The records of erasures. They are in the keys' store, so they survive every restore of the data (docs/pitfalls.md, 25
 * and 26). Each change is one statement, because the key store uses the same connection.
 */
export class ErasureRecords {
  readonly #stores: KeyStores;
  readonly #keys: KeyStore;

  constructor(stores: KeyStores, keys: KeyStore) {
    this.#stores = stores;
    this.#keys = keys;
  }

  /** Records new requests. Those that are recorded already stay as they are. */
  async open(client: string, requests: readonly RequestToRecord[]): Promise<void> {
    const sealing = await this.#derivedKey(client, 'ledger');
    const tombstoneKey = await this.#derivedKey(client, 'tombstone');
    const pseudonymKey = (await this.#derivedKey(client, 'pseudonym')) ?? (await platformKey(this.#keys, 'pseudonym'));
    const source = await this.#sourceOf(client);
    const insert = dialectOf(source).insertIgnore;
    for (let start = 0; start < requests.length; start += ROWS_PER_INSERT) {
      const chunk = requests.slice(start, start + ROWS_PER_INSERT);
      await writeStatement(
        source,
        `${insert} erasure_ledger (client_id, id, kind, sealed_subject, subject_digest, request, requested_at)
         VALUES ${chunk.map(() => '(?, ?, ?, ?, ?, ?, ?)').join(', ')}`,
        chunk.flatMap((request) => {
          const { id, kind, customerId } = request;
          return [
            client,
            id,
            kind,
            customerId === null || !sealing ? null : seal(sealing, customerId, context(client, id)),
            customerId === null || !tombstoneKey ? null : subjectDigest(tombstoneKey, customerId),
            json(recorded(request, pseudonymOf(pseudonymKey, request.requestedBy))),
            request.requestedAt,
          ];
        }),
      );
    }
  }

  /**
   * Writes the plan of a pass, before the pass does anything. It replaces an earlier plan of the same pass.
   * @returns the new record
   */
  async plan(record: ErasureRecord, pass: PlannedPass): Promise<ErasureRecord> {
    const { client, id } = record;
    const passes = [...record.passes.filter((known) => known.pass !== pass.pass), pass];
    await writeStatement(
      await this.#sourceOf(client),
      'UPDATE erasure_ledger SET plan = ?, planned_at = ? WHERE client_id = ? AND id = ?',
      [json(passes), pass.plannedAt, client, id],
    );
    return { ...record, passes };
  }

  /**
   * Records that keys were deleted. So an erasure that is repeated after a restore of the data knows when.
   * @returns the new record
   */
  async keysDeleted(record: ErasureRecord, { at, epoch }: KeysDeleted): Promise<ErasureRecord> {
    await writeStatement(
      await this.#sourceOf(record.client),
      'UPDATE erasure_ledger SET key_epoch = ?, key_deleted_at = ? WHERE client_id = ? AND id = ?',
      [epoch, at, record.client, record.id],
    );
    return { ...record, keysDeleted: { at, epoch } };
  }

  /** Records the outcome and its certificate. */
  async conclude(
    client: string,
    id: string,
    done: { outcome: ErasureOutcome; certificate: string; completedAt: number | null; replayedAt: number | null },
  ): Promise<void> {
    await writeStatement(
      await this.#sourceOf(client),
      `UPDATE erasure_ledger SET outcome = ?, certificate = ?, completed_at = COALESCE(completed_at, ?),
       replayed_at = COALESCE(?, replayed_at) WHERE client_id = ? AND id = ?`,
      [json(done.outcome), Buffer.from(done.certificate), done.completedAt, done.replayedAt, client, id],
    );
  }

  async cancel(client: string, id: string, at: number): Promise<void> {
    await writeStatement(
      await this.#sourceOf(client),
      'UPDATE erasure_ledger SET cancelled_at = ? WHERE client_id = ? AND id = ?',
      [at, client, id],
    );
  }

  /** Removes from a client's records whom they are about. What they prove stays. */
  async forgetSubjects(client: string): Promise<void> {
    await writeStatement(
      await this.#sourceOf(client),
      'UPDATE erasure_ledger SET sealed_subject = NULL, subject_digest = NULL WHERE client_id = ?',
      [client],
    );
  }

  async find(client: string, id: string): Promise<ErasureRecord | undefined> {
    const rows = await runStatement<Row[]>(
      await this.#sourceOf(client),
      'SELECT * FROM erasure_ledger WHERE client_id = ? AND id = ?',
      [client, id],
    );
    return rows[0] && this.#record(rows[0]);
  }

  /** @throws {Error} when there is none: nothing is destroyed without a record */
  async require(client: string, id: string): Promise<ErasureRecord> {
    const record = await this.find(client, id);
    if (!record) throw new Error('the erasure has no record in the keys’ store');
    return record;
  }

  /** Records by client and id, behind one of them. Ids are in the order of creation. */
  async list(options: {
    since?: number;
    after?: { client: string; id: string };
    limit: number;
  }): Promise<ErasureRecord[]> {
    const found: Row[] = [];
    for (const { source } of this.#stores.all()) found.push(...(await listed(source, options)));
    const inOrder = found.sort((a, b) => compare(a.client_id, b.client_id) || compare(a.id, b.id));
    return inOrder.slice(0, options.limit).map((row) => this.#record(row));
  }

  /** Whether a subject's key is in the keys' store. */
  async hasKey(client: string, subject: string): Promise<boolean> {
    const [row] = await runStatement<unknown[]>(
      await this.#sourceOf(client),
      'SELECT 1 AS present FROM subject_key WHERE client_id = ? AND subject_id = ?',
      [client, subject],
    );
    return row !== undefined;
  }

  async countKeys(client: string): Promise<number> {
    const [row] = await runStatement<Array<{ n: number }>>(
      await this.#sourceOf(client),
      'SELECT COUNT(*) AS n FROM subject_key WHERE client_id = ?',
      [client],
    );
    return Number(row?.n ?? 0);
  }

  async #sourceOf(client: string): Promise<DataSource> {
    return (await this.#stores.of(client)).source;
  }

  /** Undefined when it is destroyed: an erasure is then recorded without its subject. */
  async #derivedKey(client: string, use: DerivedKeyUse): Promise<Buffer | undefined> {
    try {
      return await this.#keys.derivedKey(client, use);
    } catch (error) {
      if (error instanceof ClientKeyError) return undefined;
      throw error;
    }
  }

  #record(row: Row): ErasureRecord {
    const { client_id: client, id } = row;
    return {
      client,
      id,
      kind: row.kind,
      subjectDigest: row.subject_digest,
      request: parse<RecordedRequest>(row.request),
      requestedAt: Number(row.requested_at),
      passes: row.plan ? parse<PlannedPass[]>(row.plan) : [],
      outcome: row.outcome ? parse<ErasureOutcome>(row.outcome) : null,
      completedAt: row.completed_at === null ? null : Number(row.completed_at),
      certificate: row.certificate ? row.certificate.toString('utf8') : null,
      keysDeleted: row.key_epoch === null ? null : { at: Number(row.key_deleted_at), epoch: Number(row.key_epoch) },
      cancelledAt: row.cancelled_at === null ? null : Number(row.cancelled_at),
      replayedAt: row.replayed_at === null ? null : Number(row.replayed_at),
      subject: async () => {
        if (!row.sealed_subject) return undefined;
        const { all } = await this.#keys.derivedKeys(client, 'ledger');
        return String(openedBy(all, row.sealed_subject, context(client, id)));
      },
    };
  }
}

function listed(source: DataSource, options: Parameters<ErasureRecords['list']>[0]): Promise<Row[]> {
  const { since = 0, after, limit } = options;
  return runStatement<Row[]>(
    source,
    `SELECT * FROM erasure_ledger WHERE (requested_at >= ? OR planned_at >= ? OR completed_at >= ?)
     AND (client_id > ? OR (client_id = ? AND id > ?)) ORDER BY client_id, id LIMIT ${limit}`,
    [since, since, since, after?.client ?? '', after?.client ?? '', after?.id ?? ''],
  );
}

/** @param keys the oldest first: one of them sealed it */
function openedBy(keys: readonly Buffer[], sealed: Buffer, place: string): unknown {
  const [newest, ...older] = keys.toReversed() as [Buffer, ...Buffer[]];
  try {
    return unseal(newest, sealed, place);
  } catch (error) {
    if (!(error instanceof UnsealError) || older.length === 0) throw error;
    return openedBy(older.toReversed(), sealed, place);
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const context = (client: string, id: string): string => `erasure-ledger:${client}:${id}`;
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value), 'utf8');
const parse = <T>(bytes: Buffer): T => JSON.parse(bytes.toString('utf8')) as T;

const recorded = (
  { grounds, requestedRole: role, dueAt, categories, notBefore, exportAt }: RequestToRecord,
  pseudonym: string,
): RecordedRequest => ({
  grounds,
  role,
  pseudonym,
  dueAt,
  categories,
  notBefore,
  ...(exportAt === undefined ? {} : { exportAt }),
});

function subjectDigest(tombstoneKey: Buffer, subject: string): string {
  return createHmac('sha256', tombstoneKey).update(`subject\0${subject}`).digest('base64url');
}

/** The requester's pseudonym for certificates: under the client's key, or the platform's when that is destroyed. */
function pseudonymOf(key: Buffer, principal: string): string {
  const mac = createHmac('sha256', key).update(`principal\0${principal}`);
  return `p_${mac.digest('base64url').slice(0, 22)}`;
}

/** SHA-256 of a record's plans as JSON. It ties a certificate to the plans. */
export const planDigest = (passes: readonly PlannedPass[]): string =>
  createHash('sha256').update(JSON.stringify(passes)).digest('base64url');
