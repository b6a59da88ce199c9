import { GraphQLError } from 'graphql';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { deriveKey } from '../../keys/derived-keys';
import type { KeyStore } from '../../keys/key-store';
import { platformKey } from '../../keys/platform-key';
import { DAY_MS } from '../../law/calendar';
import type { Regions } from '../../storage/regions';
import { Remembered, remembered } from '../../storage/remembered';
import { writeStatement } from '../../storage/write-statement';
import { Appender, type LogHead } from './appender';
import { BatchWindow } from './batch-window';
import type { Json } from './canonical';
import { CheckpointSigner, originOf, parseCheckpoint, verifierKey } from './checkpoint';
import { CheckpointStore } from './checkpoint-store';
import { timeOfId } from './entry';

export interface LedgerOptions {
  /** Told of failures. Their messages may repeat what was to be written. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * A log without a new entry for this long counts as ended. Later logs restate the checkpoints of logs that have not.
 * Milliseconds.
 */
const ENDED_AFTER_MS = DAY_MS;

/**
 * The audit ledger: one log for each process and database. So an entry about a client's people is hosted where the
 * client is (statement T1), and no process waits for another. A log begins with the checkpoints of the logs before it:
 * whoever deletes a whole log contradicts the others.
 */
export class Ledger {
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #keysSource: DataSource;
  readonly #onFailure: (error: unknown) => void;
  /** Shared by all logs: which one an operation will write to is known only at its end. */
  readonly batchWindow = new BatchWindow();
  readonly #logs = new Remembered((source: DataSource) => this.#open(source));
  /** The key that signs this installation's checkpoints. */
  readonly signer = remembered(
    async () => new CheckpointSigner(deriveKey(await platformKey(this.#keys), 'audit-signing')),
  );

  constructor(
    { regions, keys, keysSource }: { regions: Regions; keys: KeyStore; keysSource: DataSource },
    { onFailure }: LedgerOptions = {},
  ) {
    this.#regions = regions;
    this.#keys = keys;
    this.#keysSource = keysSource;
    this.#onFailure = onFailure ?? (() => undefined);
  }

  /**
   * Writes an entry; resolves once it is durable.
   * @param client the id of the client that it is about
   * @throws {GraphQLError} AUDIT_UNAVAILABLE
   */
  async append(client: string | undefined, id: string, fields: { readonly [key: string]: Json }): Promise<void> {
    try {
      const source = client === undefined ? this.#regions.home : await this.#regions.of(client);
      const log = await this.#logIn(source);
      await log.append({ id, client, fields });
    } catch (error) {
      this.#onFailure(error);
      throw auditUnavailable(error);
    }
  }

  /** The last durable checkpoint of each log of this process. */
  async heads(): Promise<Array<LogHead & { readonly source: DataSource }>> {
    const heads: Array<LogHead & { source: DataSource }> = [];
    for (const [source, opening] of this.#logs.entries()) {
      const head = (await opening.catch(() => undefined))?.head;
      if (head) heads.push({ ...head, source });
    }
    return heads;
  }

  /** How many entries are not durable yet, and how long the oldest of them has waited, in seconds. */
  async lag(): Promise<{ readonly waiting: number; readonly seconds: number }> {
    let waiting = 0;
    const now = performance.now();
    let first = now;
    for (const [, opening] of this.#logs.entries()) {
      const log = await opening.catch(() => undefined);
      waiting += log?.waiting.count ?? 0;
      first = Math.min(first, log?.waiting.since ?? first);
    }
    return { waiting, seconds: (now - first) / 1_000 };
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    for (const [, opening] of this.#logs.entries()) await (await opening.catch(() => undefined))?.close();
  }

  async #logIn(source: DataSource): Promise<Appender> {
    const known = this.#logs.get(source);
    const log = await known;
    if (!log.failed) return log;
    // Its last write may or may not have reached the database, so further entries go to a new log.
    this.#logs.forget(source, known);
    return this.#logIn(source);
  }

  async #open(source: DataSource): Promise<Appender> {
    const signer = await this.signer();
    const heads = new CheckpointStore(this.#keysSource, this.#onFailure);
    const log = new Appender(source, { signer, heads, batchWindow: this.batchWindow }, this.#onFailure);
    const before = await unsettledHeads(source);
    await writeStatement(
      source,
      'INSERT INTO audit_log (log_id, opened_at, settled, pruned) VALUES (?, ?, 0, 0)',
      [log.id, Date.now()],
      { ownKeys: true },
    );
    await log.append({
      id: uuid(),
      client: undefined,
      fields: {
        kind: 'LOG_OPENED',
        time: new Date().toISOString(),
        version: 1,
        key: verifierKey(originOf(log.id), signer.publicKey),
        before: before.map(({ logId, size, root }) => ({ log: logId, size, root: root.toString('base64') })),
      },
    });
    const ended = before.filter(({ endedAt }) => endedAt < Date.now() - ENDED_AFTER_MS);
    for (const { logId } of ended)
      await writeStatement(source, 'UPDATE audit_log SET settled = 1 WHERE log_id = ?', [logId]);
    return log;
  }
}

async function unsettledHeads(source: DataSource) {
  const logs = await source.query<Array<{ log_id: string; opened_at: number }>>(
    'SELECT log_id, opened_at FROM audit_log WHERE settled = 0 ORDER BY log_id',
  );
  const heads: Array<{ logId: string; size: number; root: Buffer; endedAt: number }> = [];
  for (const { log_id: logId, opened_at: openedAt } of logs) {
    const [last] = await source.query<Array<{ entry_id: string; checkpoint: string | null }>>(
      'SELECT entry_id, checkpoint FROM audit_entry WHERE log_id = ? ORDER BY sequence DESC LIMIT 1',
      [logId],
    );
    const checkpoint = last?.checkpoint ? parseCheckpoint(last.checkpoint) : undefined;
    const endedAt = last ? timeOfId(last.entry_id) : Number(openedAt);
    heads.push({ logId, size: checkpoint?.size ?? 0, root: checkpoint?.root ?? Buffer.alloc(0), endedAt });
  }
  return heads;
}

/** What cannot be recorded is not done, and data that was read is not given (statement G1). */
function auditUnavailable(cause?: unknown): GraphQLError {
  const error = new GraphQLError(
    'The audit ledger cannot be written just now, so nothing governed is given; try again.',
    {
      extensions: { code: 'AUDIT_UNAVAILABLE', http: { status: 503 } },
    },
  );
  return cause === undefined ? error : Object.assign(error, { cause });
}

export const isAuditUnavailable = (error: unknown): error is GraphQLError =>
  error instanceof GraphQLError && error.extensions.code === 'AUDIT_UNAVAILABLE';
