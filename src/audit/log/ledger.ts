import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { KeyStore } from '../../keys/key-store';
import type { RotationPace } from '../../keys/rotation/rotating-keys';
import type { Regions } from '../../storage/regions';
import { Remembered, remembered } from '../../storage/remembered';
import { Appender, bodyOf, type Draft, type EntryBody, type LogHead } from './appender';
import { BatchWindow } from './batch-window';
import type { Json } from './canonical';
import { type CheckpointSigner, originOf, verifierKey } from './checkpoint';
import { CheckpointStore } from './checkpoint-store';
import { keepEnds, settle, statementOf, unsettledLogs } from './earlier-logs';
import { LedgerClock } from './ledger-clock';
import { LedgerKeys } from './ledger-keys';
import { LogEndedError } from './log-lease';

export interface LedgerOptions {
  /** Told of failures. Their messages may repeat what was to be written. */
  readonly onFailure?: (error: unknown) => void;
  /** How fast keys are replaced. */
  readonly pace?: RotationPace | undefined;
}

/** Milliseconds before another log is opened, by how many failed in a row before it. */
const REOPEN_AFTER_MS = [0, 50, 100, 200, 400, 800, 1_000];

interface Open {
  readonly source: DataSource;
  readonly opening: Promise<Appender>;
  readonly log: Appender;
}

/**
 * The audit ledger: one log for each process and database. So an entry about a client's people is hosted where the
 * client is (statement T1), and no process waits for another. A log begins with a statement of how far the logs before
 * it had come: whoever deletes a whole log contradicts the others.
 */
export class Ledger {
  readonly #regions: Regions;
  readonly #keysSource: DataSource;
  readonly #onFailure: (error: unknown) => void;
  /** Shared by all logs: which one an operation will write to is known only at its end. */
  readonly batchWindow = new BatchWindow();
  readonly #logs = new Remembered((source: DataSource) => this.#open(source));
  /** Those of them that are open, so that nobody has to wait for their promises. */
  readonly #opened = new Map<DataSource, Open>();
  /** How many logs in a row have failed. */
  readonly #failures = new Map<DataSource, number>();
  #clock = LedgerClock.local();
  /** The clock of entries, once the database was asked. */
  readonly #asked = remembered(async () => {
    this.#clock = await LedgerClock.of(this.#regions.home);
    return this.#clock;
  });
  /** The keys that sign this installation's checkpoints. */
  readonly keys: LedgerKeys;

  constructor(
    { regions, keys, keysSource }: { regions: Regions; keys: KeyStore; keysSource: DataSource },
    { onFailure, pace }: LedgerOptions = {},
  ) {
    this.#regions = regions;
    this.keys = new LedgerKeys(keysSource, keys, { pace });
    this.#keysSource = keysSource;
    this.#onFailure = onFailure ?? (() => undefined);
  }

  /** The key that signs now. */
  async signer(): Promise<CheckpointSigner> {
    return (await this.keys.signers())[0];
  }

  /**
   * Writes an entry; resolves once it is durable.
   * @param client the id of the client that it is about
   * @param entry its fields, or what writes it
   * @param settled told once it waits to be written together with those of other operations; without it, the entry is
   *   written at once, for its operation goes on afterwards
   * @throws {GraphQLError} AUDIT_UNAVAILABLE
   */
  append(
    client: string | undefined,
    id: string,
    entry: { readonly [key: string]: Json } | EntryBody,
    settled?: () => void,
  ): Promise<void> {
    const body = typeof entry === 'function' ? entry : bodyOf(client, id, entry);
    const draft = { id, client, body, settled };
    const source = client === undefined ? this.#regions.home : this.#regions.knownOf(client);
    const open = source && this.#opened.get(source);
    return open ? this.#appendTo(open, draft) : this.#appendIn(source, draft);
  }

  /**
   * The time of an entry by the database's clock, in milliseconds since 1970.
   * @throws {GraphQLError} AUDIT_UNAVAILABLE
   */
  async moment(): Promise<number> {
    try {
      return (await this.#asked()).now();
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  /** As {@link moment}, by this process's clock as long as the database was not asked. */
  now(): number {
    return this.#clock.now();
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

  /**
   * Tries to open a log wherever the last write failed, as the next request would.
   * @returns false where one of them cannot be written still
   */
  async isWritable(): Promise<boolean> {
    const opened = await Promise.allSettled([...this.#failures.keys()].map((source) => this.#logs.get(source)));
    return opened.every(({ status }) => status === 'fulfilled');
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

  /** Says of each log of this process that it is in use. Logs of which nobody does are settled by the next one. */
  async keepAlive(): Promise<void> {
    for (const [, opening] of this.#logs.entries()) await (await opening.catch(() => undefined))?.keepAlive();
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    for (const [, opening] of this.#logs.entries()) await (await opening.catch(() => undefined))?.close();
  }

  async #appendIn(known: DataSource | undefined, draft: Draft): Promise<void> {
    let open: Open;
    try {
      const source = known ?? (await this.#regions.of(draft.client as string));
      const opening = this.#logs.get(source);
      open = { source, opening, log: await opening };
    } catch (error) {
      throw this.#unavailable(error);
    }
    if (!open.log.failed) this.#opened.set(open.source, open);
    return this.#appendTo(open, draft);
  }

  #appendTo(open: Open, draft: Draft): Promise<void> {
    return open.log.append(draft).then(
      () => {
        if (this.#failures.size > 0) this.#failures.delete(open.source);
      },
      (error: unknown) => this.#notAppended(error, open, draft),
    );
  }

  #notAppended(error: unknown, { source, opening, log }: Open, draft: Draft): Promise<void> {
    const isSettled = error instanceof LogEndedError;
    if (log.failed) {
      // Further entries go to a new log.
      if (this.#opened.get(source)?.log === log) this.#opened.delete(source);
      if (this.#logs.forget(source, opening) && !isSettled) this.#failed(source);
    }
    if (isSettled) return this.#appendIn(source, draft);
    throw this.#unavailable(error);
  }

  #unavailable(error: unknown): GraphQLError {
    this.#onFailure(error);
    return auditUnavailable(error);
  }

  #failed(source: DataSource): void {
    this.#failures.set(source, (this.#failures.get(source) ?? 0) + 1);
  }

  async #open(source: DataSource): Promise<Appender> {
    const failures = this.#failures.get(source) ?? 0;
    const pause = REOPEN_AFTER_MS[Math.min(failures, REOPEN_AFTER_MS.length) - 1] ?? 0;
    if (pause > 0) await sleep(pause);
    try {
      return await this.#begin(source);
    } catch (error) {
      this.#failed(source);
      throw error;
    }
  }

  async #begin(source: DataSource): Promise<Appender> {
    const [signer] = await this.keys.signers();
    const heads = new CheckpointStore(this.#keysSource, this.#onFailure);
    await this.#asked();
    const log = new Appender(
      source,
      { signers: () => this.keys.signers(), heads, batchWindow: this.batchWindow },
      this.#onFailure,
    );
    const earlier = await unsettledLogs(source);
    const fields = {
      kind: 'LOG_OPENED',
      time: new Date(this.now()).toISOString(),
      version: 1,
      key: verifierKey(originOf(log.id), signer.publicKey),
      earlier: { ...statementOf(earlier.ends) },
    };
    const id = uuid({ msecs: this.now() });
    const first = { id, client: undefined, body: bodyOf(undefined, id, fields) };
    await log.open(first, (manager) => keepEnds(manager, log.id, earlier.ends));
    // The next log does what fails here.
    await settle(source, earlier).catch(this.#onFailure);
    return log;
  }
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
