import type { EntityManager } from 'typeorm';
import type { TenantTable } from '../../tenancy/tenant-table';
import type { Retained } from '../records/certificate';
import type { ErasureRecord, KeysDeleted } from '../records/erasure-records';
import type { ErasureRequestState } from '../requests/request-state';
import type { Chunk, Range } from './eraser';
import type { PlannedStep } from './plan';
import type { KeysGone } from './request-changes';
import type { Counted, Step } from './steps';

/** What legal holds and claims keep of an erasure at the moment. */
export interface Kept {
  readonly retained: readonly Retained[];
  /** Whether they keep everything in the scope of the request. */
  readonly isAll: boolean;
  /** When the first of them ends by itself, in milliseconds since 1970; null when none does. */
  readonly until: number | null;
  /** For the end of a client: people whose rows stay. Each is erased by a request of their own. */
  readonly people: readonly string[];
}

/** The steps of a pass, with the number of keys to destroy. */
export type PassSteps = ReadonlyArray<PlannedStep & { readonly expected?: number }>;

/** What a transaction has erased. */
export interface ErasedRows {
  readonly counted: readonly Counted[];
  /** Where the next transaction continues in the last step. */
  readonly next?: Chunk['next'];
}

/** What is erased: a person, or a client with everything. All differences between the two are here. */
export interface ErasureTarget {
  /** Tables that steps can be about. */
  readonly tables: readonly TenantTable[];
  /** The event that recipients are notified of. */
  readonly event: string;
  /**
   * Takes the locks that come before the job's.
   * @returns until when it waits for an export; null when it does not wait
   */
  awaits(manager: EntityManager, request: ErasureRequestState): Promise<number | null>;
  /** Locks the person, before rows are erased. */
  enter(manager: EntityManager): Promise<void>;
  /** Reads what is kept. */
  kept(manager: EntityManager, request: ErasureRequestState): Promise<Kept>;
  /** Tables that have rows although all their steps are done. */
  late(manager: EntityManager, kept: Kept, steps: readonly Step[]): Promise<readonly string[]>;
  /** Runs in the transaction that begins a pass. */
  begin(manager: EntityManager, kept: Kept): Promise<void>;
  /** Plans a pass. */
  plan(request: ErasureRequestState, kept: Kept): Promise<PassSteps>;
  /** Runs once the plan is in the record, before anything is destroyed. */
  planned(request: ErasureRequestState, kept: Kept, pass: number): Promise<void>;
  /** Erases rows of the steps' tables, in the order of the steps. */
  erase(
    manager: EntityManager,
    steps: readonly Step[],
    kept: Kept,
    limit: number,
    after: Range['after'],
  ): Promise<ErasedRows>;
  /** Copies made later cannot contain the erased data. Milliseconds since 1970. */
  copiedUntil(request: ErasureRequestState): number;
  /**
   * Destroys the keys of a step. A second run finds none.
   * @returns when they were deleted and in which epoch; undefined when there were none
   */
  destroyKeys(
    step: Step,
    kept: Kept,
    request: ErasureRequestState,
    record: ErasureRecord,
  ): Promise<KeysDeleted | undefined>;
  /** Whether a pass with these steps destroys the key of the person, or of the client. */
  isKeyDestroyed(steps: readonly Step[]): boolean;
  /** Runs right before the certificate is written. */
  certifying(request: ErasureRequestState, kept: Kept, isComplete: boolean, isKeyDestroyed: boolean): Promise<void>;
  /** Forgets whom it was about, once everything is done: in the transaction that ends the work. */
  forget(manager: EntityManager, request: ErasureRequestState, isKeyDestroyed: boolean): Promise<void>;
  /** Completes the request, in the transaction that ends the job. */
  complete(manager: EntityManager, request: ErasureRequestState, at: number, gone: KeysGone): Promise<void>;
}
