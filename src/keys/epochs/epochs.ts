import type { DataSource } from 'typeorm';
import { committed } from '../../storage/transaction';
import { emptyWriteAheadLog } from '../../storage/write-ahead-log';

/**
 * The state of an epoch: CURRENT while it is the newest; TURNING while the next one takes over; DESTROYING once
 * everything that lives hangs under the next one; ENDED when its root is destroyed.
 */
export type EpochStage = 'CURRENT' | 'TURNING' | 'DESTROYING' | 'ENDED';

export interface EpochState {
  readonly number: number;
  readonly rootId: string;
  readonly state: EpochStage;
  readonly begunAt: number;
  /** When nobody can use its root any more, ms since 1970. A KMS may keep it for days, so it may lie in the future. */
  readonly endedAt: number | null;
  /** Where the backup went that was made when it began. */
  readonly backup: string | null;
  /** The signed record of its end. */
  readonly record: string | null;
}

/** What a turning did. */
export interface TurnResult {
  /** The epoch that ended. */
  readonly epoch: number;
  readonly clients: number;
  readonly buckets: number;
  /** Subject keys that were wrapped anew. */
  readonly rewrapped: number;
  /** Keys whose destruction became final. */
  readonly destroyed: number;
  readonly milliseconds: number;
}

export interface TurnHooks {
  /** Makes a backup of the wrapped keys under the new epoch. @returns where it is */
  backup?(epoch: number): Promise<string | undefined>;
  /** Writes the record of an epoch that has ended. @returns the record */
  record?(epoch: EpochState, what: TurnResult): Promise<string>;
  progress?(what: { readonly done: number; readonly total: number }): void;
}

interface Row {
  readonly number: number;
  readonly root_id: string;
  readonly state: EpochStage;
  readonly begun_at: number;
  readonly ended_at: number | null;
  readonly backup: string | null;
  readonly record: Buffer | null;
}

export interface EpochsOptions {
  readonly now: () => number;
  /** How long an epoch lasts, in milliseconds; undefined where epochs do not turn: a deleted key is final at once. */
  readonly everyMs: number | undefined;
}

/** The epochs of a keys' store: when a deletion became final, and what makes it so. */
export class Epochs {
  readonly #source: DataSource;
  readonly #options: EpochsOptions;

  constructor(source: DataSource, options: EpochsOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Whether epochs turn (REMIT_EPOCH). */
  get turning(): boolean {
    return this.everyMs !== undefined;
  }

  /** How long an epoch lasts, in milliseconds; undefined where epochs do not turn. */
  get everyMs(): number | undefined {
    return this.#options.everyMs;
  }

  /** Ends the current epoch: what was destroyed in it cannot be read any more from anything that was ever written. */
  async turn(_hooks: TurnHooks = {}): Promise<TurnResult> {
    throw new Error('Epochs do not turn yet.');
  }

  /** Goes on with a turning that was interrupted. @returns undefined where there is none */
  async resume(_hooks: TurnHooks = {}): Promise<TurnResult | undefined> {
    return undefined;
  }

  /** All epochs, the first one first. */
  async list(): Promise<EpochState[]> {
    const rows = await committed(this.#source, () =>
      this.#source.query<Row[]>(
        'SELECT number, root_id, state, begun_at, ended_at, backup, record FROM key_epoch ORDER BY number',
      ),
    );
    return rows.map((row) => ({
      number: Number(row.number),
      rootId: row.root_id,
      state: row.state,
      begunAt: Number(row.begun_at),
      endedAt: row.ended_at === null ? null : Number(row.ended_at),
      backup: row.backup,
      record: row.record?.toString('utf8') ?? null,
    }));
  }

  /**
   * Whether what was destroyed in an epoch can be read by nobody any more.
   * @param number as the key store's `destroy…` returned it
   */
  async isFinal(number: number): Promise<boolean> {
    if (!this.turning) return emptyWriteAheadLog(this.#source, 0);
    const [row] = await committed(this.#source, () =>
      this.#source.query<Array<Pick<Row, 'state' | 'ended_at'>>>(
        'SELECT state, ended_at FROM key_epoch WHERE number = ?',
        [number],
      ),
    );
    return row?.state === 'ENDED' && row.ended_at !== null && Number(row.ended_at) <= this.#options.now();
  }
}
