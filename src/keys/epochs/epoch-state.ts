/**
 * The stage of an epoch: CURRENT while it is the newest; TURNING while the next one takes over; DESTROYING once
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

/** What a turning did, in all attempts together. */
export interface TurnResult {
  /** The epoch that ended. */
  readonly epoch: number;
  readonly clients: number;
  /** Buckets that were hung under new nodes, or removed with their clients. */
  readonly buckets: number;
  /** Subjects' keys that were wrapped anew. */
  readonly rewrapped: number;
  /** Keys whose destruction became final. */
  readonly destroyed: number;
  /** Of the last attempt. */
  readonly milliseconds: number;
}

/** What is durable when it is told. `node`, `bucket`, `client` and `verifying` are told many times. */
export type TurnStep =
  | 'root'
  | 'begun'
  | 'node'
  | 'bucket'
  | 'client'
  | 'verifying'
  | 'verified'
  | 'backup'
  | 'destroying'
  | 'destroyed'
  | 'ended'
  | 'recorded';

export interface TurnHooks {
  /** Makes a backup of the wrapped keys, as they hang under the new epoch. @returns where it is */
  backup?(epoch: number): Promise<string | undefined>;
  /** Makes the record of an epoch that has ended. A crash may make it run again. @returns the record */
  record?(epoch: EpochState, what: TurnResult): Promise<string>;
  /** Told after each step. @param at how many of all keys were seen to open under the new root so far */
  progress?(at: { readonly step: TurnStep; readonly done: number; readonly total: number }): void;
  /** Goes on where keys do not open, and leaves them as they are: nothing can mend them after the epoch's end. */
  readonly leaveDamaged?: boolean;
}

/** A row of `key_epoch`, but for its key. */
export interface EpochRow {
  readonly number: number;
  readonly root_id: string;
  readonly state: EpochStage;
  readonly begun_at: number;
  readonly ended_at: number | null;
  readonly backup: string | null;
  readonly record: Buffer | null;
  readonly turned_clients: number;
  readonly turned_buckets: number;
  readonly turned_subjects: number;
  readonly turned_destroyed: number;
  readonly root_place: string | null;
  readonly next_root_id: string | null;
}

export const EPOCH_SELECT = `SELECT number, root_id, state, begun_at, ended_at, backup, record, turned_clients,
  turned_buckets, turned_subjects, turned_destroyed, root_place, next_root_id FROM key_epoch`;

export const stateOf = (row: EpochRow): EpochState => ({
  number: Number(row.number),
  rootId: row.root_id,
  state: row.state,
  begunAt: Number(row.begun_at),
  endedAt: row.ended_at === null ? null : Number(row.ended_at),
  backup: row.backup,
  record: row.record?.toString('utf8') ?? null,
});
